// DESIGN, determinism: on one instruction set the logits have the same bits for any number of threads and any split of
// the rows, whether they were computed as a prompt, token by token, as blocks (verification, reference scoring) or as a
// tree of drafted tokens.
#include <QTest>

#include <cstring>
#include <numeric>
#include <random>

#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/sequence.h"
#include "tests/support/each_isa.h"
#include "tests/support/random_model.h"
#include "tests/support/sanitized.h"

using namespace quibble;
using namespace quibble::testing;
using kernels::TensorType;

namespace {

constexpr TensorType kTypes[] = {TensorType::F32,  TensorType::F16,    TensorType::BF16,   TensorType::Q8_0,
                                 TensorType::Q4_0, TensorType::Q4_1,   TensorType::Q5_0,   TensorType::Q5_1,
                                 TensorType::Q2_K, TensorType::Q3_K,   TensorType::Q4_K,   TensorType::Q5_K,
                                 TensorType::Q6_K, TensorType::IQ4_NL, TensorType::IQ4_XS, TensorType::MXFP4};
constexpr int kVocab = 53;

RandomShape shapeOf(const char* architecture, TensorType type) {
    RandomShape shape;
    shape.architecture = architecture;
    shape.type = type;
    shape.d_model = 256;  // whole blocks of every type
    shape.head_dim = 64;
    shape.d_ff = 256;
    shape.vocab = kVocab;
    shape.seed = 7;
    shape.n_layers = std::string_view(architecture) == "gpt-oss" ? 2 : 1;  // with and without a window
    if (std::string_view(architecture) == "qwen3moe" || std::string_view(architecture) == "olmoe" ||
        std::string_view(architecture) == "gpt-oss") {
        shape.experts = 5;
        shape.experts_used = 2;
    }
    return shape;
}

// Tables without vectors of this machine, emulated ones and sanitizers take many times as long: they do a part of the
// matrix.
bool isSlow() {
    return kSanitized || isEmulated() || kernels::ops().isa == std::string_view("reference") ||
           kernels::ops().isa == std::string_view("portable");
}
std::size_t tokenCount() { return isSlow() ? 17 : 71; }  // more than a pass takes, and no multiple of a split

// One way to compute a text. drafted: by chains of which half is wrong.
struct Way {
    int threads;
    std::size_t block;
    bool drafted = false;
};
// Every number of threads with every split (some seconds a type and architecture), or each of them once.
std::vector<Way> ways(bool product) {
    if (isSlow()) return {{3, 7}, {2, 16, true}};
    if (!product) return {{2, 1}, {1, 7}, {3, 16}, {4, 64}, {2, tokenCount()}, {4, 7, true}, {3, 16, true}};
    std::vector<Way> all;
    for (int threads = 1; threads <= 4; ++threads) {
        for (const std::size_t block : {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{64}, tokenCount()})
            all.push_back({threads, block});
        for (const std::size_t block : {std::size_t{7}, std::size_t{16}}) all.push_back({threads, block, true});
    }
    return all;
}

using Logits = std::vector<float>;  // [tokens, vocabulary]

std::unique_ptr<Sequence> sequenceOf(const LoadedModel& loaded, CpuDevice& device, const SequenceSettings& settings,
                                     std::size_t context) {
    auto made = Sequence::create(loaded.model, device, static_cast<Position>(context), settings);
    return made ? std::move(*made) : nullptr;
}

Logits inBlocks(Sequence& sequence, std::span<const TokenId> tokens, std::size_t block) {
    const auto vocab = static_cast<std::size_t>(sequence.model().config().vocab_size);
    Logits logits(tokens.size() * vocab);
    for (std::size_t done = 0; done < tokens.size(); done += block) {
        const std::size_t count = std::min(block, tokens.size() - done);
        if (!sequence.append(tokens.subspan(done, count), static_cast<std::int64_t>(count),
                             logits.data() + done * vocab))
            return {};
    }
    return logits;
}

// As drafted chains that are verified and kept: the second half of each is drafted wrong, dropped and drafted again.
Logits asDrafts(Sequence& sequence, std::span<const TokenId> tokens, std::size_t block) {
    const auto vocab = static_cast<std::size_t>(sequence.model().config().vocab_size);
    Logits logits(tokens.size() * vocab), drafted(block * vocab);
    // No tree stands where inputs are rounded.
    const auto rounded = static_cast<std::size_t>(sequence.throughputEnd());
    if (!sequence.append(tokens.first(rounded), static_cast<std::int64_t>(rounded), logits.data())) return {};
    for (std::size_t done = rounded; done < tokens.size();) {
        const std::size_t count = std::min(block, tokens.size() - done), right = (count + 1) / 2;
        std::vector<TokenId> draft(tokens.begin() + static_cast<std::ptrdiff_t>(done),
                                   tokens.begin() + static_cast<std::ptrdiff_t>(done + count));
        for (std::size_t i = right; i < count; ++i) draft[i] = (draft[i] + 1) % static_cast<TokenId>(vocab);
        std::vector<std::int32_t> parents(count), path(right);
        std::iota(parents.begin(), parents.end(), -1);
        std::iota(path.begin(), path.end(), 0);
        if (!sequence.appendTree(draft, parents, drafted.data())) return {};
        sequence.keepRows(path);
        std::copy_n(drafted.begin(), right * vocab, logits.begin() + static_cast<std::ptrdiff_t>(done * vocab));
        done += right;
    }
    return logits;
}

bool sameBits(const Logits& a, const Logits& b) {
    return !a.empty() && a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The first way that does not give what one thread gives token by token; empty: all do.
std::string firstOther(const LoadedModel& loaded, const SequenceSettings& settings, bool product) {
    const std::vector<TokenId> tokens = randomTokens(tokenCount(), kVocab, 3);
    CpuDevice alone(1);
    const Logits expected = inBlocks(*sequenceOf(loaded, alone, settings, tokenCount()), tokens, 1);
    for (const Way& way : ways(product)) {
        CpuDevice device(way.threads);
        const auto sequence = sequenceOf(loaded, device, settings, tokenCount() + way.block);
        const Logits got =
            way.drafted ? asDrafts(*sequence, tokens, way.block) : inBlocks(*sequence, tokens, way.block);
        if (!sameBits(got, expected))
            return std::to_string(way.threads) + " threads, " + (way.drafted ? "drafts of " : "blocks of ") +
                   std::to_string(way.block);
    }
    return {};
}

}  // namespace

class TestDeterminism : public QObject {
    Q_OBJECT

    static void addRow(const char* architecture, TensorType type, bool product) {
        QTest::addRow("%s %s%s", architecture, kernels::typeTraits(type)->name, product ? ", every way" : "")
            << architecture << static_cast<int>(type) << product;
    }
    static Result<LoadedModel> loadRow() {
        QFETCH(QString, architecture);
        QFETCH(int, type);
        return load(makeRandomModel(shapeOf(architecture.toStdString().c_str(), static_cast<TensorType>(type))), {});
    }

private slots:
    // How a type is multiplied does not depend on the architecture, and how an architecture cuts its rows not on the
    // type: each type once, each architecture with every way. QUIBBLE_WHOLE_MATRIX=1 does all of all, which takes
    // minutes.
    void threadsAndSplits_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<int>("type");
        QTest::addColumn<bool>("product");
        if (qEnvironmentVariableIsSet("QUIBBLE_WHOLE_MATRIX")) {
            for (const char* architecture : {"llama", "qwen3moe", "gpt-oss"}) {
                for (const TensorType type : kTypes) addRow(architecture, type, true);
            }
            return;
        }
        for (const TensorType type : kTypes) {
            if (!isFirstIsa() || type == TensorType::Q8_0)
                addRow("llama", type, false);  // the first is the reference, one row at a time for every type
        }
        for (const char* architecture : {"llama", "qwen3moe", "gpt-oss"}) {
            for (const TensorType type : {TensorType::BF16, TensorType::Q4_K}) addRow(architecture, type, true);
        }
    }
    void threadsAndSplits() {
        QFETCH(int, type);
        QFETCH(bool, product);
        const auto loaded = loadRow();
        QVERIFY2(loaded, loaded ? "" : loaded.error().line().c_str());
        for (const Arithmetic arithmetic : {Arithmetic::Native, Arithmetic::F32}) {
            // Without 8-bit products both are one; with them F32 multiplies what was dequantized, as the float types
            // do.
            if (arithmetic == Arithmetic::F32 && product && kernels::hasPacked(static_cast<TensorType>(type))) continue;
            if (arithmetic == Arithmetic::Native && !kernels::hasPacked(static_cast<TensorType>(type))) continue;
            const std::string other = firstOther(*loaded, arithmetic, product);
            QVERIFY2(other.empty(), other.c_str());
        }
    }

    // A prompt with rounded inputs is one more way in which a position is computed, whatever the pass it is in.
    void roundedPrompts_data() {
        QTest::addColumn<QString>("architecture");
        for (const char* architecture : {"llama", "qwen3moe", "gpt-oss"}) QTest::newRow(architecture) << architecture;
    }
    void roundedPrompts() {
        QFETCH(QString, architecture);
        const auto loaded = load(makeRandomModel(shapeOf(architecture.toStdString().c_str(), TensorType::BF16)), {});
        QVERIFY2(loaded, loaded ? "" : loaded.error().line().c_str());
        const auto end = static_cast<Position>(tokenCount() * 2 / 3);
        const SequenceSettings rounded{Arithmetic::Native, KvType::F32, end};
        const std::string other = firstOther(*loaded, rounded, architecture == "llama");
        QVERIFY2(other.empty(), other.c_str());
        // Something was rounded exactly where it can be, and the positions before the end of a longer prompt are the
        // same.
        CpuDevice device(2);
        const std::vector<TokenId> tokens = randomTokens(tokenCount(), kVocab, 3);
        const Logits ours = inBlocks(*sequenceOf(*loaded, device, rounded, tokenCount()), tokens, tokenCount());
        QCOMPARE(sameBits(ours, inBlocks(*sequenceOf(*loaded, device, Arithmetic::Native, tokenCount()), tokens,
                                         tokenCount())),
                 !device.whyNoBf16Inputs().empty());
        const Logits longer =
            inBlocks(*sequenceOf(*loaded, device, {Arithmetic::Native, KvType::F32, end + 3}, tokenCount()), tokens,
                     tokenCount());
        QVERIFY(std::equal(ours.begin(), ours.begin() + end * kVocab, longer.begin()));
    }

    void cacheTypes_data() {
        QTest::addColumn<int>("type");
        for (const KvType type : kKvTypes) {
            if (!isEmulated() || type == KvType::F32)
                QTest::newRow(kvTypeText(type))
                    << static_cast<int>(type);  // the emulated products know nothing of the cache
        }
    }
    void cacheTypes() {
        QFETCH(int, type);
        const auto loaded = load(makeRandomModel(shapeOf("gpt-oss", TensorType::Q8_0)), {});
        QVERIFY2(loaded, loaded ? "" : loaded.error().line().c_str());
        const std::string other = firstOther(*loaded, {Arithmetic::Native, static_cast<KvType>(type)}, false);
        QVERIFY2(other.empty(), other.c_str());
    }

    // Every row of a random tree has the bits that its path has when it is appended as text.
    void trees_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<int>("type");
        QTest::addColumn<bool>("product");
        for (const char* architecture : {"qwen3", "olmoe", "gpt-oss"}) {
            for (const TensorType type : {TensorType::F16, TensorType::Q8_0, TensorType::Q6_K}) {
                if (!isSlow() || type == TensorType::Q8_0) addRow(architecture, type, false);
            }
        }
    }
    void trees() {
        const auto loaded = loadRow();
        QVERIFY2(loaded, loaded ? "" : loaded.error().line().c_str());
        constexpr std::size_t kText = 11, kRows = 24;
        const std::vector<TokenId> text = randomTokens(kText, kVocab, 4), drawn = randomTokens(kRows, kVocab, 5);
        std::mt19937 random(6);
        std::vector<std::int32_t> parents(kRows);
        for (std::size_t i = 0; i < kRows; ++i) parents[i] = static_cast<std::int32_t>(random() % (i + 1)) - 1;
        const auto vocab = static_cast<std::size_t>(kVocab);
        CpuDevice device(3), alone(1);
        const auto tree = sequenceOf(*loaded, device, Arithmetic::Native, 64),
                   path = sequenceOf(*loaded, alone, Arithmetic::Native, 64);
        QVERIFY(tree->append(text, 0, nullptr) && path->append(text, 0, nullptr));
        // Grown in two passes, as drafting methods do.
        constexpr std::size_t kFirst = 9;
        Logits logits(kRows * vocab), wanted(vocab);
        QVERIFY(tree->appendTree(std::span(drawn).first(kFirst), std::span(parents).first(kFirst), logits.data()));
        QVERIFY(tree->appendTree(std::span(drawn).subspan(kFirst), std::span(parents).subspan(kFirst),
                                 logits.data() + kFirst * vocab));
        for (std::size_t row = 0; row < kRows; ++row) {
            std::vector<TokenId> tokens;
            for (auto at = static_cast<std::int32_t>(row); at >= 0; at = parents[static_cast<std::size_t>(at)])
                tokens.insert(tokens.begin(), drawn[static_cast<std::size_t>(at)]);
            QVERIFY(path->append(tokens, 1, wanted.data()));
            path->truncate(static_cast<Position>(kText));
            QVERIFY2(std::memcmp(wanted.data(), logits.data() + row * vocab, vocab * sizeof(float)) == 0,
                     qPrintable(QString("row %1 of depth %2").arg(row).arg(tokens.size())));
        }
    }

    // Contexts longer than any block that an attention kernel could cut them into: with a window and without, in every
    // type of cache, and once as long as a long prompt is.
    void longContexts_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<int>("kv");
        QTest::addColumn<int>("positions");
        for (const char* architecture : {"qwen3", "gpt-oss"}) {
            for (const KvType type : kKvTypes) {
                if (isEmulated() && type != KvType::F32) continue;  // the emulated products know nothing of the cache
                QTest::addRow("%s %s", architecture, kvTypeText(type))
                    << architecture << static_cast<int>(type) << (isSlow() ? 120 : 700);
            }
        }
        if (isSlow()) return;
        for (const KvType type : {KvType::F32, KvType::Q8_0}) {
            QTest::addRow("16,000 positions, %s", kvTypeText(type)) << "qwen3" << static_cast<int>(type) << 16'000;
        }
    }
    void longContexts() {
        QFETCH(QString, architecture);
        QFETCH(int, kv);
        QFETCH(int, positions);
        RandomShape shape = shapeOf(architecture.toStdString().c_str(), TensorType::Q8_0);
        shape.d_model = shape.d_ff = 64;
        shape.head_dim = 32;
        shape.keys = {{"attention.sliding_window", 100U}};
        const auto loaded = load(makeRandomModel(shape), {});
        QVERIFY2(loaded, loaded ? "" : loaded.error().line().c_str());
        const std::vector<TokenId> tokens = randomTokens(static_cast<std::size_t>(positions), kVocab, 8);
        const SequenceSettings settings{Arithmetic::Native, static_cast<KvType>(kv)};
        CpuDevice alone(1), device(4);
        const auto single = sequenceOf(*loaded, alone, settings, tokens.size());
        const Logits expected = inBlocks(*single, tokens, 1);
        std::vector<std::size_t> blocks{16, Sequence::kMaxRows};
        if (positions < 1000) blocks.push_back(tokens.size());
        for (const std::size_t block : blocks)
            QVERIFY(sameBits(inBlocks(*sequenceOf(*loaded, device, settings, tokens.size()), tokens, block), expected));
        // Long passes, of which the last row alone has logits.
        const auto prompt = sequenceOf(*loaded, device, settings, tokens.size());
        Logits last(kVocab);
        QVERIFY(prompt->append(tokens, 1, last.data()));
        QVERIFY(std::memcmp(last.data(), expected.data() + (tokens.size() - 1) * kVocab, kVocab * sizeof(float)) == 0);
    }
};

int main(int argc, char** argv) { return runOnEachIsa<TestDeterminism>(argc, argv); }
#include "tst_determinism.moc"
