// What a model must have before it runs: every missing, misshapen or unsupported part is named.
#include <QTemporaryDir>
#include <QTest>

#include <cstring>
#include <fstream>
#include <numeric>

#include <unistd.h>

#include "engine/device/cpu/cpu_device.h"
#include "engine/file/mapped_file.h"
#include "engine/file/model_title.h"
#include "engine/forward/sequence.h"
#include "engine/model/model_cache.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

std::filesystem::path golden(const char* name) { return goldenDirectory() / "models" / name; }

// Replaces `from` by `to` (same length) everywhere in the bytes of a golden model and tries to load it.
std::string errorAfterReplacing(const char* name, const std::string& from, const std::string& to) {
    std::string bytes = readFile(golden(name));
    for (std::size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + 1))
        bytes.replace(at, to.size(), to);
    auto file = ModelFile::parse({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, "altered.gguf");
    if (!file) return file.error().line();
    auto tokenizer = Tokenizer::fromFile(**file);
    if (!tokenizer) return tokenizer.error().line();
    auto model = Model::load(*file, *tokenizer, {});
    return model ? std::string() : model.error().line();
}

std::vector<const Linear*> linearsOf(const Model& model) {
    std::vector<const Linear*> all{&model.output()};
    for (const LayerWeights& layer : model.layers()) {
        for (const Linear* linear :
             {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down, &layer.router}) {
            if (linear->weight.rows > 0) all.push_back(linear);
        }
        for (const auto* experts : {&layer.gate_exps, &layer.up_exps, &layer.down_exps}) {
            for (const Linear& linear : *experts) all.push_back(&linear);
        }
    }
    return all;
}

std::size_t residentBytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t total = 0, resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

class TestModelLoading : public QObject {
    Q_OBJECT
private slots:
    void describesWhatItLoaded() {
        auto model = Model::load(golden("qwen2-d256-Q4_K_M.gguf"), {});
        QVERIFY2(model, model ? "" : model.error().line().c_str());
        QCOMPARE((*model)->weightFormat(), std::string("Q4_K_M"));
        QCOMPARE((*model)->storedTypes(), std::string("Q4_K, Q6_K"));
        QVERIFY(!(*model)->storedUnquantized());
        QVERIFY((*model)->bitsPerWeight() > 4.5 && (*model)->bitsPerWeight() < 8);
        QVERIFY((*model)->config().tied_output);
        auto plain = Model::load(golden("llama-d64-F32.gguf"), {});
        QVERIFY((*plain)->storedUnquantized());
        QCOMPARE((*plain)->bitsPerWeight(), 32.0);
        QVERIFY((*plain)->hash() != (*model)->hash());
    }
    void titles_data() {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("title");
        QTest::newRow("file") << "Qwen3-0.6B-Q4_0.gguf"
                              << "Qwen3-0.6B-Q4_0";
        QTest::newRow("part") << "big-Q8_0-00001-of-00003.gguf"
                              << "big-Q8_0";
        QTest::newRow("no part") << "big-Q8_0-of-00003.gguf"
                                 << "big-Q8_0-of-00003";
        QTest::newRow("only a part's end") << "-00001-of-00003.gguf"
                                           << "-00001-of-00003";
        QTest::newRow("folder") << "published/"
                                << "published";
        QTest::newRow("folder, no slash") << "published"
                                          << "published";
        QTest::newRow("index") << "published/model.safetensors.index.json"
                               << "published";
        QTest::newRow("weights") << "published/model.safetensors"
                                 << "published";
        QTest::newRow("hub") << "models--Qwen--Qwen3-0.6B/snapshots/c1899de2"
                             << "Qwen3-0.6B";
        QTest::newRow("hub, index") << "models--Qwen--Qwen3-0.6B/snapshots/c1899de2/model.safetensors.index.json"
                                    << "Qwen3-0.6B";
    }
    void titles() {
        QFETCH(QString, path);
        QFETCH(QString, title);
        QTemporaryDir folder;
        const std::filesystem::path root = folder.path().toStdString();
        std::filesystem::create_directories(root / "published");
        std::filesystem::create_directories(root / "models--Qwen--Qwen3-0.6B/snapshots/c1899de2");
        QCOMPARE(QString::fromStdString(modelTitle(root / path.toStdString())), title);
    }
    void partsThatAreMissingAreNamed_data() {
        QTest::addColumn<QString>("from");
        QTest::addColumn<QString>("to");
        QTest::addColumn<QString>("named");
        QTest::newRow("tensor") << "blk.1.ffn_up.weight"
                                << "blk.9.ffn_up.weight"
                                << "blk.1.ffn_up.weight is missing";
        QTest::newRow("norm") << "output_norm.weight"
                              << "output_xxxx.weight"
                              << "output_norm.weight is missing";
        QTest::newRow("embedding") << "token_embd.weight"
                                   << "token_xxxx.weight"
                                   << "token_embd.weight is missing";
        QTest::newRow("key") << "llama.block_count"
                             << "llama.block_coumt"
                             << "llama.block_count is missing";
        QTest::newRow("architecture") << "general.architecture"
                                      << "general.architectune"
                                      << "general.architecture is missing";
        QTest::newRow("pre-tokenizer") << "tokenizer.ggml.pre"
                                       << "tokenizer.ggml.prx"
                                       << "";
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
        QVERIFY2(error.find("mamba") != std::string::npos &&
                     error.find("llama, qwen2, qwen3, qwen3moe, olmoe, gpt-oss") != std::string::npos,
                 error.c_str());
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
    void matricesWithEightBitProductsArePacked_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"qwen2-d256-Q4_K_M.gguf", "qwen3moe-d64-Q8_0.gguf", "llama-d64-F16.gguf"})
            QTest::newRow(name) << name;
    }
    void matricesWithEightBitProductsArePacked() {
        QFETCH(QString, name);
        const std::filesystem::path path = golden(qPrintable(name));
        LoadOptions plain;
        plain.packed = false;
        const auto packed = Model::load(path, {}), stored = Model::load(path, plain);
        QVERIFY(packed && stored);
        std::size_t replaced = 0, memory = 0;
        for (const Linear* linear : linearsOf(**packed)) {
            const kernels::WeightView& w = linear->weight;
            QCOMPARE(linear->packed.data != nullptr, kernels::hasPacked(w.type));
            if (linear->packed.data == nullptr) continue;
            QVERIFY(linear->packed.type == w.type && linear->packed.rows == w.rows && linear->packed.cols == w.cols);
            replaced += w.row_bytes * static_cast<std::size_t>(w.rows);
            memory += kernels::packedBytes(w.type, w.rows, w.cols);
        }
        QCOMPARE((*packed)->replacedBytes(), replaced);
        QVERIFY((*packed)->ownedBytes() >= (*stored)->ownedBytes() + memory);
        QCOMPARE((*stored)->replacedBytes(), std::size_t{0});
        for (const Linear* linear : linearsOf(**stored)) QVERIFY(linear->packed.data == nullptr);

        // Float arithmetic does not look at the packed weights, and the pages that they replaced can still be read.
        CpuDevice device(2);
        const std::vector<TokenId> tokens{1, 2, 3};
        const auto vocab = static_cast<std::size_t>((*packed)->config().vocab_size);
        std::vector<float> a(vocab), b(vocab);
        QVERIFY((*Sequence::create(*packed, device, 8, Arithmetic::F32))->append(tokens, 1, a.data()));
        QVERIFY((*Sequence::create(*stored, device, 8, Arithmetic::F32))->append(tokens, 1, b.data()));
        QVERIFY(std::memcmp(a.data(), b.data(), vocab * sizeof(float)) == 0);
    }
    void cacheKnowsWhatIsPacked() {
        ModelCache cache(4);
        LoadOptions plain;
        plain.packed = false;
        const auto stored = cache.get(golden("qwen3-d256-Q8_0.gguf"), plain);
        const auto packed = cache.get(golden("qwen3-d256-Q8_0.gguf"), {});
        QVERIFY(stored->get() != packed->get() && (*stored)->file() == (*packed)->file());
        QVERIFY((*packed)->replacedBytes() > 0);
        QVERIFY(cache.get(golden("qwen3-d256-Q8_0.gguf"), {})->get() == packed->get());
    }
    void droppedPagesAreReadAgain() {
        constexpr std::size_t kBytes = std::size_t{16} << 20;
        std::vector<std::uint64_t> numbers(kBytes / sizeof(std::uint64_t));
        std::iota(numbers.begin(), numbers.end(), std::uint64_t{1});
        QTemporaryDir directory;
        const std::filesystem::path path = directory.path().toStdString() + "/numbers";
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(kBytes));
        const auto file = MappedFile::open(path);
        QVERIFY(file);
        QCOMPARE(reinterpret_cast<std::uintptr_t>(file->bytes().data()) % (std::size_t{2} << 20),
                 std::uintptr_t{0});                                              // large pages can serve it
        QVERIFY(std::memcmp(file->bytes().data(), numbers.data(), kBytes) == 0);  // reads them all
        const std::size_t before = residentBytes();
        file->dropPages(file->bytes().subspan(4099, kBytes - 8200));
        const std::size_t after = residentBytes();
        QVERIFY2(after + kBytes / 2 < before, qPrintable(QString("%1 bytes, then %2").arg(before).arg(after)));
        QVERIFY(std::memcmp(file->bytes().data(), numbers.data(), kBytes) == 0);
        // Memory of somebody else is left alone: its bytes exist nowhere else.
        const std::vector<std::uint64_t> copy = numbers;
        file->dropPages(std::as_bytes(std::span(numbers)));
        QVERIFY(numbers == copy);
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
