// Every vector of every vocabulary, exactly.
#include <fstream>

#include <nlohmann/json.hpp>

#include "engine/file/safetensors/tokenizer_keys.h"
#include "tests/engine/text/golden_files.h"
#include "tests/support/checkpoint_writer.h"

using namespace quibble;

class TestTokenizerGoldens : public QObject {
    Q_OBJECT

    static std::string fromHex(const std::string& hex) {
        return QByteArray::fromHex(QByteArray::fromStdString(hex)).toStdString();
    }

private slots:
    void vectors_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"gpt-2", "deepseek-r1-qwen", "qwen2", "llama-bpe", "deepseek-coder", "llama-spm"})
            QTest::newRow(name) << QString(name);
    }
    void vectors() { compare(&test::loadTokenizer); }

    // The same vocabularies written as published: merges as texts or pairs, SentencePiece's scores as merges, split
    // rules as expressions.
    void publishedTexts_data() { vectors_data(); }
    void publishedTexts() {
        compare([](const std::string& name) { return throughTokenizerJson(name, testing::MergeForm::Texts); });
    }
    void publishedPairs_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"gpt-2", "llama-spm"}) QTest::newRow(name) << QString(name);
    }
    void publishedPairs() {
        compare([](const std::string& name) { return throughTokenizerJson(name, testing::MergeForm::Pairs); });
    }

private:
    static std::shared_ptr<const Tokenizer> throughTokenizerJson(const std::string& name, testing::MergeForm merges) {
        const auto gguf = ModelFile::open(test::vocabularyPath(name)).value();
        const std::string tokenizer = testing::publishedTokenizer(*gguf, merges).dump(),
                          settings = testing::publishedTokenizerConfig(*gguf).dump();
        CheckpointTexts texts;
        texts.tokenizer = tokenizer;
        texts.tokenizer_config = settings;
        ModelFileParts parts;
        KeyBuilder keys(parts);
        const auto added = addTokenizerKeys(texts, nlohmann::json::object(), "", 0, keys);
        if (!added) {
            qWarning("%s", added.error().line().c_str());
            return nullptr;
        }
        const auto made = Tokenizer::fromFile(ModelFile(std::move(parts)));
        if (!made)
            qWarning("%s", made.error().line().c_str());
        else if ((*made)->hash() != test::loadTokenizer(name)->hash())
            qWarning("another vocabulary than that of the GGUF file");
        else
            return *made;
        return nullptr;
    }

    template <typename Load>
    void compare(const Load& load) {
        QFETCH(QString, name);
        if (test::vocabularyPath(name.toStdString()).empty())
            QSKIP("the vocabulary is not in the repository and ../shared/goldens is absent");
        const std::shared_ptr<const Tokenizer> tokenizer = load(name.toStdString());
        QVERIFY(tokenizer != nullptr);
        std::ifstream in(test::repository() / "tests/golden/tokenizer" / (name.toStdString() + ".json"));
        QVERIFY(in.is_open());
        const nlohmann::json cases = nlohmann::json::parse(in);
        QVERIFY(cases.size() >= 60);
        int wrong = 0;
        for (const auto& one : cases) {
            const std::string text = fromHex(one.at("hex"));
            const auto ids = tokenizer->encode(text);
            const auto ids_special = tokenizer->encode(text, {.parse_special = true});
            const auto ids_full = tokenizer->encode(text, {.parse_special = true, .vocabulary_bos_eos = true});
            const bool right = ids == one.at("ids").get<std::vector<TokenId>>() &&
                               ids_special == one.at("ids_special").get<std::vector<TokenId>>() &&
                               ids_full == one.at("ids_full").get<std::vector<TokenId>>() &&
                               tokenizer->decode(ids_special) == fromHex(one.at("pieces_hex"));
            if (!right) {
                ++wrong;
                qWarning("%s differs on %s: %s instead of %s", qPrintable(name), one.at("text").dump().c_str(),
                         nlohmann::json(ids_special).dump().c_str(), one.at("ids_special").dump().c_str());
            }
        }
        QCOMPARE(wrong, 0);
    }
};

QTEST_APPLESS_MAIN(TestTokenizerGoldens)
#include "tst_tokenizer_goldens.moc"
