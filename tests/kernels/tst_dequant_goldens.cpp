// Blocks to floats and floats to blocks, exactly as in the golden files (tests/golden/dequant/README.md), and the
// traits of the types.
#include "tests/kernels/kernel_cases.h"

#include "kernels/formats/half.h"

#include <QDir>
#include <QFile>
#include <QTest>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

QByteArray golden(const QString& name) {
    QFile file(QStringLiteral(QUIBBLE_SOURCE_DIR "/tests/golden/dequant/") + name);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

std::vector<float> goldenFloats(const QString& name) {
    const QByteArray bytes = golden(name);
    std::vector<float> values(static_cast<size_t>(bytes.size()) / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
}

}  // namespace

class TstDequantGoldens : public QObject {
    Q_OBJECT

private slots:
    void blocksToFloats_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("type");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const TensorType type : readableTypes()) {
                if (type != TensorType::F32) {
                    QTest::addRow("%s/%s", allOps()[v]->isa, typeTraits(type)->name)
                        << static_cast<qint64>(v) << static_cast<qint64>(type);
                }
            }
        }
    }
    void blocksToFloats() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        const auto format = static_cast<TensorType>(type);
        const TypeTraits& traits = *typeTraits(format);
        const QByteArray blocks = golden(QString("%1.blocks.bin").arg(traits.name));
        const std::vector<float> wanted = goldenFloats(QString("%1.floats.f32").arg(traits.name));
        QVERIFY(!wanted.empty());
        QCOMPARE(static_cast<size_t>(blocks.size()) / traits.block_bytes * traits.block_elements, wanted.size());
        for (const size_t offset : {0, 1}) {
            Shifted<std::byte> source(static_cast<size_t>(blocks.size()), offset);
            std::memcpy(source.data(), blocks.data(), static_cast<size_t>(blocks.size()));
            std::vector<float> got(wanted.size());
            allOps()[static_cast<size_t>(variant)]->dequantizeRow(format, source.data(),
                                                                  static_cast<int64_t>(got.size()), got.data());
            for (size_t i = 0; i < got.size(); ++i) {
                // Equal as numbers: the sign of a zero is nobody's business.
                QVERIFY2(got[i] == wanted[i] || (std::isnan(got[i]) && std::isnan(wanted[i])),
                         qPrintable(QString("weight %1: %2 instead of %3").arg(i).arg(got[i]).arg(wanted[i])));
            }
        }
    }

    void floatsToBlocks_data() {
        QTest::addColumn<qint64>("type");
        for (const TensorType type : {TensorType::BF16, TensorType::Q8_0, TensorType::Q4_0, TensorType::Q4_1,
                                      TensorType::Q5_0, TensorType::Q5_1, TensorType::MXFP4}) {
            QTest::addRow("%s", typeTraits(type)->name) << static_cast<qint64>(type);
        }
    }
    void floatsToBlocks() {
        QFETCH(qint64, type);
        const auto format = static_cast<TensorType>(type);
        const TypeTraits& traits = *typeTraits(format);
        const std::vector<float> in = goldenFloats(QString("%1.quantize_in.f32").arg(traits.name));
        const QByteArray wanted = golden(QString("%1.quantize_out.bin").arg(traits.name));
        QVERIFY(!in.empty());
        QByteArray got(static_cast<qsizetype>(in.size() / traits.block_elements * traits.block_bytes), '\0');
        quantizeRow(format, in.data(), static_cast<int64_t>(in.size()), reinterpret_cast<std::byte*>(got.data()));
        QCOMPARE(got.size(), wanted.size());
        for (qsizetype i = 0; i < got.size(); ++i) {
            QVERIFY2(
                got[i] == wanted[i],
                qPrintable(QString("byte %1 of block %2").arg(i % traits.block_bytes).arg(i / traits.block_bytes)));
        }
    }

    // No golden file lies there without being compared.
    void everyFileIsCompared() {
        int files = 0;
        for (const QString& name :
             QDir(QStringLiteral(QUIBBLE_SOURCE_DIR "/tests/golden/dequant")).entryList({"*.bin", "*.f32"})) {
            ++files;
            const auto type = std::find_if(readableTypes().begin(), readableTypes().end(), [&](TensorType one) {
                return name.startsWith(QString("%1.").arg(typeTraits(one)->name));
            });
            QVERIFY2(type != readableTypes().end(), qPrintable(name));
            QVERIFY2(!name.contains("quantize_") || canQuantize(*type), qPrintable(name));
        }
        QVERIFY(files >= 64);
    }

    // Every one of the 65,536 halves there and back; rounding to nearest even between neighbours.
    void halvesAreExact() {
        for (uint32_t bits = 0; bits < 0x10000U; ++bits) {
            const auto half = static_cast<uint16_t>(bits);
            const float value = f16ToF32(half);
            if (std::isnan(value)) {
                QVERIFY(std::isnan(f16ToF32(f32ToF16(value))));
                continue;
            }
            QCOMPARE(f32ToF16(value), half);
            const uint32_t magnitude = bits & 0x7FFFU;
            const double wanted = magnitude == 0x7C00U ? INFINITY
                                  : magnitude < 0x400U ? std::ldexp(magnitude, -24)
                                                       : std::ldexp((magnitude & 0x3FFU) | 0x400U,
                                                                    static_cast<int>(magnitude >> 10) - 25);
            QCOMPARE(std::fabs(static_cast<double>(value)), wanted);
            if (magnitude < 0x7BFFU) {
                const float next = f16ToF32(static_cast<uint16_t>(bits + 1));
                const float middle = (value + next) / 2.0F;
                const auto even = static_cast<uint16_t>((bits & 1U) == 0 ? bits : bits + 1);
                QCOMPARE(f32ToF16(middle), even);
                QCOMPARE(f32ToF16(std::nextafter(middle, value)), half);
                QCOMPARE(f32ToF16(std::nextafter(middle, next)), static_cast<uint16_t>(bits + 1));
            }
        }
        QCOMPARE(f32ToF16(65519.9F), uint16_t{0x7BFF});
        QCOMPARE(f32ToF16(65520.0F), uint16_t{0x7C00});
        QCOMPARE(f32ToF16(-1e30F), uint16_t{0xFC00});
        QCOMPARE(f32ToF16(1e-30F), uint16_t{0});
        QCOMPARE(f32ToBf16(1.00390625F), uint16_t{0x3F80});  // halfway: to even
        QCOMPARE(f32ToBf16(1.01171875F), uint16_t{0x3F82});
        QVERIFY(std::isnan(bf16ToF32(f32ToBf16(std::nanf("")))));
        QCOMPARE(bf16ToF32(f32ToBf16(-INFINITY)), -INFINITY);
    }

    void traits() {
        QCOMPARE(typeTraits(9999U), nullptr);
        QCOMPARE(typeTraits(4U), nullptr);     // Q4_2, long gone
        QCOMPARE(typeTraits(1000U), nullptr);  // RtnGroup is not a file type
        QCOMPARE(QString(typeTraits(12U)->name), QString("Q4_K"));
        QCOMPARE(typeTraits(12U)->block_bytes, 144U);
        for (const TensorType type : readableTypes()) {
            QVERIFY(typeTraits(type)->readable);
        }
    }
};

QTEST_APPLESS_MAIN(TstDequantGoldens)
#include "tst_dequant_goldens.moc"
