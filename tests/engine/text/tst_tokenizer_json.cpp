// tokenizer.json files: what each stage means, and that what is unknown or contradicts itself is refused by name.
#include <QTest>

#include "engine/file/safetensors/tokenizer_keys.h"
#include "engine/text/tokenizer.h"
#include "tests/engine/text/small_vocabulary.h"
#include "tests/support/checkpoint_writer.h"

using namespace quibble;
using nlohmann::json;

namespace {

struct Files {
    json tokenizer, tokenizer_config = json::object(), generation_config = json::object(), config = json::object();
    std::string chat_template;
    std::uint64_t rows = 0;

    [[nodiscard]] Result<std::shared_ptr<const Tokenizer>> load() const {
        const std::string tokenizer_text = tokenizer.dump(), settings = tokenizer_config.dump(),
                          generation = generation_config.dump();
        const CheckpointTexts texts{.config = {},
                                    .tokenizer = tokenizer_text,
                                    .tokenizer_config = settings,
                                    .generation_config = generation,
                                    .chat_template = chat_template};
        ModelFileParts parts;
        KeyBuilder keys(parts);
        if (auto added = addTokenizerKeys(texts, json::parse(config.dump()), "folder/", rows, keys); !added)
            return tl::unexpected<Error>(added.error());
        return Tokenizer::fromFile(ModelFile(std::move(parts)));
    }
    /// Empty when it loads.
    [[nodiscard]] std::string refusal() const {
        const auto made = load();
        return made ? "" : made.error().hint.empty() ? "an error without a hint" : made.error().line();
    }
};

// All bytes, " the", two special tokens (ids 259 and 260) and a word of the user's (261).
Files byteLevel() {
    test::SmallVocabulary vocabulary;
    vocabulary.word(" the");
    vocabulary.add("<|end|>", 3);
    vocabulary.add("<|begin|>", 3);
    vocabulary.add("<think>", 4);
    const std::string bytes = vocabulary.file();
    Files files;
    files.tokenizer = testing::publishedTokenizer(
        *ModelFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "small.gguf").value());
    return files;
}

// Bytes, some letters, and the merges of "hello" behind a space.
Files sentencePiece() {
    json vocabulary = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
    for (int byte = 0; byte < 256; ++byte)
        vocabulary[QString::asprintf("<0x%02X>", static_cast<unsigned>(byte)).toStdString()] = 3 + byte;
    int id = 259;
    for (const char* text : {"\u2581", "h", "e", "l", "o", "he", "ll", "hell", "hello", "\u2581hello"})
        vocabulary[text] = id++;
    Files files;
    files.tokenizer = {
        {"added_tokens", json::array({{{"id", 1}, {"content", "<s>"}, {"special", true}},
                                      {{"id", 2}, {"content", "</s>"}, {"special", true}}})},
        {"normalizer", nullptr},
        {"pre_tokenizer",
         {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "always"}, {"split", false}}},
        {"model",
         {{"type", "BPE"},
          {"byte_fallback", true},
          {"unk_token", "<unk>"},
          {"vocab", vocabulary},
          {"merges", json::array({"h e", "l l", "he ll", "hell o", "\u2581 hello"})}}}};
    files.tokenizer_config = {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"add_bos_token", true}};
    return files;
}

}  // namespace

class TestTokenizerJson : public QObject {
    Q_OBJECT

private slots:
    void byteLevelKinds() {
        Files files = byteLevel();
        files.tokenizer_config = {
            {"bos_token", {{"content", "<|begin|>"}}}, {"eos_token", "<|end|>"}, {"add_bos_token", true}};
        files.rows = 300;
        const auto tokenizer = files.load().value();
        QCOMPARE(tokenizer->vocabSize(), std::size_t{300});
        QCOMPARE(tokenizer->preTokenizerName(), std::string_view("qwen2"));
        QCOMPARE(tokenizer->bos(), std::optional<TokenId>(260));
        QCOMPARE(tokenizer->eos(), std::optional<TokenId>(259));
        QVERIFY(tokenizer->isSpecial(259) && tokenizer->isSpecial(260) && !tokenizer->isSpecial(261) &&
                tokenizer->isSpecial(299));
        QVERIFY(tokenizer->isEndOfGeneration(259) && !tokenizer->isEndOfGeneration(260));
        QCOMPARE(tokenizer->encode("<think> the<|end|>", {.parse_special = true, .vocabulary_bos_eos = true}),
                 (std::vector<TokenId>{260, 261, 258, 259}));
    }

    // The names in tokenizer_config.json go before numbers, which some published folders have wrong; ends are those of
    // every list.
    void specialIds() {
        Files files = byteLevel();
        files.config = {{"bos_token_id", 7}, {"eos_token_id", 8}};
        QCOMPARE(files.load().value()->bos(), std::optional<TokenId>(7));
        QCOMPARE(files.load().value()->eos(), std::optional<TokenId>(8));
        files.generation_config = {{"eos_token_id", {259, 12, 99999}}};
        const auto listed = files.load().value();
        QCOMPARE(listed->eos(), std::optional<TokenId>(259));
        QVERIFY(listed->isEndOfGeneration(259) && listed->isEndOfGeneration(12) && !listed->isEndOfGeneration(8));
        files.tokenizer_config = {{"bos_token", "<|begin|>"}, {"eos_token", "<|end|>"}};
        QCOMPARE(files.load().value()->bos(), std::optional<TokenId>(260));
        files.tokenizer_config["bos_token"] = nullptr;
        QCOMPARE(files.load().value()->bos(), std::optional<TokenId>(7));
    }

    void beginsAndEnds() {
        Files files = byteLevel();
        QVERIFY(!files.load().value()->addsBos() && !files.load().value()->addsEos());
        const json special = {{"SpecialToken", {{"id", "<|begin|>"}}}}, sequence = {{"Sequence", {{"id", "A"}}}};
        files.tokenizer["post_processor"] = {{"type", "TemplateProcessing"}, {"single", {special, sequence}}};
        QVERIFY(files.load().value()->addsBos() && !files.load().value()->addsEos());
        // The token is named there too; what names it elsewhere goes before.
        QVERIFY(!files.load().value()->bos());
        files.tokenizer["post_processor"]["special_tokens"] = {
            {"<|begin|>", {{"id", "<|begin|>"}, {"ids", {260}}, {"tokens", {"<|begin|>"}}}}};
        QCOMPARE(files.load().value()->bos(), std::optional<TokenId>(260));
        QCOMPARE(files.load().value()->encode("a", {.vocabulary_bos_eos = true}), (std::vector<TokenId>{260, 'a'}));
        files.tokenizer_config["bos_token"] = "<|end|>";
        QCOMPARE(files.load().value()->bos(), std::optional<TokenId>(259));
        files.tokenizer_config.erase("bos_token");
        files.tokenizer["post_processor"]["special_tokens"]["<|begin|>"]["ids"] = {9999};
        QVERIFY(!files.load().value()->bos());
        files.tokenizer["post_processor"]["single"] = {sequence, special};
        QVERIFY(!files.load().value()->addsBos() && files.load().value()->addsEos());
        files.tokenizer_config["add_eos_token"] = false;
        QVERIFY(!files.load().value()->addsEos());
    }

    void chatTemplates() {
        Files files = byteLevel();
        QCOMPARE(files.load().value()->chatTemplate(), std::string_view());
        files.tokenizer_config["chat_template"] =
            json::array({{{"name", "tool_use"}, {"template", "tools"}}, {{"name", "default"}, {"template", "plain"}}});
        QCOMPARE(files.load().value()->chatTemplate(), std::string_view("plain"));
        files.tokenizer_config["chat_template"] = "one";
        QCOMPARE(files.load().value()->chatTemplate(), std::string_view("one"));
        files.chat_template = "a file";
        QCOMPARE(files.load().value()->chatTemplate(), std::string_view("a file"));
    }

    void sentencePieceSpaces() {
        Files files = sentencePiece();
        const auto always = files.load().value();
        QCOMPARE(always->preTokenizerName(), std::string_view("spm"));
        QCOMPARE(always->encode("hello<s>hello", {.parse_special = true, .vocabulary_bos_eos = true}),
                 (std::vector<TokenId>{1, 268, 1, 268}));
        files.tokenizer["pre_tokenizer"]["prepend_scheme"] = "first";
        QCOMPARE(files.load().value()->encode("hello<s>hello", {.parse_special = true}),
                 (std::vector<TokenId>{268, 1, 267}));
        QCOMPARE(files.load().value()->encode("<s>hello", {.parse_special = true}), (std::vector<TokenId>{1, 267}));
        files.tokenizer["pre_tokenizer"]["prepend_scheme"] = "never";
        QCOMPARE(files.load().value()->encode("hello hello"), (std::vector<TokenId>{267, 268}));
        // What has no token falls into bytes.
        QCOMPARE(files.load().value()->encode("\xc3\xa9"), (std::vector<TokenId>{3 + 0xc3, 3 + 0xa9}));
    }

    // A published file may look whole pieces up before merging whatever its family does.
    void ignoreMerges() {
        Files files = byteLevel();
        files.tokenizer["model"]["vocab"]["xyz"] = 262;
        QCOMPARE(files.load().value()->encode("xyz").size(), std::size_t{3});
        files.tokenizer["model"]["ignore_merges"] = true;
        QCOMPARE(files.load().value()->encode("xyz"), (std::vector<TokenId>{262}));
    }

    // What the options mean is in tst_tokenizer_json_goldens; here, that a published folder may hold them in either
    // file.
    void addedTokens() {
        Files files = byteLevel();
        QCOMPARE(files.load().value()->encode("a <think> b"), (std::vector<TokenId>{'a', ' ', 261, ' ', 'b'}));
        for (json& token : files.tokenizer["added_tokens"]) token["lstrip"] = token["content"] == "<think>";
        const auto stripping = files.load().value();
        QCOMPARE(stripping->encode("a <think> b"), (std::vector<TokenId>{'a', 261, ' ', 'b'}));
        QCOMPARE(stripping->tokenBytes(261), std::string_view("<think>"));
        files.tokenizer_config["added_tokens_decoder"] = {
            {"261", {{"content", "<think>"}, {"lstrip", false}}},  // the other file goes before
            {"262", {{"content", "<tool>"}, {"special", true}, {"rstrip", true}}},
            {"nonsense", {{"content", "<x>"}}},
            {"300", 7}};
        files.rows = 300;
        const auto more = files.load().value();
        QCOMPARE(more->encode("a <think> b<tool>\n\nc", {.parse_special = true}),
                 (std::vector<TokenId>{'a', 261, ' ', 'b', 262, 'c'}));
        QVERIFY(more->isSpecial(262) && more->idOf("<tool>") == std::optional<TokenId>(262));
        files.tokenizer_config["added_tokens_decoder"]["17"] = {{"content", "<clash>"}};
        QVERIFY(files.refusal().find("id 17 stands for") != std::string::npos);
    }

    void composedText() {
        Files files = byteLevel();
        const std::string apart = "cafe\u0301";
        QCOMPARE(files.load().value()->encode(apart).size(), std::size_t{6});
        files.tokenizer["normalizer"] = {{"type", "NFC"}};
        QCOMPARE(files.load().value()->encode(apart), files.load().value()->encode("caf\u00e9"));
        files.tokenizer["normalizer"] = {{"type", "Sequence"},
                                         {"normalizers", json::array({{{"type", "NFC"}}, {{"type", "NFKC"}}})}};
        QVERIFY(files.refusal().find("\"NFKC\" is not supported") != std::string::npos);
    }

    void refused_data() {
        QTest::addColumn<bool>("spm");
        QTest::addColumn<QByteArray>("patch");  // JSON Patch on tokenizer.json
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, bool spm, const char* patch, const char* says) {
            QTest::newRow(name) << spm << QByteArray(patch) << QString(says);
        };
        row("no model", false, R"([{"op":"remove","path":"/model"}])", "there is no model");
        row("unigram", false, R"([{"op":"replace","path":"/model/type","value":"Unigram"}])",
            "\"Unigram\" is not supported");
        row("prefixes inside words", false, R"([{"op":"add","path":"/model/continuing_subword_prefix","value":"##"}])",
            "continuing_subword_prefix");
        row("no vocabulary", false, R"([{"op":"remove","path":"/model/vocab"}])", "no vocabulary");
        row("empty vocabulary", false, R"([{"op":"replace","path":"/model/vocab","value":{}}])", "no vocabulary");
        row("vocabulary of numbers", false, R"([{"op":"replace","path":"/model/vocab","value":[1]}])", "no vocabulary");
        row("negative id", false, R"([{"op":"replace","path":"/model/vocab/a","value":-1}])",
            "\"a\" has no id that is a whole number");
        row("huge id", false, R"([{"op":"replace","path":"/model/vocab/a","value":4000000000}])",
            "\"a\" has the id 4000000000, beyond the vocabulary of");
        row("an id twice", false, R"([{"op":"replace","path":"/model/vocab/a","value":5}])", "id 5 stands for");
        row("a text twice", false, R"([{"op":"replace","path":"/added_tokens/0/content","value":"a"}])",
            "\"a\" has the ids");
        row("added without id", false, R"([{"op":"remove","path":"/added_tokens/0/id"}])", "added token 0");
        row("added without text", false, R"([{"op":"replace","path":"/added_tokens/0/content","value":""}])",
            "added token 0");
        row("no merges", false, R"([{"op":"remove","path":"/model/merges"}])", "no list model.merges");
        row("merge of one", false, R"([{"op":"add","path":"/model/merges/0","value":"ab"}])", "merge 0 is not a pair");
        row("merge of three", false, R"([{"op":"add","path":"/model/merges/0","value":"a b c"}])",
            "merge 0 is not a pair");
        row("merge of numbers", false, R"([{"op":"add","path":"/model/merges/0","value":[1,2]}])",
            "merge 0 is not a pair");
        row("merge outside of the alphabet", false, R"([{"op":"add","path":"/model/merges/0","value":["\u2581","a"]}])",
            "not two byte-level strings");
        row("unknown expression", false,
            R"([{"op":"replace","path":"/pre_tokenizer/pretokenizers/0/pattern/Regex","value":"\\s+"}])",
            "no pre-tokenizer is known for the 1 expressions");
        row("expression that merges", false,
            R"([{"op":"replace","path":"/pre_tokenizer/pretokenizers/0/behavior","value":"MergedWithNext"}])",
            "\"Split\" is not supported");
        row("unknown pre-tokenizer", false,
            R"([{"op":"replace","path":"/pre_tokenizer/pretokenizers/0/type","value":"BertPreTokenizer"}])",
            "\"BertPreTokenizer\" is not supported");
        row("space in front", false,
            R"([{"op":"replace","path":"/pre_tokenizer/pretokenizers/1/add_prefix_space","value":true}])",
            "add_prefix_space");
        row("no pre-tokenizer", false, R"([{"op":"remove","path":"/pre_tokenizer"}])", "neither byte-level nor");
        row("lower case", false, R"([{"op":"replace","path":"/normalizer","value":{"type":"Lowercase"}}])",
            "\"Lowercase\" is not supported");
        row("text stripped", true,
            R"([{"op":"replace","path":"/normalizer","value":{"type":"Strip","strip_left":true}}])",
            "\"Strip\" is not supported");
        row("other text in front", true,
            R"([{"op":"replace","path":"/normalizer","value":{"type":"Prepend","prepend":">"}}])",
            "\"Prepend\" is not supported");
        row("other text replaced", true,
            R"([{"op":"replace","path":"/normalizer","value":{"type":"Replace","pattern":{"String":"-"},"content":"_"}}])",
            "\"Replace\" is not supported");
        row("merge of what is no token", true, R"([{"op":"add","path":"/model/merges/0","value":"h x"}])",
            "merge 0 is not two tokens");
        row("metaspace that splits", true, R"([{"op":"replace","path":"/pre_tokenizer/split","value":true}])",
            "does not split");
        row("metaspace of another mark", true, R"([{"op":"replace","path":"/pre_tokenizer/replacement","value":"_"}])",
            "does not split");
        row("unknown scheme", true, R"([{"op":"replace","path":"/pre_tokenizer/prepend_scheme","value":"sometimes"}])",
            "\"sometimes\" is not known");
        row("spaces as they are", true, R"([{"op":"remove","path":"/pre_tokenizer"}])", "without U+2581");
        row("unknown token unknown", true, R"([{"op":"replace","path":"/model/unk_token","value":"<none>"}])",
            "unk_token \"<none>\" is no token");
        row("byte missing, no unknown token", true,
            R"([{"op":"remove","path":"/model/vocab/<0x41>"},{"op":"remove","path":"/model/unk_token"}])",
            "neither all 256 byte tokens");
    }
    void refused() {
        QFETCH(bool, spm);
        QFETCH(QByteArray, patch);
        QFETCH(QString, says);
        Files files = spm ? sentencePiece() : byteLevel();
        QCOMPARE(files.refusal(), std::string());
        files.tokenizer = files.tokenizer.patch(json::parse(patch.toStdString()));
        const std::string refusal = files.refusal();
        QVERIFY2(refusal.find(says.toStdString()) != std::string::npos, refusal.c_str());
    }
};

QTEST_APPLESS_MAIN(TestTokenizerJson)
#include "tst_tokenizer_json.moc"
