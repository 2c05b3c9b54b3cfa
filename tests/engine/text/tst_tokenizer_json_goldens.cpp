// Added tokens with their options, normalization and merges of tokenizer.json files, exactly as the Hugging Face
// tokenizers library encodes.
#include <QTest>

#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "engine/file/safetensors/tokenizer_keys.h"
#include "engine/text/tokenizer.h"
#include "tests/engine/text/golden_files.h"

using namespace quibble;

namespace {

// QUIBBLE_TOKENIZER_VECTORS names another folder, with more vectors than the repository should hold.
std::filesystem::path folder() {
    const char* other = std::getenv("QUIBBLE_TOKENIZER_VECTORS");
    return other != nullptr ? std::filesystem::path(other) : test::repository() / "tests/golden/tokenizer_json";
}

std::string readText(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace

class TestTokenizerJsonGoldens : public QObject {
    Q_OBJECT

private slots:
    void vectors_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"byte_level", "spm_prepend", "spm_first", "spm_always"})
            QTest::newRow(name) << QString(name);
    }
    void vectors() {
        QFETCH(QString, name);
        const std::string file = readText(folder() / (name.toStdString() + ".tokenizer.json"));
        ModelFileParts parts;
        KeyBuilder keys(parts);
        CheckpointTexts texts;
        texts.tokenizer = file;
        const auto added = addTokenizerKeys(texts, nlohmann::json::object(), "", 0, keys);
        QVERIFY2(added.has_value(), added ? "" : added.error().line().c_str());
        const auto tokenizer = Tokenizer::fromFile(ModelFile(std::move(parts)));
        QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().line().c_str());

        const nlohmann::json cases = nlohmann::json::parse(readText(folder() / (name.toStdString() + ".vectors.json")));
        QVERIFY(cases.size() >= 100);
        int wrong = 0;
        for (const auto& one : cases) {
            const auto text = one.at("text").get<std::string>();
            const auto ids = (*tokenizer)->encode(text, {.parse_special = true, .vocabulary_bos_eos = true}),
                       ids_plain = (*tokenizer)->encode(text);
            if (ids == one.at("ids").get<std::vector<TokenId>>() &&
                ids_plain == one.at("ids_plain").get<std::vector<TokenId>>())
                continue;
            if (++wrong <= 10) {
                qWarning("%s: %s and %s instead of %s", one.at("text").dump(-1, ' ', true).c_str(),
                         nlohmann::json(ids).dump().c_str(), nlohmann::json(ids_plain).dump().c_str(),
                         one.dump(-1, ' ', true).c_str());
            }
        }
        QCOMPARE(wrong, 0);
    }
};

QTEST_APPLESS_MAIN(TestTokenizerJsonGoldens)
#include "tst_tokenizer_json_goldens.moc"
