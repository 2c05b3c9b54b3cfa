// Products of BF16 weights and BF16 activations of every table that offers them against the reference, and the promise
// that no split of the work changes a bit.
#include "tests/kernels/kernel_cases.h"
#include "tests/support/each_isa.h"

#include <QTest>

#include <limits>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

// Activations rounded by the table itself, in rows `padding` bytes longer than they must be, `offset` bytes after a
// boundary.
struct Activations {
    std::vector<float> rounded;  // what the product sees
    Shifted<std::byte> bytes;
    size_t stride;

    Activations(const Ops& table, const std::vector<float>& x, int64_t rows, int64_t cols, size_t offset)
        : rounded(x.size()),
          bytes(static_cast<size_t>(rows) * (bf16RowBytes(cols) + offset), offset),
          stride(bf16RowBytes(cols) + offset) {
        for (int64_t r = 0; r < rows; ++r) {
            std::byte* row = bytes.data() + static_cast<size_t>(r) * stride;
            table.storeKv(TensorType::BF16, x.data() + r * cols, cols, row);
            table.dequantizeRow(TensorType::BF16, row, cols, rounded.data() + r * cols);
        }
    }
};

MatmulBf16Args argsFor(const Weights& w, const Activations& x, int64_t rows, float* y) {
    return {w.view, x.bytes.data(), x.stride, rows, y, w.view.rows, 0, w.view.rows};
}

std::vector<const Ops*> offering() {
    std::vector<const Ops*> tables;
    for (const Ops* table : allOps()) {
        if (table->matmulBf16 != nullptr) {
            tables.push_back(table);
        }
    }
    return tables;
}

Weights weightsFrom(const std::vector<float>& values, int64_t outs, int64_t cols) {
    Weights w;
    w.view = {TensorType::BF16, outs, cols, nullptr, 2 * static_cast<size_t>(cols), {}};
    w.bytes.resize(w.view.row_bytes * static_cast<size_t>(outs));
    quantizeRow(TensorType::BF16, values.data(), outs * cols, w.bytes.data());
    w.view.data = w.bytes.data();
    return w;
}

}  // namespace

class TstMatmulBf16 : public QObject {
    Q_OBJECT

private slots:
    void agreesWithReference_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("cols");
        QTest::addColumn<qint64>("offset");
        for (size_t v = 0; v < offering().size(); ++v) {
            for (const qint64 cols :
                 {0, 1, 2, 15, 16, 31, 32, 33, 63, 64, 65, 255, 256, 300, 1000, 2047, 2048, 2049, 2080, 4096, 5001}) {
                for (const qint64 offset : {0, 1, 6}) {
                    QTest::addRow("%s/cols%lld/off%lld", offering()[v]->isa, cols, offset)
                        << static_cast<qint64>(v) << cols << offset;
                }
            }
        }
    }
    void agreesWithReference() {
        QFETCH(qint64, variant);
        QFETCH(qint64, cols);
        QFETCH(qint64, offset);
        const Ops& table = *offering()[static_cast<size_t>(variant)];
        constexpr int64_t kOuts = 7;
        constexpr int64_t kRows = 8;
        const Weights w = makeWeights(TensorType::BF16, kOuts, cols, 17, static_cast<size_t>(offset));
        const Activations x(table, randomFloats(static_cast<size_t>(kRows * cols), 3), kRows, cols,
                            static_cast<size_t>(offset));
        std::vector<float> y(kRows * kOuts, -7.0F);
        table.matmulBf16(argsFor(w, x, kRows, y.data()));
        const std::vector<float> weights = asFloats(w.view);
        for (int64_t r = 0; r < kRows; ++r) {
            for (int64_t o = 0; o < kOuts; ++o) {
                const float* wr = weights.data() + o * cols;
                const float* xr = x.rounded.data() + r * cols;
                double exact = 0.0;
                for (int64_t k = 0; k < cols; ++k) {
                    exact += static_cast<double>(wr[k]) * static_cast<double>(xr[k]);
                }
                const double band = static_cast<double>(cols / 16 + 20) * 0x1p-24 * magnitudeSum(wr, xr, cols);
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

    void splitChangesNothing_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("cols");
        for (size_t v = 0; v < offering().size(); ++v) {
            for (const qint64 cols : {333, 2100}) {
                QTest::addRow("%s/cols%lld", offering()[v]->isa, cols) << static_cast<qint64>(v) << cols;
            }
        }
    }
    void splitChangesNothing() {
        QFETCH(qint64, variant);
        QFETCH(qint64, cols);
        const Ops& table = *offering()[static_cast<size_t>(variant)];
        constexpr int64_t kOuts = 13;
        constexpr int64_t kMaxRows = 135;
        const Weights w = makeWeights(TensorType::BF16, kOuts, cols, 17, 2);
        const Activations x(table, randomFloats(static_cast<size_t>(kMaxRows * cols), 5), kMaxRows, cols, 0);
        std::vector<float> single(kMaxRows * kOuts);
        for (int64_t r = 0; r < kMaxRows; ++r) {
            MatmulBf16Args args = argsFor(w, x, 1, single.data() + r * kOuts);
            args.xb += static_cast<size_t>(r) * x.stride;
            table.matmulBf16(args);
        }
        for (const int64_t rows : {2, 3, 4, 5, 6, 7, 13, 16, 64, 128, 135}) {
            std::vector<float> batch(static_cast<size_t>(rows * kOuts));
            table.matmulBf16(argsFor(w, x, rows, batch.data()));
            const std::string difference = firstDifference(batch.data(), single.data(), batch.size());
            QVERIFY2(difference.empty(), qPrintable(QString("%1 rows: %2").arg(rows).arg(difference.c_str())));
        }
        for (int64_t begin = 0; begin < kOuts; ++begin) {
            for (const int64_t end : {begin, begin + 1, begin + 3, begin + 4, kOuts}) {
                if (end > kOuts) {
                    continue;
                }
                std::vector<float> part(3 * kOuts, -7.0F);
                MatmulBf16Args args = argsFor(w, x, 3, part.data());
                args.out_begin = begin;
                args.out_end = end;
                table.matmulBf16(args);
                for (int64_t i = 0; i < 3 * kOuts; ++i) {
                    const int64_t o = i % kOuts;
                    QVERIFY(sameBits(part[static_cast<size_t>(i)],
                                     o >= begin && o < end ? single[static_cast<size_t>(i)] : -7.0F));
                }
            }
        }
    }

    // Activations are rounded to nearest, ties to even, and a NaN stays one: the same bytes in every table.
    void activationsAreRounded() {
        const std::vector<float> x = {1.0F,          1.00390625F, 1.01171875F, -1.004F,
                                      std::nanf(""), INFINITY,    1e-40F,      3.4e38F};
        const std::vector<uint16_t> wanted = {0x3F80, 0x3F80, 0x3F82, 0xBF81, 0x7FC0, 0x7F80, 0x0001, 0x7F80};
        for (const Ops* table : allOps()) {
            std::vector<uint16_t> got(x.size());
            table->storeKv(TensorType::BF16, x.data(), static_cast<int64_t>(x.size()),
                           reinterpret_cast<std::byte*>(got.data()));
            QCOMPARE(got, wanted);
        }
    }

    void readableByEye() {
        // [1 2 3; 4 5 6] times (1, 10, 100)
        for (const Ops* table : offering()) {
            const Weights w = weightsFrom({1, 2, 3, 4, 5, 6}, 2, 3);
            const Activations x(*table, {1, 10, 100}, 1, 3, 0);
            std::vector<float> y(2);
            table->matmulBf16(argsFor(w, x, 1, y.data()));
            QCOMPARE(y[0], 321.0F);
            QCOMPARE(y[1], 654.0F);
        }
    }

    // The smallest numbers may count as zero, and so may what they sum up to: the band says by how much.
    void subnormalsStayInTheBand() {
        constexpr float kSmall = 5e-39F;
        for (const Ops* table : offering()) {
            const Weights w = weightsFrom({kSmall, 1.0F, 1e-20F, -kSmall, 1.0F, 2.0F}, 2, 3);
            const Activations x(*table, {1.0F, 1.0F, 1e-20F}, 1, 3, 0);
            std::vector<float> y(2);
            table->matmulBf16(argsFor(w, x, 1, y.data()));
            for (const float value : y) {  // the second weight of both rows is what remains
                QVERIFY(std::fabs(static_cast<double>(value) - 1.0) <= 8 * 0x1p-24);
            }
            const Weights tiny = weightsFrom({kSmall, kSmall, kSmall}, 1, 3);
            table->matmulBf16(argsFor(tiny, x, 1, y.data()));
            QVERIFY(std::fabs(static_cast<double>(y[0])) <= 3 * 0x1p-126 * 2.0);
        }
    }

    void nanAndInfinityGoThrough() {
        for (const Ops* table : offering()) {
            const Weights w = makeWeights(TensorType::BF16, 5, 67, 8, 0);
            for (const float bad : {std::numeric_limits<float>::quiet_NaN(), INFINITY}) {
                std::vector<float> values = randomFloats(2 * 67, 9);
                values[67 + 66] = bad;
                const Activations x(*table, values, 2, 67, 0);
                std::vector<float> y(10);
                table->matmulBf16(argsFor(w, x, 2, y.data()));
                for (size_t o = 0; o < 5; ++o) {
                    QVERIFY(std::isfinite(y[o]));
                    QVERIFY(std::isnan(bad) ? std::isnan(y[5 + o]) : !std::isfinite(y[5 + o]));
                }
            }
        }
    }

    void whatIsNotOfferedHasAReason() {
        for (const Ops* table : allOps()) {
            QCOMPARE(whyNoMatmulBf16(*table).empty(), table->matmulBf16 != nullptr);
        }
        QVERIFY(allOps()[0]->matmulBf16 != nullptr);
    }
};

int main(int argc, char** argv) {
    quibble::testing::emulateAmx();
    TstMatmulBf16 test;
    return quibble::testing::runWithoutCrashHandler(test, argc, argv);
}
#include "tst_matmul_bf16.moc"
