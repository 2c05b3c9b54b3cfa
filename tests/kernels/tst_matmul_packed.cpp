// Packing of quantized weights, and products of packed weights with activations rounded to 8 bits, against the
// reference with the same rounding.
#include "tests/kernels/kernel_cases.h"

#include <QTest>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

const std::vector<TensorType> kTypes = {TensorType::Q8_0,  TensorType::Q4_0, TensorType::Q4_1,  TensorType::Q5_0,
                                        TensorType::Q5_1,  TensorType::Q2_K, TensorType::Q3_K,  TensorType::Q4_K,
                                        TensorType::Q5_K,  TensorType::Q6_K, TensorType::MXFP4, TensorType::IQ4_NL,
                                        TensorType::IQ4_XS};

bool isWide(TensorType type) { return typeTraits(type)->block_elements == 256; }

// Rows of x rounded by a table, each row_bytes + pad apart, the first `offset` bytes after a 64-byte boundary.
struct Rounded {
    Shifted<std::byte> bytes;
    size_t stride;
};

Rounded roundRows(const Ops& table, const float* x, int64_t rows, int64_t cols, size_t offset) {
    const size_t stride = q8RowBytes(cols) + offset;
    Rounded out{Shifted<std::byte>(stride * static_cast<size_t>(rows) + 1, offset), stride};
    for (int64_t r = 0; r < rows; ++r) {
        table.quantizeQ8(x + r * cols, cols, out.bytes.data() + static_cast<size_t>(r) * stride);
    }
    return out;
}

MatmulPackedArgs argsFor(const Packed& w, const Rounded& x, int64_t rows, float* y) {
    MatmulPackedArgs args;
    args.w = w.view;
    args.xq = x.bytes.data();
    args.xq_stride = x.stride;
    args.n_rows = rows;
    args.y = y;
    args.y_stride = w.view.rows;
    args.out_begin = 0;
    args.out_end = w.view.rows;
    return args;
}

// Within a panel, on its border, over several, empty.
const std::vector<std::pair<int64_t, int64_t>> kRanges = {{0, 0},    {0, 1},    {0, 16},  {0, 17},  {3, 9},   {5, 5},
                                                          {15, 16},  {15, 33},  {16, 32}, {16, 96}, {31, 97}, {32, 99},
                                                          {64, 100}, {99, 100}, {0, 100}, {48, 81}};

std::vector<int64_t> columnsFor(TensorType type) {
    if (isWide(type)) {
        return {0, 256, 512, 768, 2304};
    }
    return {0, 32, 64, 96, 160, 224, 256, 416, 896, 2880};
}

}  // namespace

class TstMatmulPacked : public QObject {
    Q_OBJECT

private slots:
    void unpackedIsWhatWasPacked() {
        for (const TensorType type : kTypes) {
            for (const int64_t cols : columnsFor(type)) {
                for (const int64_t rows : {1, 16, 17, 37}) {
                    const Weights w = makeWeights(type, rows, cols, 51, 3);
                    const Packed packed = packWeights(w.view);
                    const std::vector<float> wanted = asFloats(w.view);
                    std::vector<float> got(static_cast<size_t>(cols));
                    for (int64_t o = 0; o < rows; ++o) {
                        unpackRow(packed.view, o, got.data());
                        for (int64_t k = 0; k < cols; ++k) {
                            QCOMPARE(got[static_cast<size_t>(k)], wanted[static_cast<size_t>(o * cols + k)]);
                        }
                    }
                }
            }
        }
    }

    void panelsMayBePackedInAnyOrder() {
        for (const TensorType type : kTypes) {
            const Weights w = makeWeights(type, 70, 512, 52, 1);
            const Packed whole = packWeights(w.view);
            Packed parts = packWeights(w.view);
            auto* out = const_cast<std::byte*>(parts.view.data);
            const size_t bytes = packedBytes(type, 70, 512);
            std::memset(out, 0x5A, bytes);
            for (const int64_t panel : {4, 0, 2, 1, 3}) {
                packPanels(w.view, panel, panel + 1, out);
            }
            QCOMPARE(std::memcmp(out, whole.view.data, bytes), 0);
        }
    }

    void sizesAreAboutThoseOfTheFile() {
        for (const TensorType type : kTypes) {
            const TypeTraits& traits = *typeTraits(type);
            const double file = 1024.0 * 4096.0 / traits.block_elements * traits.block_bytes;
            const double packed = static_cast<double>(packedBytes(type, 1024, 4096));
            QVERIFY2(packed >= file * 0.999 && packed <= file * 1.04, traits.name);
            QCOMPARE(packedBytes(type, 0, 4096), size_t{0});
            QCOMPARE(packedBytes(type, int64_t{1} << 62, int64_t{1} << 62), size_t{0});
        }
        QCOMPARE(packedBytes(TensorType::F16, 16, 64), size_t{0});
        QVERIFY(!hasPacked(TensorType::BF16) && !hasPacked(TensorType::RtnGroup));
    }

    void roundingIsTheSameInEveryTable() {
        std::vector<float> x = randomFloats(512, 61);
        for (size_t i = 0; i < 32; ++i) {
            x[32 + i] = 0.0F;
            x[64 + i] *= 1e-40F;
            x[96 + i] *= 1e30F;
            x[128 + i] = (static_cast<float>(i) + 0.5F) * 127.0F / 32.0F;  // ties
        }
        x[170] = INFINITY;
        x[200] = std::nanf("");
        const Rounded wanted = roundRows(*allOps()[0], x.data(), 1, 512, 0);
        for (const Ops* table : allOps()) {
            for (const size_t offset : {0, 1}) {
                const Rounded got = roundRows(*table, x.data(), 1, 512, offset);
                for (size_t b = 0; b < 16; ++b) {
                    Q8Block ours;
                    Q8Block theirs;
                    std::memcpy(&ours, got.bytes.data() + b * sizeof(ours), sizeof(ours));
                    std::memcpy(&theirs, wanted.bytes.data() + b * sizeof(theirs), sizeof(theirs));
                    QVERIFY((std::isnan(ours.d) && std::isnan(theirs.d)) || ours.d == theirs.d);
                    QVERIFY(std::memcmp(ours.q, theirs.q, sizeof(ours.q)) == 0);
                    QCOMPARE(ours.minus_sum, theirs.minus_sum);
                    QCOMPARE(ours.minus_half[0], theirs.minus_half[0]);
                    QCOMPARE(ours.minus_half[1], theirs.minus_half[1]);
                }
            }
        }
    }

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
        constexpr int64_t kOuts = 21;
        constexpr int64_t kRows = 3;
        const auto shift = static_cast<size_t>(offset);
        const Weights w = makeWeights(format, kOuts, cols, 21, shift);
        const std::vector<float> x = randomFloats(static_cast<size_t>(kRows * cols), 22);
        const Packed packed = packWeights(w.view);
        const Rounded ours = roundRows(table, x.data(), kRows, cols, shift);
        const Rounded theirs = roundRows(reference, x.data(), kRows, cols, 0);
        std::vector<float> y(kRows * kOuts);
        std::vector<float> wanted(kRows * kOuts);
        table.matmulPacked(argsFor(packed, ours, kRows, y.data()));
        reference.matmulPacked(argsFor(packed, theirs, kRows, wanted.data()));
        const std::vector<float> floats = asFloats(w.view);
        for (int64_t i = 0; i < kRows * kOuts; ++i) {
            const double sum = magnitudeSum(floats.data() + i % kOuts * cols, x.data() + i / kOuts * cols, cols) +
                               minimaSum(w.view, x.data() + i / kOuts * cols, i % kOuts);
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
        const int64_t cols = isWide(format) ? 768 : 352;
        constexpr int64_t kOuts = 100;
        constexpr int64_t kMaxRows = 70;
        const Weights w = makeWeights(format, kOuts, cols, 23, 1);
        const std::vector<float> x = randomFloats(static_cast<size_t>(kMaxRows * cols), 24);
        const Packed packed = packWeights(w.view);
        const Rounded rounded = roundRows(table, x.data(), kMaxRows, cols, 0);
        std::vector<float> single(kMaxRows * kOuts);
        for (int64_t r = 0; r < kMaxRows; ++r) {
            MatmulPackedArgs args = argsFor(packed, rounded, 1, single.data() + r * kOuts);
            args.xq += static_cast<size_t>(r) * rounded.stride;
            table.matmulPacked(args);
        }
        for (const int64_t rows : {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 16, 33, 64, 65, 70}) {
            for (const size_t offset : {0, 5}) {
                const Rounded moved = roundRows(table, x.data(), rows, cols, offset);
                for (const int32_t ahead : {0, 1536, kManyRows}) {
                    std::vector<float> batch(static_cast<size_t>(rows * kOuts));
                    MatmulPackedArgs args = argsFor(packed, moved, rows, batch.data());
                    args.fetch_ahead = ahead;
                    table.matmulPacked(args);
                    const std::string difference = firstDifference(batch.data(), single.data(), batch.size());
                    QVERIFY2(difference.empty(),
                             qPrintable(QString("%1 rows, ahead %2: %3").arg(rows).arg(ahead).arg(difference.c_str())));
                }
            }
        }
        for (const int64_t rows : {1, 3, 12}) {
            for (const auto& [begin, end] : kRanges) {
                std::vector<float> part(static_cast<size_t>(rows * kOuts), -7.0F);
                MatmulPackedArgs args = argsFor(packed, rounded, rows, part.data());
                args.out_begin = begin;
                args.out_end = end;
                table.matmulPacked(args);
                for (int64_t i = 0; i < rows * kOuts; ++i) {
                    const bool inside = i % kOuts >= begin && i % kOuts < end;
                    QVERIFY(sameBits(part[static_cast<size_t>(i)], inside ? single[static_cast<size_t>(i)] : -7.0F));
                }
            }
        }
    }

    // Extreme codes: all weights at both ends of their range against all activations at both ends. Saturating
    // instructions and overflowing sums would show here.
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
                        if (format == TensorType::Q4_1 || format == TensorType::Q5_1) {
                            fields = {0, 2};
                        } else if (fields.empty() && format != TensorType::MXFP4) {
                            fields = {0};
                        }
                        for (size_t b = 0; b < w.view.row_bytes; b += traits.block_bytes) {
                            for (const size_t field : fields) {
                                quantizeRow(TensorType::F16, &half, 1, bytes + b + field);
                            }
                            if (format == TensorType::MXFP4) {
                                bytes[b] = std::byte{126};
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
                        const Rounded rounded = roundRows(*table, x.data(), 1, kCols, 0);
                        float y = 0.0F;
                        table->matmulPacked(argsFor(packWeights(w.view), rounded, 1, &y));
                        // Minima may be as large as the products: at most 0.5 * 63 a weight, products at most 0.5 * 63
                        // * 31.
                        const double band =
                            1e-5 * sum +
                            1e-5 * (minimaSum(w.view, x.data(), 0) > 0.0 ? 0.5 * 63 * 32 * 2.0 * kCols : 0.0);
                        QVERIFY2(std::fabs(static_cast<double>(y) - wanted) <= band,
                                 qPrintable(QString("%1 %2 fill %3: %4 instead of %5")
                                                .arg(table->isa, traits.name)
                                                .arg(fill)
                                                .arg(y)
                                                .arg(wanted)));
                    }
                }
            }
        }
    }

    void roundingIsCloseToFloat() {
        // Against the float product: rounding to 8 bits costs about 0.4 % of the length of the product, and not
        // nothing.
        for (const Ops* table : allOps()) {
            for (const TensorType format : kTypes) {
                constexpr int64_t kCols = 2048;
                constexpr int64_t kOuts = 64;
                const Weights w = makeWeights(format, kOuts, kCols, 31, 0);
                const std::vector<float> x = randomFloats(kCols, 32);
                const std::vector<float> floats = asFloats(w.view);
                const Rounded rounded = roundRows(*table, x.data(), 1, kCols, 0);
                std::vector<float> y(kOuts);
                table->matmulPacked(argsFor(packWeights(w.view), rounded, 1, y.data()));
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
                QVERIFY2(relative > 0.001 && relative < 0.02,
                         qPrintable(QString("%1 %2: %3").arg(table->isa, typeTraits(format)->name).arg(relative)));
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
                    const Rounded rounded = roundRows(*table, x.data(), 2, 512, 0);
                    std::vector<float> y(6);
                    table->matmulPacked(argsFor(packWeights(w.view), rounded, 2, y.data()));
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
                    const Rounded rounded = roundRows(*table, x.data(), 1, 256, 0);
                    std::vector<float> y(2, 9.0F);
                    table->matmulPacked(argsFor(packWeights(w.view), rounded, 1, y.data()));
                    QVERIFY(std::fabs(y[0]) < 1e-30F && std::fabs(y[1]) < 1e-30F);
                }
            }
        }
    }

    // The exponent of MXFP4 at its ends: the smallest is subnormal, 255 is NaN.
    void powersOfTwoAtTheirEnds() {
        for (const Ops* table : allOps()) {
            for (const int e : {0, 1, 2, 254, 255}) {
                Weights w = makeWeights(TensorType::MXFP4, 1, 32, 71, 0);
                auto* bytes = const_cast<std::byte*>(w.view.data);
                std::memset(bytes, 0x22, w.view.row_bytes);  // ones
                bytes[0] = static_cast<std::byte>(e);
                const std::vector<float> x(32, 127.0F);
                const Rounded rounded = roundRows(*table, x.data(), 1, 32, 0);
                float y = 0.0F;
                table->matmulPacked(argsFor(packWeights(w.view), rounded, 1, &y));
                const double wanted = std::ldexp(32.0 * 127.0, e - 127);
                if (e == 255) {
                    QVERIFY(std::isnan(y));
                } else if (e == 254) {
                    QVERIFY(std::isinf(y));
                } else {
                    QCOMPARE(static_cast<double>(y), wanted);
                }
            }
        }
    }
};

QTEST_APPLESS_MAIN(TstMatmulPacked)
#include "tst_matmul_packed.moc"
