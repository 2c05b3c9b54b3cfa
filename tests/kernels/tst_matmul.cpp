// Float matmul of every table against the reference, and the promise that no split of the work changes a bit.
#include "tests/kernels/kernel_cases.h"
#include "tests/support/each_isa.h"
#include "tests/support/sanitized.h"

#include <QTest>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

constexpr int64_t kRtn = -1;  // in place of a file type

Weights weightsOf(int64_t type, int64_t rows, int64_t cols, int64_t group, size_t offset) {
    if (type == kRtn) {
        return makeRtn(rows, cols, {.bits = 3, .group = static_cast<uint32_t>(group), .symmetric = false}, 17);
    }
    return makeWeights(static_cast<TensorType>(type), rows, cols, 17, offset);
}

std::vector<int64_t> columnsFor(TensorType type) {
    switch (typeTraits(type)->block_elements) {
        case 1: return {0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 255, 256, 257, 300, 1000, 4096};
        case 64: return {0, 64, 128, 192, 256, 320, 2880};
        case 32: return {0, 32, 64, 96, 128, 160, 224, 256, 288, 896, 2880};
        default: return {0, 256, 512, 768, 2048};
    }
}

MatmulArgs argsFor(const Weights& w, const float* x, int64_t rows, float* y) {
    MatmulArgs args;
    args.w = w.view;
    args.x = x;
    args.x_stride = w.view.cols;
    args.n_rows = rows;
    args.y = y;
    args.y_stride = w.view.rows;
    args.out_begin = 0;
    args.out_end = w.view.rows;
    return args;
}

// The amx table has products of its own for BF16 only, and in another order of sums.
bool isTiled(const Ops& table, int64_t type) {
    return std::string_view(table.isa) == "amx" && type == static_cast<int64_t>(TensorType::BF16);
}

bool isVector(const Ops& table) {
    return std::string_view(table.isa) != "reference" && std::string_view(table.isa) != "portable";
}

using Wanted = bool (*)(const Ops& table, int64_t type);

bool everything(const Ops&, int64_t) { return true; }

// Cases that a test would have to skip are no cases of it: `wanted` leaves them out.
void addCases(int64_t type, const char* name, const std::vector<int64_t>& columns, int64_t group,
              Wanted wanted = everything) {
    for (size_t v = 0; v < allOps().size(); ++v) {
        if ((std::string_view(allOps()[v]->isa) == "amx" && !isTiled(*allOps()[v], type)) ||
            !wanted(*allOps()[v], type)) {
            continue;
        }
        for (const int64_t cols : columns) {
            for (const size_t offset : {0, 1, 3}) {
                QTest::addRow("%s/%s/group%lld/cols%lld/off%zu", allOps()[v]->isa, name, static_cast<long long>(group),
                              static_cast<long long>(cols), offset)
                    << static_cast<qint64>(v) << static_cast<qint64>(type) << static_cast<qint64>(cols)
                    << static_cast<qint64>(group) << static_cast<qint64>(offset);
            }
        }
    }
}

}  // namespace

class TstMatmul : public QObject {
    Q_OBJECT

private:
    static void columns() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("type");
        QTest::addColumn<qint64>("cols");
        QTest::addColumn<qint64>("group");
        QTest::addColumn<qint64>("offset");
    }
    static void allCases(Wanted wanted = everything) {
        columns();
        for (const TensorType type : readableTypes()) {
            addCases(static_cast<int64_t>(type), typeTraits(type)->name, columnsFor(type), 0, wanted);
        }
        addCases(kRtn, "RTN", {64, 256, 640, 1000}, 64, wanted);
        addCases(kRtn, "RTN", {16, 48, 300}, 16, wanted);
        addCases(kRtn, "RTN", {24, 100, 257, 600}, 24, wanted);
        addCases(kRtn, "RTN", {5, 600}, 5, wanted);
    }

private slots:
    void agreesWithReference_data() { allCases(); }
    void agreesWithReference() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        QFETCH(qint64, cols);
        QFETCH(qint64, group);
        QFETCH(qint64, offset);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        constexpr int64_t kOuts = 7;
        constexpr int64_t kRows = 5;
        const auto shift = static_cast<size_t>(offset);
        const Weights w = weightsOf(type, kOuts, cols, group, shift);
        const Shifted<float> x(randomFloats(static_cast<size_t>(kRows * cols), 3), shift);
        Shifted<float> y(static_cast<size_t>(kRows * kOuts), shift);
        table.matmul(argsFor(w, x.data(), kRows, y.data()));
        const std::vector<float> weights = asFloats(w.view);
        for (int64_t r = 0; r < kRows; ++r) {
            for (int64_t o = 0; o < kOuts; ++o) {
                const float* wr = weights.data() + o * cols;
                const float* xr = x.data() + r * cols;
                double exact = 0.0;
                for (int64_t k = 0; k < cols; ++k) {
                    exact += static_cast<double>(wr[k]) * static_cast<double>(xr[k]);
                }
                const double band = static_cast<double>(cols / 16 + (isTiled(table, type) ? 20 : 8)) * 0x1p-24 *
                                    magnitudeSum(wr, xr, cols);
                const double got = static_cast<double>(y[static_cast<size_t>(r * kOuts + o)]);
                QVERIFY2(std::fabs(got - exact) <= band, qPrintable(QString("row %1 out %2: %3 instead of %4, band %5")
                                                                        .arg(r)
                                                                        .arg(o)
                                                                        .arg(got)
                                                                        .arg(exact)
                                                                        .arg(band)));
            }
        }
    }

    // The product of stored weights is the product of their dequantization, bit for bit, also across the vector tables.
    // Tiles sum in another order.
    void equalsDequantizedProduct_data() {
        allCases([](const Ops& table, int64_t type) { return !isTiled(table, type); });
    }
    void equalsDequantizedProduct() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        QFETCH(qint64, cols);
        QFETCH(qint64, group);
        QFETCH(qint64, offset);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        constexpr int64_t kOuts = 6;
        constexpr int64_t kRows = 3;
        const Weights w = weightsOf(type, kOuts, cols, group, static_cast<size_t>(offset));
        const std::vector<float> x = randomFloats(static_cast<size_t>(kRows * cols), 4);
        const std::vector<float> floats = asFloats(w.view);
        Weights plain;
        plain.view = {TensorType::F32,
                      kOuts,
                      cols,
                      reinterpret_cast<const std::byte*>(floats.data()),
                      static_cast<size_t>(cols) * sizeof(float),
                      {}};
        std::vector<float> direct(kRows * kOuts);
        std::vector<float> decoded(kRows * kOuts);
        table.matmul(argsFor(w, x.data(), kRows, direct.data()));
        table.matmul(argsFor(plain, x.data(), kRows, decoded.data()));
        const std::string difference = firstDifference(direct.data(), decoded.data(), direct.size());
        QVERIFY2(difference.empty(), difference.c_str());
        if (variant > 0) {
            allOps().back()->matmul(argsFor(plain, x.data(), kRows, decoded.data()));
            const std::string across = firstDifference(direct.data(), decoded.data(), direct.size());
            QVERIFY2(across.empty(), across.c_str());
        }
    }

    void splitChangesNothing_data() {
        columns();
        for (const TensorType type : readableTypes()) {
            addCases(static_cast<int64_t>(type), typeTraits(type)->name,
                     {typeTraits(type)->block_elements == 1    ? 333
                      : typeTraits(type)->block_elements == 32 ? 352
                                                               : 512},
                     0);
        }
        addCases(kRtn, "RTN", {320, 333}, 64);
        addCases(kRtn, "RTN", {333}, 20);
    }
    void splitChangesNothing() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        QFETCH(qint64, cols);
        QFETCH(qint64, group);
        QFETCH(qint64, offset);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        constexpr int64_t kOuts = 13;
        constexpr int64_t kMaxRows = 70;
        const Weights w = weightsOf(type, kOuts, cols, group, static_cast<size_t>(offset));
        const std::vector<float> x = randomFloats(static_cast<size_t>(kMaxRows * cols), 5);
        std::vector<float> single(kMaxRows * kOuts);
        for (int64_t r = 0; r < kMaxRows; ++r) {
            table.matmul(argsFor(w, x.data() + r * cols, 1, single.data() + r * kOuts));
        }
        for (const int64_t rows : {2, 3, 4, 5, 7, 16, 33, 64, 70}) {
            std::vector<float> batch(static_cast<size_t>(rows * kOuts));
            table.matmul(argsFor(w, x.data(), rows, batch.data()));
            const std::string difference = firstDifference(batch.data(), single.data(), batch.size());
            QVERIFY2(difference.empty(), qPrintable(QString("%1 rows: %2").arg(rows).arg(difference.c_str())));
        }
        for (int64_t begin = 0; begin < kOuts; ++begin) {
            for (const int64_t end : {begin, begin + 1, begin + 3, kOuts}) {
                if (end > kOuts) {
                    continue;
                }
                const Shifted<float> moved(std::vector<float>(x.begin(), x.begin() + 3 * cols), 1);
                std::vector<float> part(3 * kOuts, -7.0F);
                MatmulArgs args = argsFor(w, moved.data(), 3, part.data());
                args.out_begin = begin;
                args.out_end = end;
                table.matmul(args);
                for (int64_t i = 0; i < 3 * kOuts; ++i) {
                    const int64_t o = i % kOuts;
                    const float wanted = o >= begin && o < end ? single[static_cast<size_t>(i)] : -7.0F;
                    QVERIFY(sameBits(part[static_cast<size_t>(i)], wanted));
                }
            }
        }
    }

    // Long rows are cut into chunks of columns and panels of outputs: neither these nor the tiles of any number of rows
    // show in a bit. The tables without vectors cut nothing, and are slow where fused multiply-adds are library calls.
    void cutsOfLongRowsChangeNothing_data() {
        columns();
        for (const TensorType type : {TensorType::F32, TensorType::F16, TensorType::BF16}) {
            addCases(static_cast<int64_t>(type), typeTraits(type)->name,
                     quibble::testing::kSanitized ? std::vector<int64_t>{1553, 4111}
                                                  : std::vector<int64_t>{1536, 1553, 4111, 8999},
                     0, [](const Ops& table, int64_t) { return isVector(table); });
        }
    }
    void cutsOfLongRowsChangeNothing() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        QFETCH(qint64, cols);
        QFETCH(qint64, offset);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        constexpr int64_t kOuts = 67;
        constexpr int64_t kMaxRows = 129;
        const auto shift = static_cast<size_t>(offset);
        const Weights w = weightsOf(type, kOuts, cols, 0, shift);
        const Shifted<float> x(randomFloats(static_cast<size_t>(kMaxRows * cols), 5), shift);
        std::vector<float> single(kMaxRows * kOuts);
        for (int64_t r = 0; r < kMaxRows; ++r) {
            table.matmul(argsFor(w, x.data() + r * cols, 1, single.data() + r * kOuts));
        }
        for (const int64_t rows : {7, 8, 9, 16, 17, 24, 25, 65, 129}) {
            for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, kOuts}, {3, 20}, {5, 6}, {1, 50}}) {
                std::vector<float> batch(static_cast<size_t>(rows * kOuts), -7.0F);
                MatmulArgs args = argsFor(w, x.data(), rows, batch.data());
                args.out_begin = begin;
                args.out_end = end;
                table.matmul(args);
                for (int64_t i = 0; i < rows * kOuts; ++i) {
                    const int64_t o = i % kOuts;
                    const float wanted = o >= begin && o < end ? single[static_cast<size_t>(i)] : -7.0F;
                    QVERIFY2(sameBits(batch[static_cast<size_t>(i)], wanted),
                             qPrintable(QString("%1 rows, output %2 of row %3").arg(rows).arg(o).arg(i / kOuts)));
                }
            }
        }
    }

    // How far the rows of weights are fetched ahead shows in no bit, wherever they end.
    void fetchingChangesNothing_data() {
        columns();
        for (const TensorType type : {TensorType::F32, TensorType::F16, TensorType::BF16}) {
            addCases(static_cast<int64_t>(type), typeTraits(type)->name, {0, 1, 31, 333, 1536}, 0);
        }
    }
    void fetchingChangesNothing() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        QFETCH(qint64, cols);
        QFETCH(qint64, offset);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        constexpr int64_t kOuts = 13;
        constexpr int64_t kMaxRows = 9;
        const Weights w = weightsOf(type, kOuts, cols, 0, static_cast<size_t>(offset));
        const std::vector<float> x = randomFloats(static_cast<size_t>(kMaxRows * cols), 5);
        std::vector<float> wanted(kMaxRows * kOuts);
        MatmulArgs all = argsFor(w, x.data(), kMaxRows, wanted.data());
        all.fetch_ahead = kNextOutputs;
        table.matmul(all);
        for (const int32_t ahead : {0, 64, 100, 1536, 1 << 20, kNextOutputs}) {
            for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
                for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, kOuts}, {1, 12}, {5, 6}}) {
                    std::vector<float> y(static_cast<size_t>(rows * kOuts), -7.0F);
                    MatmulArgs args = argsFor(w, x.data(), rows, y.data());
                    args.out_begin = begin;
                    args.out_end = end;
                    args.fetch_ahead = ahead;
                    table.matmul(args);
                    for (int64_t i = 0; i < rows * kOuts; ++i) {
                        const int64_t o = i % kOuts;
                        const float bits = o >= begin && o < end ? wanted[static_cast<size_t>(i)] : -7.0F;
                        QVERIFY2(sameBits(y[static_cast<size_t>(i)], bits),
                                 qPrintable(QString("%1 ahead, %2 rows, output %3").arg(ahead).arg(rows).arg(o)));
                    }
                }
            }
        }
    }

    void readableByEye() {
        // [1 2 3; 4 5 6] times (1, 10, 100)
        const std::vector<float> weights = {1, 2, 3, 4, 5, 6};
        const std::vector<float> x = {1, 10, 100};
        for (const Ops* table : allOps()) {
            Weights w;
            w.view = {TensorType::F32, 2, 3, reinterpret_cast<const std::byte*>(weights.data()), 12, {}};
            std::vector<float> y(2);
            table->matmul(argsFor(w, x.data(), 1, y.data()));
            QCOMPARE(y[0], 321.0F);
            QCOMPARE(y[1], 654.0F);
        }
    }

    void nanAndInfinityGoThrough() {
        for (const Ops* table : allOps()) {
            for (const TensorType type : {TensorType::F32, TensorType::F16, TensorType::Q8_0}) {
                const Weights w = makeWeights(type, 5, 64, 8, 0);
                std::vector<float> x = randomFloats(2 * 64, 9);
                x[64 + 63] = std::nanf("");
                std::vector<float> y(10);
                table->matmul(argsFor(w, x.data(), 2, y.data()));
                for (size_t o = 0; o < 5; ++o) {
                    QVERIFY(std::isfinite(y[o]));
                    QVERIFY(std::isnan(y[5 + o]));
                }
                x[64 + 63] = INFINITY;
                table->matmul(argsFor(w, x.data(), 2, y.data()));
                for (size_t o = 0; o < 5; ++o) {
                    QVERIFY(!std::isfinite(y[5 + o]));
                }
            }
        }
    }
};

int main(int argc, char** argv) {
    quibble::testing::emulateAmx();
    TstMatmul test;
    return quibble::testing::runWithoutCrashHandler(test, argc, argv);
}
#include "tst_matmul.moc"
