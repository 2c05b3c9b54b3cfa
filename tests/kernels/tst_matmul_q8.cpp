// Products of packed weights with activations rounded to 8 bits, against the reference with the same rounding.
#include "tests/kernels/kernel_cases.h"

#include <QtTest>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

const std::vector<TensorType> kTypes = {TensorType::Q8_0, TensorType::Q4_0, TensorType::Q4_K, TensorType::Q6_K};

// Rows of x rounded by a table, each row_bytes + pad apart, the first `offset` bytes after a 64-byte boundary.
struct Rounded {
    Shifted<std::byte> bytes;
    size_t stride;
};

Rounded roundRows(const Ops& table, TensorType type, const float* x, int64_t rows, int64_t cols, size_t offset) {
    const size_t stride = table.q8RowBytes(cols, type) + offset;
    Rounded out{Shifted<std::byte>(stride * static_cast<size_t>(rows) + 1, offset), stride};
    for (int64_t r = 0; r < rows; ++r) {
        table.quantizeQ8(x + r * cols, cols, type, out.bytes.data() + static_cast<size_t>(r) * stride);
    }
    return out;
}

MatmulQ8Args argsFor(const Weights& w, const std::byte* xq, size_t stride, int64_t rows, float* y) {
    MatmulQ8Args args;
    args.w = w.view;
    args.xq = xq;
    args.xq_stride = stride;
    args.n_rows = rows;
    args.y = y;
    args.y_stride = w.view.rows;
    args.out_begin = 0;
    args.out_end = w.view.rows;
    return args;
}

std::vector<int64_t> columnsFor(TensorType type) {
    if (typeTraits(type)->block_elements == 32) {
        return {0, 32, 64, 96, 128, 160, 192, 224, 256, 416, 896, 1536, 2880, 8960};
    }
    return {0, 256, 512, 768, 1536, 8960};
}

}  // namespace

class TstMatmulQ8 : public QObject {
    Q_OBJECT

private slots:
    void agreesWithReference_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("type");
        QTest::addColumn<qint64>("cols");
        QTest::addColumn<qint64>("offset");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const TensorType type : kTypes) {
                for (const int64_t cols : columnsFor(type)) {
                    for (const size_t offset : {0, 1, 3}) {
                        QTest::addRow("%s/%s/cols%lld/off%zu", allOps()[v]->isa, typeTraits(type)->name,
                                      static_cast<long long>(cols), offset)
                            << static_cast<qint64>(v) << static_cast<qint64>(type) << static_cast<qint64>(cols)
                            << static_cast<qint64>(offset);
                    }
                }
            }
        }
    }
    void agreesWithReference() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        QFETCH(qint64, cols);
        QFETCH(qint64, offset);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        const Ops& reference = *allOps()[0];
        const auto format = static_cast<TensorType>(type);
        constexpr int64_t kOuts = 5;
        constexpr int64_t kRows = 7;
        const auto shift = static_cast<size_t>(offset);
        const Weights w = makeWeights(format, kOuts, cols, 21, shift);
        const std::vector<float> x = randomFloats(static_cast<size_t>(kRows * cols), 22);
        const Rounded ours = roundRows(table, format, x.data(), kRows, cols, shift);
        const Rounded theirs = roundRows(reference, format, x.data(), kRows, cols, 0);
        std::vector<float> y(kRows * kOuts);
        std::vector<float> wanted(kRows * kOuts);
        table.matmulQ8(argsFor(w, ours.bytes.data(), ours.stride, kRows, y.data()));
        reference.matmulQ8(argsFor(w, theirs.bytes.data(), theirs.stride, kRows, wanted.data()));
        const std::vector<float> floats = asFloats(w.view);
        for (int64_t i = 0; i < kRows * kOuts; ++i) {
            const double sum = magnitudeSum(floats.data() + i % kOuts * cols, x.data() + i / kOuts * cols, cols);
            const double band = static_cast<double>(cols / 32 + 8) * 0x1p-23 * sum;
            const auto at = static_cast<size_t>(i);
            QVERIFY2(std::fabs(static_cast<double>(y[at]) - static_cast<double>(wanted[at])) <= band,
                     qPrintable(QString("%1: %2 instead of %3, band %4").arg(i).arg(y[at]).arg(wanted[at]).arg(band)));
        }
    }

    void splitChangesNothing_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("type");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const TensorType type : kTypes) {
                QTest::addRow("%s/%s", allOps()[v]->isa, typeTraits(type)->name)
                    << static_cast<qint64>(v) << static_cast<qint64>(type);
            }
        }
    }
    void splitChangesNothing() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        const auto format = static_cast<TensorType>(type);
        const int64_t cols = typeTraits(format)->block_elements == 32 ? 352 : 768;
        constexpr int64_t kOuts = 11;
        constexpr int64_t kMaxRows = 70;
        const Weights w = makeWeights(format, kOuts, cols, 23, 1);
        const std::vector<float> x = randomFloats(static_cast<size_t>(kMaxRows * cols), 24);
        const Rounded rounded = roundRows(table, format, x.data(), kMaxRows, cols, 0);
        std::vector<float> single(kMaxRows * kOuts);
        for (int64_t r = 0; r < kMaxRows; ++r) {
            table.matmulQ8(argsFor(w, rounded.bytes.data() + static_cast<size_t>(r) * rounded.stride, rounded.stride, 1,
                                   single.data() + r * kOuts));
        }
        for (const int64_t rows : {1, 2, 3, 4, 5, 7, 16, 33, 64, 70}) {
            for (const size_t offset : {0, 5}) {
                const Rounded moved = roundRows(table, format, x.data(), rows, cols, offset);
                std::vector<float> batch(static_cast<size_t>(rows * kOuts));
                table.matmulQ8(argsFor(w, moved.bytes.data(), moved.stride, rows, batch.data()));
                const std::string difference = firstDifference(batch.data(), single.data(), batch.size());
                QVERIFY2(difference.empty(), qPrintable(QString("%1 rows: %2").arg(rows).arg(difference.c_str())));
            }
        }
        for (int64_t begin = 0; begin < kOuts; ++begin) {
            for (int64_t end = begin; end <= kOuts; ++end) {
                std::vector<float> part(3 * kOuts, -7.0F);
                MatmulQ8Args args = argsFor(w, rounded.bytes.data(), rounded.stride, 3, part.data());
                args.out_begin = begin;
                args.out_end = end;
                table.matmulQ8(args);
                for (int64_t i = 0; i < 3 * kOuts; ++i) {
                    const bool inside = i % kOuts >= begin && i % kOuts < end;
                    QVERIFY(sameBits(part[static_cast<size_t>(i)], inside ? single[static_cast<size_t>(i)] : -7.0F));
                }
            }
        }
    }

    // Extreme codes: all weights at both ends of their range against all activations at both ends. Saturating instructions and
    // overflowing sums would show here.
    void extremeValues() {
        for (const Ops* table : allOps()) {
            for (const TensorType format : kTypes) {
                for (const float sign : {1.0F, -1.0F}) {
                    for (const int fill : {0x00, 0xFF, 0x80, 0x7F, 0x0F, 0xF0}) {
                        constexpr int64_t kCols = 512;
                        Weights w = makeWeights(format, 1, kCols, 1, 0);
                        auto* bytes = const_cast<std::byte*>(w.view.data);
                        const TypeTraits& traits = *typeTraits(format);
                        const float half = 0.5F;
                        std::memset(bytes, fill, w.view.row_bytes);
                        std::vector<size_t> fields = halfFields(format);
                        if (fields.empty()) {
                            fields = {0};
                        }
                        for (size_t b = 0; b < w.view.row_bytes; b += traits.block_bytes) {
                            for (const size_t field : fields) {
                                quantizeRow(TensorType::F16, &half, 1, bytes + b + field);
                            }
                        }
                        const std::vector<float> x(kCols, sign * 2.0F);
                        const std::vector<float> floats = asFloats(w.view);
                        double wanted = 0.0;
                        double sum = 0.0;
                        for (size_t k = 0; k < kCols; ++k) {
                            wanted += static_cast<double>(floats[k]) * static_cast<double>(x[k]);
                            sum += std::fabs(static_cast<double>(floats[k]) * static_cast<double>(x[k]));
                        }
                        const Rounded rounded = roundRows(*table, format, x.data(), 1, kCols, 0);
                        float y = 0.0F;
                        table->matmulQ8(argsFor(w, rounded.bytes.data(), rounded.stride, 1, &y));
                        // Offsets (minima) of Q4_K are as large as its products, so its band counts both.
                        const double band = 1e-5 * sum + 1e-5 * (format == TensorType::Q4_K ? 0.5 * 63 * 16 * 2.0 * kCols : 0.0);
                        QVERIFY2(std::fabs(static_cast<double>(y) - wanted) <= band,
                                 qPrintable(QString("%1 %2 fill %3: %4 instead of %5").arg(table->isa, traits.name).arg(fill).arg(y).arg(wanted)));
                    }
                }
            }
        }
    }

    void roundingIsCloseToFloat() {
        // Against the float product: rounding to 8 bits costs about 0.4 % of the length of the product, and not nothing.
        for (const Ops* table : allOps()) {
            for (const TensorType format : kTypes) {
                constexpr int64_t kCols = 2048;
                constexpr int64_t kOuts = 64;
                const Weights w = makeWeights(format, kOuts, kCols, 31, 0);
                const std::vector<float> x = randomFloats(kCols, 32);
                const std::vector<float> floats = asFloats(w.view);
                const Rounded rounded = roundRows(*table, format, x.data(), 1, kCols, 0);
                std::vector<float> y(kOuts);
                table->matmulQ8(argsFor(w, rounded.bytes.data(), rounded.stride, 1, y.data()));
                double error = 0.0;
                double length = 0.0;
                for (int64_t o = 0; o < kOuts; ++o) {
                    double exact = 0.0;
                    for (int64_t k = 0; k < kCols; ++k) {
                        const double term = static_cast<double>(floats[static_cast<size_t>(o * kCols + k)]) *
                                            static_cast<double>(x[static_cast<size_t>(k)]);
                        exact += term;
                        length += term * term;
                    }
                    const double e = static_cast<double>(y[static_cast<size_t>(o)]) - exact;
                    error += e * e;
                }
                const double relative = std::sqrt(error / length);
                QVERIFY2(relative > 0.001 && relative < 0.02, qPrintable(QString("%1 %2: %3").arg(table->isa, typeTraits(format)->name).arg(relative)));
            }
        }
    }

    void blocksThatAreNotFiniteGiveNan() {
        for (const Ops* table : allOps()) {
            for (const TensorType format : kTypes) {
                for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
                    const Weights w = makeWeights(format, 3, 512, 41, 0);
                    std::vector<float> x = randomFloats(2 * 512, 42);
                    x[512 + 300] = bad;
                    const Rounded rounded = roundRows(*table, format, x.data(), 2, 512, 0);
                    std::vector<float> y(6);
                    table->matmulQ8(argsFor(w, rounded.bytes.data(), rounded.stride, 2, y.data()));
                    for (size_t o = 0; o < 3; ++o) {
                        QVERIFY(std::isfinite(y[o]));
                        QVERIFY(std::isnan(y[3 + o]));
                    }
                }
            }
        }
    }

    void zeroAndTinyBlocks() {
        for (const Ops* table : allOps()) {
            for (const TensorType format : kTypes) {
                const Weights w = makeWeights(format, 2, 256, 43, 0);
                for (const float value : {0.0F, -0.0F, 1e-40F, 3e-38F}) {
                    const std::vector<float> x(256, value);
                    const Rounded rounded = roundRows(*table, format, x.data(), 1, 256, 0);
                    std::vector<float> y(2, 9.0F);
                    table->matmulQ8(argsFor(w, rounded.bytes.data(), rounded.stride, 1, y.data()));
                    QVERIFY(std::fabs(y[0]) < 1e-30F && std::fabs(y[1]) < 1e-30F);
                }
            }
        }
    }

    void otherTypesHaveNoRounding() {
        QCOMPARE(hasQ8(TensorType::F16), false);
        QCOMPARE(q8Layout(TensorType::F32), -1);
        QCOMPARE(q8Layout(TensorType::Q8_0), q8Layout(TensorType::Q4_0));
        QVERIFY(q8Layout(TensorType::Q4_K) != q8Layout(TensorType::Q6_K));
        for (const Ops* table : allOps()) {
            QCOMPARE(table->q8RowBytes(256, TensorType::F16), size_t{0});
            QVERIFY(table->q8RowBytes(256, TensorType::Q4_K) >= 256 + sizeof(float));
        }
    }
};

QTEST_APPLESS_MAIN(TstMatmulQ8)
#include "tst_matmul_q8.moc"
