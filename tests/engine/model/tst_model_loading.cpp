// What a model must have before it runs: every missing, misshapen or unsupported part is named.
#include <QTest>

#include <cstring>

#include "engine/device/cpu_device.h"
#include "engine/model/model_cache.h"
#include "engine/model/sequence.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

std::filesystem::path golden(const char* name) { return goldenDirectory() / "models" / name; }

// Replaces `from` by `to` (same length) everywhere in the bytes of a golden model and tries to load it.
std::string errorAfterReplacing(const char* name, const std::string& from, const std::string& to) {
    std::string bytes = readFile(golden(name));
    for (std::size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + 1)) bytes.replace(at, to.size(), to);
    auto file = ModelFile::parse({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, "altered.gguf");
    if (!file) return file.error().line();
    auto tokenizer = Tokenizer::fromFile(**file);
    if (!tokenizer) return tokenizer.error().line();
    auto model = Model::load(*file, *tokenizer, {});
    return model ? std::string() : model.error().line();
}

}  // namespace

class TestModelLoading : public QObject {
    Q_OBJECT
private slots:
    void describesWhatItLoaded() {
        auto model = Model::load(golden("qwen2-d256-Q4_K_M.gguf"), {});
        QVERIFY2(model, model ? "" : model.error().line().c_str());
        QCOMPARE((*model)->weightFormat(), std::string("Q4_K, Q6_K"));
        QVERIFY(!(*model)->storedUnquantized());
        QVERIFY((*model)->bitsPerWeight() > 4.5 && (*model)->bitsPerWeight() < 8);
        QVERIFY((*model)->config().tied_output);
        auto plain = Model::load(golden("llama-d64-F32.gguf"), {});
        QVERIFY((*plain)->storedUnquantized());
        QCOMPARE((*plain)->bitsPerWeight(), 32.0);
        QVERIFY((*plain)->hash() != (*model)->hash());
    }
    void partsThatAreMissingAreNamed_data() {
        QTest::addColumn<QString>("from");
        QTest::addColumn<QString>("to");
        QTest::addColumn<QString>("named");
        QTest::newRow("tensor") << "blk.1.ffn_up.weight" << "blk.9.ffn_up.weight" << "blk.1.ffn_up.weight is missing";
        QTest::newRow("norm") << "output_norm.weight" << "output_xxxx.weight" << "output_norm.weight is missing";
        QTest::newRow("embedding") << "token_embd.weight" << "token_xxxx.weight" << "token_embd.weight is missing";
        QTest::newRow("key") << "llama.block_count" << "llama.block_coumt" << "llama.block_count is missing";
        QTest::newRow("architecture") << "general.architecture" << "general.architectune" << "general.architecture is missing";
        QTest::newRow("pre-tokenizer") << "tokenizer.ggml.pre" << "tokenizer.ggml.prx" << "";
    }
    void partsThatAreMissingAreNamed() {
        QFETCH(QString, from);
        QFETCH(QString, to);
        QFETCH(QString, named);
        const std::string error = errorAfterReplacing("llama-d64-F16.gguf", from.toStdString(), to.toStdString());
        qInfo("%s", error.c_str());
        if (!named.isEmpty()) QVERIFY2(error.find(named.toStdString()) != std::string::npos, error.c_str());
    }
    void anotherArchitectureIsRefusedByNameWithTheKnownOnes() {
        const std::string error = errorAfterReplacing("qwen3-d256-Q8_0.gguf", "qwen3", "mamba");
        QVERIFY2(error.find("mamba") != std::string::npos && error.find("llama, qwen2, qwen3, qwen3moe, olmoe, gpt-oss") != std::string::npos, error.c_str());
    }
    void tokensOutsideTheVocabularyAreRefused() {
        auto model = Model::load(golden("llama-d64-F32.gguf"), {});
        CpuDevice device(1);
        auto sequence = Sequence::create(*model, device, 4, Arithmetic::F32);
        for (const TokenId bad : {-1, 320, 1 << 30}) {
            auto fed = (*sequence)->append({&bad, 1}, 0, nullptr);
            QVERIFY(!fed);
            QVERIFY(fed.error().what.find(std::to_string(bad)) != std::string::npos);
        }
        const std::vector<TokenId> many(5, 1);
        QVERIFY(!(*sequence)->append(many, 0, nullptr));
        QCOMPARE((*sequence)->size(), 0);
    }
    void stoppingKeepsTheSequenceUsable() {
        auto model = Model::load(golden("llama-d64-F32.gguf"), {});
        CpuDevice device(2);
        auto sequence = Sequence::create(*model, device, 64, Arithmetic::F32);
        auto fresh = Sequence::create(*model, device, 64, Arithmetic::F32);
        const std::vector<TokenId> tokens{1, 2, 3, 4};
        std::vector<float> a(320), b(320);
        std::stop_source stop;
        stop.request_stop();
        const auto stopped = (*sequence)->append(tokens, 1, a.data(), stop.get_token());
        QVERIFY(!stopped && stopped.error().code == ErrorCode::Cancelled);
        QVERIFY((*sequence)->append(tokens, 1, a.data()));
        QVERIFY((*fresh)->append(tokens, 1, b.data()));
        QVERIFY(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
        // Taking positions back and going another way leaves no trace.
        const std::vector<TokenId> detour{9, 9, 9};
        QVERIFY((*sequence)->append(detour, 0, nullptr));
        (*sequence)->truncate(4);
        QVERIFY((*sequence)->append(tokens, 1, a.data()));
        QVERIFY((*fresh)->append(tokens, 1, b.data()));
        QVERIFY(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    }
    void cacheSharesFilesAndModels() {
        ModelCache cache(2);
        auto first = cache.get(golden("llama-d64-F32.gguf"), {});
        auto second = cache.get(golden("llama-d64-F32.gguf"), {});
        QVERIFY(first->get() == second->get());
        LoadOptions options;
        options.weight_quant = *parseMethodChoice("rtn:bits=4,group=32");
        auto quantized = cache.get(golden("llama-d64-F32.gguf"), options);
        QVERIFY2(quantized, quantized ? "" : quantized.error().line().c_str());
        QVERIFY(quantized->get() != first->get());
        QVERIFY((*quantized)->file() == (*first)->file());
        QVERIFY((*quantized)->tokenizer() == (*first)->tokenizer());
    }
    void loadingCanBeStopped() {
        std::stop_source stop;
        stop.request_stop();
        LoadOptions options;
        options.stop = stop.get_token();
        const auto model = Model::load(golden("llama-d64-F32.gguf"), options);
        QVERIFY(!model && model.error().code == ErrorCode::Cancelled);
    }
};

QTEST_APPLESS_MAIN(TestModelLoading)
#include "tst_model_loading.moc"
