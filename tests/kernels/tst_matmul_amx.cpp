// The amx table against the avx512 table, bit for bit. Where the CPU has AVX-512 but no AMX, the tile instructions are
// carried out by tests/support/amx_emulator.h; where it has AMX, by the CPU.
#include "tests/kernels/kernel_cases.h"
#include "tests/support/amx_emulator.h"
#include "tests/support/each_isa.h"

#include <QTest>

#include <csignal>
#include <string>
#include <thread>

#include "kernels/cpu/amx_check.h"
#include "kernels/cpu/variants.h"

using namespace quibble::kernels;
using namespace quibble::kernels::test;
using quibble::testing::AmxCounts;

namespace {

bool emulated = false;
bool agreed_before_emulation = false;  // what the check of dispatch saw on this CPU

const Ops& tableOf(const char* isa) {
    const IsaChoice choice = selectIsa(isa);
    if (choice.ops == nullptr) qFatal("%s", choice.error.c_str());
    return *choice.ops;
}

// Rows of random activations, rounded, the first `offset` bytes after a 64-byte boundary.
struct Rows {
    Shifted<std::byte> bytes;
    size_t stride;
};

Rows roundedRows(int64_t rows, int64_t cols, size_t offset) {
    const std::vector<float> x = randomFloats(static_cast<size_t>(rows * cols), 83);
    const size_t stride = q8RowBytes(cols) + offset;
    Rows out{Shifted<std::byte>(stride * static_cast<size_t>(rows) + 1, offset), stride};
    for (int64_t r = 0; r < rows; ++r) {
        tableOf("avx512").quantizeQ8(x.data() + r * cols, cols, out.bytes.data() + static_cast<size_t>(r) * stride);
    }
    return out;
}

// The products of both tables; y begins as -7 everywhere.
std::string difference(const Packed& w, const Rows& x, int64_t rows, int64_t begin, int64_t end) {
    const auto outs = static_cast<size_t>(w.view.rows);
    std::vector<float> ours(static_cast<size_t>(rows) * outs, -7.0F);
    std::vector<float> theirs = ours;
    MatmulPackedArgs args{w.view, x.bytes.data(), x.stride, rows, ours.data(), w.view.rows, begin, end};
    tableOf("amx").matmulPacked(args);
    args.y = theirs.data();
    tableOf("avx512").matmulPacked(args);
    return firstDifference(ours.data(), theirs.data(), ours.size());
}

const std::vector<TensorType> kTypes = {TensorType::Q8_0,  TensorType::Q4_0, TensorType::Q4_1,  TensorType::Q5_0,
                                        TensorType::Q5_1,  TensorType::Q2_K, TensorType::Q3_K,  TensorType::Q4_K,
                                        TensorType::Q5_K,  TensorType::Q6_K, TensorType::MXFP4, TensorType::IQ4_NL,
                                        TensorType::IQ4_XS};

bool isWide(TensorType type) { return typeTraits(type)->block_elements == 256; }

void addTypes() {
    QTest::addColumn<qint64>("type");
    for (const TensorType type : kTypes) {
        QTest::newRow(typeTraits(type)->name) << static_cast<qint64>(type);
    }
}

TensorType fetchType() {
    QFETCH(qint64, type);
    return static_cast<TensorType>(type);
}

}  // namespace

class TstMatmulAmx : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        if (std::string(allOps().back()->isa) != "amx")
            QSKIP("this CPU has no AVX-512, without which nothing here runs");
    }

    void theCheckSaysWhatTheCpuIs() {
        QCOMPARE(agreed_before_emulation, probeCpu().amx);
        QCOMPARE(amx::whyUnusable(probeCpu()) == nullptr, probeCpu().amx);
        QVERIFY(std::string(amx::whyUnusable({})).find("no AMX") != std::string::npos);
    }

    // What the check meets here it takes for illegal: its handlers stand before those of the emulator, which are back
    // afterwards.
    void theCheckRestoresHandlers() {
        struct sigaction illegal {
        }, fault{}, illegal_after{}, fault_after{};
        sigaction(SIGILL, nullptr, &illegal);
        sigaction(SIGSEGV, nullptr, &fault);
        QCOMPARE(amx::productsAgree(), probeCpu().amx);
        sigaction(SIGILL, nullptr, &illegal_after);
        sigaction(SIGSEGV, nullptr, &fault_after);
        QVERIFY(illegal.sa_sigaction == illegal_after.sa_sigaction && illegal.sa_flags == illegal_after.sa_flags);
        QVERIFY(fault.sa_sigaction == fault_after.sa_sigaction && fault.sa_flags == fault_after.sa_flags);
    }

    // Other threads that run into their own handler while the check goes on are served.
    void otherThreadsKeepTheirHandlers() {
        if (!emulated) QSKIP("this CPU has AMX: nothing traps");
        const Weights w = makeWeights(TensorType::Q8_0, 16, 64, 84, 0);
        const Packed packed = packWeights(w.view);
        const Rows x = roundedRows(9, 64, 0);
        std::atomic<bool> stop{false};
        std::string wrong;
        std::thread other([&] {
            while (!stop.load()) wrong += difference(packed, x, 9, 0, 16);
        });
        for (int i = 0; i < 50; ++i) amx::productsAgree();
        stop.store(true);
        other.join();
        QVERIFY2(wrong.empty(), wrong.c_str());
    }

    void everyNumberOfRows_data() { addTypes(); }
    void everyNumberOfRows() {
        const TensorType type = fetchType();
        const int64_t cols = isWide(type) ? 512 : 352;  // two units, the second of 3 blocks where it can be
        constexpr int64_t kOuts = 100;                  // 6 panels and a part of one
        const Weights w = makeWeights(type, kOuts, cols, 81, 1);
        const Packed packed = packWeights(w.view);
        for (const int64_t rows : {1, 3, 7, 8, 9, 10, 11, 13, 16, 17, 21, 31, 33, 48, 63, 64, 65, 70, 131}) {
            const Rows x = roundedRows(rows, cols, rows % 2 == 0 ? 0 : 5);
            const std::string wrong = difference(packed, x, rows, 0, kOuts);
            QVERIFY2(wrong.empty(), qPrintable(QString("%1 rows: %2").arg(rows).arg(wrong.c_str())));
        }
    }

    void everyLengthOfRows_data() { addTypes(); }
    void everyLengthOfRows() {
        const TensorType type = fetchType();
        const std::vector<int64_t> wide = {0, 256, 768, 2304}, narrow = {0, 32, 64, 96, 128, 160, 224, 256, 288, 896};
        for (const int64_t cols : isWide(type) ? wide : narrow) {
            const Weights w = makeWeights(type, 37, cols, 85, 3);
            const Packed packed = packWeights(w.view);
            for (const int64_t rows : {8, 19}) {
                const std::string wrong = difference(packed, roundedRows(rows, cols, 1), rows, 0, 37);
                QVERIFY2(wrong.empty(), qPrintable(QString("%1 inputs: %2").arg(cols).arg(wrong.c_str())));
            }
        }
    }

    void everyRangeOfOutputs_data() { addTypes(); }
    void everyRangeOfOutputs() {
        const TensorType type = fetchType();
        const Weights w = makeWeights(type, 100, 256, 86, 0);
        const Packed packed = packWeights(w.view);
        const Rows x = roundedRows(9, 256, 3);
        for (const auto& [begin, end] : std::vector<std::pair<int64_t, int64_t>>{{0, 0},
                                                                                 {0, 1},
                                                                                 {0, 17},
                                                                                 {3, 9},
                                                                                 {5, 5},
                                                                                 {15, 16},
                                                                                 {15, 33},
                                                                                 {16, 32},
                                                                                 {16, 96},
                                                                                 {31, 97},
                                                                                 {64, 100},
                                                                                 {99, 100},
                                                                                 {48, 81}}) {
            const std::string wrong = difference(packed, x, 9, begin, end);
            QVERIFY2(wrong.empty(), qPrintable(QString("%1 to %2: %3").arg(begin).arg(end).arg(wrong.c_str())));
        }
    }

    // Any bytes are weights: infinite and NaN scales, and codes and activations at both ends of their ranges.
    void anyBytes_data() { addTypes(); }
    void anyBytes() {
        const TensorType type = fetchType();
        const Weights w = makeWeights(type, 48, 512, 87, 0);
        Packed packed = packWeights(w.view);
        auto* bytes = const_cast<std::byte*>(packed.view.data);
        Random random(88);
        for (size_t i = 0; i < packedBytes(type, 48, 512); ++i)
            bytes[i] = static_cast<std::byte>(random.next() & 0xFFU);
        Rows x = roundedRows(21, 512, 0);
        for (size_t r = 0; r < 21; ++r) {
            for (size_t b = 0; b < 512 / 32; ++b) {
                Q8Block block;
                std::memcpy(&block, x.bytes.data() + r * x.stride + b * sizeof(block), sizeof(block));
                int sums[2] = {0, 0};
                for (size_t i = 0; i < 32; ++i) {
                    block.q[i] = static_cast<int8_t>(random.next() % 2 == 0 ? 127 : -127);
                    sums[i / 16] -= block.q[i];
                }
                block.minus_half[0] = sums[0];
                block.minus_half[1] = sums[1];
                block.minus_sum = sums[0] + sums[1];
                std::memcpy(x.bytes.data() + r * x.stride + b * sizeof(block), &block, sizeof(block));
            }
        }
        const std::string wrong = difference(packed, x, 21, 0, 48);
        QVERIFY2(wrong.empty(), wrong.c_str());
    }

    void threadsHaveTilesOfTheirOwn() {
        const Weights w = makeWeights(TensorType::Q4_K, 64, 512, 89, 0);
        const Packed packed = packWeights(w.view);
        const Rows x = roundedRows(20, 512, 0);
        std::array<std::string, 3> wrong;
        std::vector<std::thread> threads;
        for (std::string& mine : wrong) {
            threads.emplace_back([&] {
                for (int i = 0; i < 5; ++i) mine += difference(packed, x, 20, 0, 64);
            });
        }
        for (std::thread& thread : threads) thread.join();
        for (const std::string& mine : wrong) QVERIFY2(mine.empty(), mine.c_str());
    }

    // What a block of 32 inputs costs the tile unit (docs/architecture.md states it), and that tiles are set up once a
    // call and given back.
    void tileInstructionsOfABlock() {
        if (!emulated) QSKIP("this CPU has AMX: nobody counts");
        struct Case {
            TensorType type;
            int64_t rows;
            int64_t products;  // for each block of 32 inputs and 2 panels
        };
        // 64 rows are four groups; halves with scales of their own are products of their own.
        for (const Case& c : {Case{TensorType::Q4_0, 64, 8},
                              {TensorType::Q8_0, 16, 2},
                              {TensorType::Q4_K, 17, 4},
                              {TensorType::Q6_K, 64, 16}}) {
            const Weights w = makeWeights(c.type, 64, 512, 90, 0);
            const Packed packed = packWeights(w.view);
            const Rows x = roundedRows(c.rows, 512, 0);
            AmxCounts& counts = quibble::testing::amxMachine().counts();
            counts = {};
            QCOMPARE(difference(packed, x, c.rows, 0, 64), std::string());
            constexpr int64_t kPairsOfBlocks = 2 * 512 / 32;  // pairs of panels times blocks
            QCOMPARE(counts.products, c.products * kPairsOfBlocks);
            QCOMPARE(counts.stores, counts.products);  // the sums of each product leave once
            QCOMPARE(counts.zeros, counts.products);
            QCOMPARE(counts.loads, counts.products / 2 * 3);  // two of codes, and one of activations for both
            QCOMPARE(counts.configs, int64_t{1});
            QCOMPARE(counts.releases, int64_t{1});
        }
        AmxCounts& counts = quibble::testing::amxMachine().counts();
        counts = {};
        const Packed packed = packWeights(makeWeights(TensorType::Q4_0, 64, 512, 90, 0).view);
        QCOMPARE(difference(packed, roundedRows(7, 512, 0), 7, 0, 64), std::string());
        QCOMPARE(counts.traps, int64_t{0});  // few rows do without tiles
    }

    // The loop behind the limit that bench prints counts what it does.
    void theLimitCountsItsProducts() {
        AmxCounts& counts = quibble::testing::amxMachine().counts();
        counts = {};
        int32_t sink = 5;
        const double operations = amx::dotRounds(3, &sink);
        QCOMPARE(sink, 5);
        QCOMPARE(operations,
                 3.0 * 4.0 * 2.0 * 16 * 16 * 64);  // four products of 16 rows, 16 outputs and 64 inputs a round
        if (emulated) QCOMPARE(counts.products, int64_t{12});
    }
};

int main(int argc, char** argv) {
    agreed_before_emulation = probeCpu().avx512 && amx::whyUnusable(probeCpu()) == nullptr;
    if (probeCpu().avx512 && !probeCpu().amx) agreed_before_emulation = amx::productsAgree();
    emulated = quibble::testing::emulateAmx();
    TstMatmulAmx test;
    return quibble::testing::runWithoutCrashHandler(test, argc, argv);
}
#include "tst_matmul_amx.moc"
