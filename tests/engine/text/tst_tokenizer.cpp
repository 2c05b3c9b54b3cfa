// Tokenizers beyond the vectors: any bytes round trip, special tokens, faulty vocabularies, streaming.
#include <random>

#include "engine/text/detokenizer.h"
#include "engine/text/pre_tokenizer.h"
#include "engine/text/thinking.h"
#include "engine/text/utf8.h"
#include "tests/engine/text/golden_files.h"
#include "tests/engine/text/small_vocabulary.h"

using namespace quibble;

class TestTokenizer : public QObject {
    Q_OBJECT

    std::shared_ptr<const Tokenizer> qwen_, gpt2_;

private slots:
    void initTestCase() {
        qwen_ = test::loadTokenizer("deepseek-r1-qwen");
        gpt2_ = test::loadTokenizer("gpt-2");
        QVERIFY(qwen_ != nullptr && gpt2_ != nullptr);
    }

    void facts() {
        QCOMPARE(qwen_->vocabSize(), std::size_t{151936});
        QCOMPARE(qwen_->bos().value(), 151646);
        QCOMPARE(qwen_->eos().value(), 151643);
        QVERIFY(qwen_->addsBos() && !qwen_->addsEos());
        QCOMPARE(qwen_->preTokenizerName(), std::string_view("deepseek-r1-qwen"));
        QVERIFY(qwen_->isEndOfGeneration(151643) && !qwen_->isEndOfGeneration(0) && !qwen_->isEndOfGeneration(-1));
        QVERIFY(qwen_->isSpecial(151646) && !qwen_->isSpecial(151648) && !qwen_->isSpecial(1 << 30));
        QCOMPARE(qwen_->tokenBytes(151648), std::string_view("<think>"));
        QCOMPARE(qwen_->tokenBytes(151936), std::string_view());
        QCOMPARE(qwen_->idOf("<think>").value(), 151648);
        QCOMPARE(qwen_->encode(" wait").size(), std::size_t{1});
        QCOMPARE(qwen_->idOf(" wait").value(), qwen_->encode(" wait").front());
        QVERIFY(!qwen_->idOf("no such token, surely").has_value());
        QVERIFY(qwen_->hash() != gpt2_->hash());
    }

    // Only the ids of padding may differ between two sizes of one family.
    void hashIgnoresPadding() {
        test::SmallVocabulary base;
        base.word(" wait");
        test::SmallVocabulary padded = base;
        for (int i = 0; i < 3; ++i) padded.add("[PAD" + std::to_string(padded.tokens.size()) + "]", 5);
        test::SmallVocabulary other = base;
        other.word(" but");
        QCOMPARE(padded.load().value()->hash(), base.load().value()->hash());
        QVERIFY(other.load().value()->hash() != base.load().value()->hash());
    }

    void everyTokenIsItsBytes() {
        // A token that the merges can reach encodes to itself or to a split of the same bytes; never to other bytes.
        for (TokenId id = 0; id < static_cast<TokenId>(qwen_->vocabSize()); id += 37) {
            const std::string bytes(qwen_->tokenBytes(id));
            QCOMPARE(qwen_->decode(qwen_->encode(bytes, {.parse_special = true})), bytes);
        }
    }

    void anyBytesRoundTrip_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"gpt-2", "deepseek-r1-qwen", "qwen2", "llama-bpe"})
            QTest::newRow(name) << QString(name);
    }
    void anyBytesRoundTrip() {
        QFETCH(QString, name);
        if (test::vocabularyPath(name.toStdString()).empty())
            QSKIP("the vocabulary is not in the repository and ../shared/goldens is absent");
        const auto tokenizer = test::loadTokenizer(name.toStdString());
        std::string all;
        for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
        QCOMPARE(tokenizer->decode(tokenizer->encode(all)), all);
        std::mt19937 engine(7);
        const auto random = [&engine] { return static_cast<unsigned>(engine()); };
        for (int round = 0; round < 3000; ++round) {
            std::string text;
            for (unsigned i = 0, count = random() % 60; i < count; ++i) {
                const unsigned kind = random() % 6;
                if (kind == 0) {
                    text += static_cast<char>(random() % 256);
                } else if (kind == 1) {
                    utf8Append(text, random() % 0x110000);
                } else if (kind == 2) {
                    text += " \t\n\r"[random() % 4];
                } else {
                    text += static_cast<char>('!' + random() % 94);
                }
            }
            QCOMPARE(tokenizer->decode(tokenizer->encode(text, {.parse_special = round % 2 == 0})), text);
        }
    }

    void shortAndLongPiecesAgree() {
        // The two ways to merge must give the same ids: a piece is encoded alone and as part of one that is long.
        test::SmallVocabulary vocabulary;
        vocabulary.merge("a", "b");
        vocabulary.merge("b", "a");
        vocabulary.merge("ab", "ab");
        vocabulary.merge("a", "a");
        const auto tokenizer = vocabulary.load().value();
        std::mt19937 engine(3);
        const auto random = [&engine] { return static_cast<unsigned>(engine()); };
        for (int round = 0; round < 500; ++round) {
            std::string text;
            for (unsigned i = 0, count = 1 + random() % 60; i < count; ++i)
                text += static_cast<char>('a' + random() % 2);
            // Reference: the definition, applied step by step to the whole piece.
            std::vector<std::string> parts;
            for (const char c : text) parts.emplace_back(1, c);
            const std::vector<std::pair<std::string, std::string>> rules = {
                {"a", "b"}, {"b", "a"}, {"ab", "ab"}, {"a", "a"}};
            for (bool merged = true; merged;) {
                merged = false;
                for (const auto& [left, right] : rules) {
                    for (std::size_t i = 0; i + 1 < parts.size() && !merged; ++i) {
                        if (parts[i] != left || parts[i + 1] != right) continue;
                        parts[i] += parts[i + 1];
                        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                        merged = true;
                    }
                    if (merged) break;
                }
            }
            std::vector<TokenId> expected;
            for (const std::string& part : parts) expected.push_back(tokenizer->idOf(part).value());
            QCOMPARE(tokenizer->encode(text), expected);
        }
    }

    void specials() {
        test::SmallVocabulary vocabulary;
        const TokenId open = vocabulary.add("<a>", 3), longer = vocabulary.add("<a><b>", 3),
                      user = vocabulary.add("~~", 4), end = vocabulary.add("<|im_end|>", 3);
        vocabulary.ids = {{"bos_token_id", static_cast<std::uint32_t>(open)},
                          {"eos_token_id", static_cast<std::uint32_t>(longer)}};
        const auto tokenizer = vocabulary.load().value();
        QCOMPARE(tokenizer->encode("<a><b>", {.parse_special = true}), std::vector<TokenId>{longer});
        QCOMPARE(tokenizer->encode("<a><a><b>", {.parse_special = true}), (std::vector<TokenId>{open, longer}));
        QCOMPARE(tokenizer->encode("<a>").size(), std::size_t{3});                    // literal text
        QCOMPARE(tokenizer->encode("x~~y"), (std::vector<TokenId>{'x', user, 'y'}));  // user-defined: always
        QCOMPARE(tokenizer->encode("x", {.add_bos = true}), (std::vector<TokenId>{open, 'x'}));
        QCOMPARE(tokenizer->encode("x", {.vocabulary_bos_eos = true}), std::vector<TokenId>{'x'});
        QVERIFY(tokenizer->isEndOfGeneration(end) && tokenizer->isEndOfGeneration(longer) &&
                !tokenizer->isEndOfGeneration(open));
        QVERIFY(tokenizer->isSpecial(open) && !tokenizer->isSpecial(user));
    }

    void missingByteBecomesReplacement() {
        test::SmallVocabulary vocabulary;
        vocabulary.kinds[0xFF] = 5;  // the byte 0xFF has no usable token
        const auto tokenizer = vocabulary.load().value();
        QCOMPARE(tokenizer->decode(tokenizer->encode("a\xff"
                                                     "b")),
                 std::string("a\xEF\xBF\xBD"
                             "b"));
    }

    void faultyVocabularies() {
        const auto refusal = [](const std::function<void(test::SmallVocabulary&)>& damage) {
            test::SmallVocabulary vocabulary;
            damage(vocabulary);
            const auto loaded = vocabulary.load();
            return loaded ? std::string("was loaded") : loaded.error().line();
        };
        const auto contains = [](const std::string& message, const char* part) {
            if (message.find(part) == std::string::npos) qWarning("%s", message.c_str());
            return message.find(part) != std::string::npos;
        };
        QVERIFY(contains(refusal([](auto& v) { v.pre = "strange"; }), "the pre-tokenizer \"strange\" is not known"));
        QVERIFY(contains(refusal([](auto& v) { v.pre = "strange"; }), "qwen2, deepseek-r1-qwen"));
        QVERIFY(contains(refusal([](auto& v) { v.pre = ""; }), "does not name its pre-tokenizer"));
        QVERIFY(contains(refusal([](auto& v) { v.model = "t5"; }), "the tokenizer model \"t5\" is not known"));
        QVERIFY(contains(refusal([](auto& v) { v.model = "llama"; }), "tokenizer.ggml.scores"));
        QVERIFY(contains(refusal([](auto& v) { v.kinds.pop_back(); }), "255 entries for 256 tokens"));
        QVERIFY(contains(refusal([](auto& v) { v.kinds[3] = 9; }), "token 3 has the unknown kind 9"));
        QVERIFY(contains(refusal([](auto& v) { v.merges = {"ab"}; }), "merge 0 is not two byte-level strings"));
        QVERIFY(contains(refusal([](auto& v) {
                             v.merges = {"a b", "a \xE6\x97\xA5"};
                         }),
                         "merge 1 is not two byte-level strings"));
        QVERIFY(contains(refusal([](auto& v) {
                             v.ids = {{"eos_token_id", 256}};
                         }),
                         "tokenizer.ggml.eos_token_id is 256, which is no id of the 256 tokens"));
        QVERIFY(contains(refusal([](auto& v) { v.tokens.clear(), v.kinds.clear(); }),
                         "there is no list of strings tokenizer.ggml.tokens"));
        QVERIFY(contains(refusal([](auto&) {}), "was loaded"));
    }

    // A key that is there but of another kind is no key that is absent.
    void keysOfAnotherKind_data() {
        QTest::addColumn<QByteArray>("key");
        QTest::addColumn<QByteArray>("value");  // type and value as in the file
        QTest::addColumn<QByteArray>("says");   // empty: it is read
        const auto row = [](const char* name, const char* key, const test::GgufBytes& value, const char* says) {
            QTest::newRow(name) << QByteArray(key) << QByteArray::fromStdString(value.bytes) << QByteArray(says);
        };
        using Bytes = test::GgufBytes;
        constexpr std::uint32_t kU8 = 0, kU32 = 4, kF32 = 6, kBool = 7, kString = 8, kArray = 9;
        const auto list = [](std::uint32_t element, std::uint64_t count) {
            return Bytes().put(kArray).put(element).put(count);
        };
        row("bos as a truth", "tokenizer.ggml.add_bos_token", Bytes().put(kBool).put<std::uint8_t>(1), "");
        row("bos as a number", "tokenizer.ggml.add_bos_token", Bytes().put(kU8).put<std::uint8_t>(1),
            "tokenizer.ggml.add_bos_token is not true or false");
        row("bos as a text", "tokenizer.ggml.add_bos_token", Bytes().put(kString).text("true"),
            "tokenizer.ggml.add_bos_token is not true or false");
        row("eos as a number", "tokenizer.ggml.add_eos_token", Bytes().put(kU32).put<std::uint32_t>(0),
            "tokenizer.ggml.add_eos_token is not true or false");
        row("space as a text", "tokenizer.ggml.add_space_prefix", Bytes().put(kString).text("no"),
            "tokenizer.ggml.add_space_prefix is not true or false");
        row("a list of templates", "tokenizer.chat_template", list(kString, 1).text("{{ 1 }}"),
            "tokenizer.chat_template is not a text");
        row("a pre-tokenizer by number", "tokenizer.ggml.pre", Bytes().put(kU32).put<std::uint32_t>(1),
            "tokenizer.ggml.pre is not a text");
        row("a model by number", "tokenizer.ggml.model", Bytes().put(kU32).put<std::uint32_t>(1),
            "tokenizer.ggml.model is not a text");
        row("tokens as numbers", "tokenizer.ggml.tokens", list(kU8, 2).put<std::uint8_t>(1).put<std::uint8_t>(2),
            "tokenizer.ggml.tokens is not a list of texts");
        row("kinds as one number", "tokenizer.ggml.token_type", Bytes().put(kU32).put<std::uint32_t>(1),
            "tokenizer.ggml.token_type is not a list of whole numbers");
        row("kinds as fractions", "tokenizer.ggml.token_type", list(kF32, 1).put(1.0F),
            "tokenizer.ggml.token_type is not a list of whole numbers");
        row("scores as texts", "tokenizer.ggml.scores", list(kString, 1).text("0"),
            "tokenizer.ggml.scores is not a list of numbers");
        row("merges as numbers", "tokenizer.ggml.merges", list(kU8, 2).put<std::uint8_t>(1).put<std::uint8_t>(2),
            "tokenizer.ggml.merges is not a list of texts");
        row("an end as a text", "tokenizer.ggml.eos_token_id", Bytes().put(kString).text("3"),
            "tokenizer.ggml.eos_token_id is \"3\", which is no id");
        row("no end, as the largest number", "tokenizer.ggml.eos_token_id",
            Bytes().put(kU32).put<std::uint32_t>(0xFFFFFFFF), "");
    }
    void keysOfAnotherKind() {
        QFETCH(QByteArray, key);
        QFETCH(QByteArray, value);
        QFETCH(QByteArray, says);
        test::SmallVocabulary vocabulary;
        vocabulary.typed = {{key.toStdString(), value.toStdString()}};
        const auto loaded = vocabulary.load();
        if (says.isEmpty())
            QVERIFY2(loaded.has_value(), loaded ? "" : loaded.error().line().c_str());
        else
            QVERIFY2(!loaded && loaded.error().what.find(says.toStdString()) != std::string::npos,
                     loaded ? "was loaded" : loaded.error().line().c_str());
    }

    // Converted files give control tokens the kind of ordinary text.
    void kindsThatAreStatedWrongly_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("kind");
        QTest::addColumn<bool>("control");
        QTest::addColumn<bool>("ends");
        for (const char* end : {"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>",
                                "<|return|>", "<|call|>", "<|end|>", "<end_of_turn>", "<|EOT|>", "<EOT>",
                                "<|end_of_turn|>", "<|endofturn|>", "<|eot|>", "<end_of_utterance>", "[EOT]", "[EOS]",
                                "<\xEF\xBD\x9C"
                                "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"}) {
            for (const int kind : {1, 3, 5})
                QTest::addRow("%s of kind %d", end, kind) << QByteArray(end) << kind << true << true;
            QTest::addRow("%s, user-defined", end) << QByteArray(end) << 4 << false << true;
        }
        for (const char* end : {"<|END_OF_TURN_TOKEN|>", "<|flush|>", "<|calls|>", "<|fim_pad|>", "<|repo_name|>",
                                "<|file_sep|>", "<eos>"}) {
            const bool tag = end[1] == '|';  // a token like that is no ordinary text
            QTest::addRow("%s, control", end) << QByteArray(end) << 3 << true << true;
            QTest::addRow("%s, user-defined", end) << QByteArray(end) << 4 << false << true;
            QTest::addRow("%s, ordinary", end) << QByteArray(end) << 1 << tag << tag;
            QTest::addRow("%s, unused", end) << QByteArray(end) << 5 << true << false;
        }
        QTest::newRow("beginning of a turn, ordinary") << QByteArray("<|im_start|>") << 1 << true << false;
        QTest::newRow("beginning of a turn, unused, in the template")
            << QByteArray("<|im_start|>") << 5 << true << false;
        QTest::newRow("reserved, unused") << QByteArray("<|reserved_7|>") << 5 << true << false;  // special as before
        QTest::newRow("strike-through of HTML") << QByteArray("</s>") << 1 << false << false;
        QTest::newRow("an ordinary word") << QByteArray("<b>") << 1 << false << false;
    }
    void kindsThatAreStatedWrongly() {
        QFETCH(QByteArray, text);
        QFETCH(int, kind);
        QFETCH(bool, control);
        QFETCH(bool, ends);
        test::SmallVocabulary vocabulary;
        vocabulary.chat_template = "<|im_start|>{{ messages[0].content }}";
        const TokenId id = vocabulary.add("x", kind);
        vocabulary.tokens[static_cast<std::size_t>(id)] = text.toStdString();
        const auto tokenizer = vocabulary.load().value();
        QCOMPARE(tokenizer->isSpecial(id), control);
        QCOMPARE(tokenizer->isEndOfGeneration(id), ends);
        const bool mended = (kind == 1 && control) || (kind == 5 && (ends || text == "<|im_start|>"));
        QCOMPARE(tokenizer->notes().size(), std::size_t{mended ? 1U : 0U});
        if (!mended) return;
        QVERIFY2(tokenizer->notes().front().find(text.toStdString()) != std::string::npos,
                 tokenizer->notes().front().c_str());
        QCOMPARE(tokenizer->encode(text.toStdString(), {.parse_special = true}), std::vector<TokenId>{id});
        QVERIFY(tokenizer->encode(text.toStdString()).size() > 1);  // what a user writes stays text
    }

    void kindsThatAreBelieved() {
        // What letters become by merges is ordinary, whatever it looks like.
        test::SmallVocabulary merged;
        const TokenId made = merged.word("<|im_end|>");
        const auto ordinary = merged.load().value();
        QVERIFY(!ordinary->isSpecial(made) && !ordinary->isEndOfGeneration(made) && ordinary->notes().empty());
        // A message of gpt-oss ends with <|end|>, its turn does not.
        test::SmallVocabulary channels;
        channels.add("<|channel|>", 3);
        const TokenId end = channels.add("<|end|>", 3), turn = channels.add("<|return|>", 3);
        const auto harmony = channels.load().value();
        QVERIFY(!harmony->isEndOfGeneration(end) && harmony->isEndOfGeneration(turn));
        test::SmallVocabulary messages;
        const TokenId end_of_message = messages.add("<|end|>", 3), flush = messages.add("<|flush|>", 3),
                      calls = messages.add("<|calls|>", 3);
        const auto solar = messages.load().value();
        QVERIFY(!solar->isEndOfGeneration(end_of_message) && solar->isEndOfGeneration(flush) &&
                solar->isEndOfGeneration(calls));
        // A tag that the template writes is found as a token of its own, and one that the file names as its end is one.
        test::SmallVocabulary tags;
        const TokenId think = tags.add("<think>", 1), other = tags.add("<other>", 1), last = tags.add("</s>", 1);
        tags.chat_template = "{{ messages[0].content }}<think>";
        tags.ids = {{"eos_token_id", static_cast<std::uint32_t>(last)}};
        const auto tagged = tags.load().value();
        QCOMPARE(tagged->encode("a<think>"), (std::vector<TokenId>{'a', think}));
        QVERIFY(tagged->encode("<other>").size() > 1);
        QVERIFY(!tagged->isSpecial(think) && !tagged->isSpecial(other) && tagged->isSpecial(last));
        QCOMPARE(tagged->notes().size(), std::size_t{2});
    }

    void splitRules() {
        using Pieces = std::vector<std::string_view>;
        const auto split = [](const char* name, std::string_view text) {
            return PreTokenizer::byName(name).value()->split(text);
        };
        QCOMPARE(split("gpt-2", "I'll  see 123"), (Pieces{"I", "'ll", " ", " see", " 123"}));
        QCOMPARE(split("qwen2", "I'LL  see 12\n\nx"), (Pieces{"I", "'LL", " ", " see", " ", "1", "2", "\n\n", "x"}));
        QCOMPARE(split("llama-bpe", "12345 a"), (Pieces{"123", "45", " a"}));
        QCOMPARE(split("gpt-4o", "HTTPServer isn't /x/"), (Pieces{"HTTPServer", " isn't", " /", "x", "/"}));
        QCOMPARE(split("gpt-4o", "camelCase a//\n"), (Pieces{"camel", "Case", " a", "//\n"}));
        QCOMPARE(split("qwen2", "a\xff\xfe b"), (Pieces{"a", "\xff\xfe", " b"}));
        QVERIFY(PreTokenizer::knownNames().size() >= 8);
    }

    void streaming() {
        const std::string text = "naïve 日本語 👩‍👩‍👧 ok";
        std::string joined;
        StreamingDetokenizer stream(gpt2_);
        for (const TokenId id : gpt2_->encode(text)) {
            const std::string piece = stream.push(id);
            QVERIFY2(isValidUtf8(piece), "half a character was passed on");
            joined += piece;
        }
        QCOMPARE(joined + stream.finish(), text);
        // Bytes that can become nothing are passed on at once; what is left at the end is not lost.
        std::string broken;
        for (const TokenId id : gpt2_->encode("a\xff"
                                              "b\xe6\x97"))
            broken += stream.push(id);
        QCOMPARE(broken, std::string("a\xff"
                                     "b"));
        QCOMPARE(stream.finish(), std::string("\xe6\x97"));
        QCOMPARE(stream.finish(), std::string());
        StreamingDetokenizer quiet(qwen_, {.show_special = false});
        QCOMPARE(quiet.push(151646), std::string());
        QCOMPARE(quiet.push(151648), std::string("<think>"));
    }

    void thinking_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<bool>("open");
        QTest::addColumn<QByteArray>("inside");  // the characters whose token leaves the stream inside, one flag each
        QTest::addColumn<int>("closed");
        QTest::newRow("answer only") << QByteArray("ab") << false << QByteArray("..") << 0;
        QTest::newRow("open prompt") << QByteArray("ab</think>cd") << true << QByteArray("#########...") << 1;
        QTest::newRow("whole span") << QByteArray("<think>a</think>b") << false << QByteArray("......#########..") << 1;
        const QByteArray opens("......#"), closes("#######.");  // a tag of 7 or 8 characters
        QTest::newRow("blanks in front") << QByteArray(" \n<think>x") << false << ".." + opens + "#" << 0;
        QTest::newRow("false start") << QByteArray("<thin<think>x") << false << QByteArray(13, '.') << 0;
        QTest::newRow("a word of the answer") << QByteArray("ab <think>x") << false << QByteArray(11, '.') << 0;
        QTest::newRow("a word behind the thought")
            << QByteArray("<think>a</think>b <think>c") << false << opens + "#" + closes + QByteArray(10, '.') << 1;
        QTest::newRow("a second thought") << QByteArray("<think>a</think>\n<think>b</think>c") << false
                                          << opens + "#" + closes + "." + opens + "#" + closes + "." << 2;
        QTest::newRow("opened twice") << QByteArray("<think>a<think>b</think>c") << false
                                      << opens + QByteArray(9, '#') + closes + "." << 1;
        QTest::newRow("opened again behind the prompt")
            << QByteArray("<think>b</think>c") << true << QByteArray(8, '#') + closes + "." << 1;
        QTest::newRow("the other form in a thought")
            << QByteArray("<think><|end|></think>b") << false << opens + QByteArray(7, '#') + closes + "." << 1;
        QTest::newRow("other brackets") << QByteArray("[THINK]a[/THINK]b") << false << opens + "#" + closes + "." << 1;
        QTest::newRow("the closing tag of another pair")
            << QByteArray("[THINK]</think>x") << false << opens + QByteArray(9, '#') << 0;
        QTest::newRow("channels in letters")
            << QByteArray(
                   "<|channel|>an<|message|>x<|end|><|channel|>final<|message|>write <|channel|>an<|message|> or "
                   "<think>")
            << false << QByteArray(23, '.') + "##" + "######." + QByteArray(27 + 6 + 24 + 11, '.') << 1;
        QTest::newRow("an endless name") << QByteArray("<|channel|>") + QByteArray(80, 'x') + "<|message|>y" << false
                                         << QByteArray(11 + 80 + 12, '.') << 0;
        QTest::newRow("stray close") << QByteArray("a</think>b") << false << QByteArray("..........") << 0;
    }
    void thinking() {
        QFETCH(QByteArray, text);
        QFETCH(bool, open);
        QFETCH(QByteArray, inside);
        QFETCH(int, closed);
        // One token a character: the tags are spread over several tokens.
        test::SmallVocabulary vocabulary;
        const auto tokenizer = vocabulary.load().value();
        ThinkingTracker tracker(*tokenizer, open);
        QByteArray seen;
        for (const char c : text) seen += tracker.push(static_cast<TokenId>(static_cast<unsigned char>(c))) ? '#' : '.';
        QCOMPARE(seen, inside);
        QCOMPARE(tracker.closedSpans(), closed);
    }

    void thinkingTagsAsTokens() {
        ThinkingTracker tracker(*qwen_, false);
        std::string seen;
        for (const TokenId id : qwen_->encode("<think>b</think>c<think>d")) seen += tracker.push(id) ? '#' : '.';
        QCOMPARE(seen, std::string("##...."));
        QCOMPARE(tracker.closedSpans(), 1);
        // Where the tags are tokens, their letters are text.
        ThinkingTracker open(*qwen_, true);
        for (const char* letters : {"</", "think", ">"}) {
            for (const TokenId id : qwen_->encode(letters)) QVERIFY(open.push(id));
        }
        QVERIFY(!open.push(*qwen_->idOf("</think>")));
    }

    void thinkingChannels() {
        test::SmallVocabulary vocabulary;
        for (const char* mark : {"<|channel|>", "<|message|>", "<|end|>", "<|start|>"}) vocabulary.add(mark, 3);
        const auto tokenizer = vocabulary.load().value();
        ThinkingTracker tracker(*tokenizer, false);
        std::string seen;
        for (const TokenId id : tokenizer->encode(
                 "<|channel|>an<|message|>xy<|end|><|start|>a<|channel|>final<|message|>zz", {.parse_special = true}))
            seen += tracker.push(id) ? '#' : '.';
        QCOMPARE(seen, std::string("...###............"));
        // A message ends with its token. What its text says of tags and marks changes nothing.
        ThinkingTracker other(*tokenizer, false);
        const auto push = [&](std::string_view text, bool special) {
            for (const TokenId id : tokenizer->encode(text, {.parse_special = special})) (void)other.push(id);
            return other.inside();
        };
        QVERIFY(push("<|channel|>analysis<|message|>", true));
        QVERIFY(push("</think> <|end|> <|channel|>final<|message|>", false));
        QVERIFY(!push("<|end|><|start|>assistant<|channel|>final<|message|>", true));
        QVERIFY(!push("<think> <|channel|>analysis<|message|>", false));
        QVERIFY(push("<|end|><|start|>assistant<|channel|>commentary<|message|>", true));
        QVERIFY(!push("<|channel|>final<|message|>", true));
        QCOMPARE(other.closedSpans(), 2);
    }

    void utf8() {
        QCOMPARE(completeUtf8Length("abc"), std::size_t{3});
        QCOMPARE(completeUtf8Length("a\xe6"), std::size_t{1});
        QCOMPARE(completeUtf8Length("a\xe6\x97"), std::size_t{1});
        QCOMPARE(completeUtf8Length("a\xe6\x97\xa5"), std::size_t{4});
        QCOMPARE(completeUtf8Length("a\xf0\x9f\x98"), std::size_t{1});
        QCOMPARE(completeUtf8Length("a\xff"), std::size_t{2});
        QCOMPARE(completeUtf8Length("a\xed\xa0"), std::size_t{3});  // the start of a surrogate is no start
        QCOMPARE(completeUtf8Length("\x80\x80\x80\x80"), std::size_t{4});
        for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
                                "\x80", "\xe6\x97"})
            QVERIFY(!isValidUtf8(bad));
        QVERIFY(isValidUtf8("a\xc2\x80\xe0\xa0\x80\xf4\x8f\xbf\xbf"));
        QCOMPARE(toValidUtf8("a\xff"
                             "b"),
                 std::string("a\xEF\xBF\xBD"
                             "b"));
    }
};

QTEST_APPLESS_MAIN(TestTokenizer)
#include "tst_tokenizer.moc"
