// What the writer writes, the reader reads.
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <cstring>

#include "engine/file/gguf/gguf_writer.h"
#include "engine/file/model_file.h"

using namespace quibble;

namespace {

// Exact value of a half, by the definition of the format.
double valueOfHalf(std::uint16_t half) {
    const int exponent = (half >> 10) & 31;
    const int mantissa = half & 1023;
    const double size = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    return (half & 0x8000) != 0 ? -size : size;
}

}  // namespace

class TestGgufWriter : public QObject {
    Q_OBJECT

private slots:
    void keysComeBack() {
        GgufWriter writer;
        writer.addU8("u8", 200);
        writer.addI8("i8", -100);
        writer.addU16("u16", 60000);
        writer.addI16("i16", -30000);
        writer.addU32("u32", 4000000000U);
        writer.addI32("i32", -2000000000);
        writer.addU64("u64", 0xFFFFFFFFFFFFFFFFULL);
        writer.addI64("i64", -5000000000LL);
        writer.addF32("f32", 0.1F);
        writer.addF64("f64", 0.1);
        writer.addBool("yes", true);
        writer.addBool("no", false);
        writer.addString("text", "caf\xC3\xA9");
        writer.addStrings("texts", std::vector<std::string>{"a", "", "b c"});
        writer.addI32s("numbers", std::vector<std::int32_t>{1, -2});
        const std::string bytes = writer.bytes();
        const auto file = ModelFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "made");
        QVERIFY2(file.has_value(), file ? "" : file.error().line().c_str());
        const ModelFile& f = **file;
        QCOMPARE(f.format(), std::string("GGUF version 3"));
        QCOMPARE(f.getUint("u8").value(), std::uint64_t{200});
        QCOMPARE(f.getInt("i8").value(), std::int64_t{-100});
        QCOMPARE(f.getUint("u16").value(), std::uint64_t{60000});
        QCOMPARE(f.getInt("i16").value(), std::int64_t{-30000});
        QCOMPARE(f.getUint("u32").value(), std::uint64_t{4000000000U});
        QCOMPARE(f.getInt("i32").value(), std::int64_t{-2000000000});
        QCOMPARE(f.getUint("u64").value(), std::uint64_t{0xFFFFFFFFFFFFFFFFULL});
        QCOMPARE(f.getInt("i64").value(), std::int64_t{-5000000000LL});
        QCOMPARE(f.getFloat("f32").value(), static_cast<double>(0.1F));
        QCOMPARE(f.getFloat("f64").value(), 0.1);
        QCOMPARE(f.getBool("yes").value(), true);
        QCOMPARE(f.getBool("no").value(), false);
        QCOMPARE(f.getString("text").value(), std::string_view("caf\xC3\xA9"));
        QVERIFY(f.getArray("texts") != nullptr && f.getArray("numbers") != nullptr);
    }

    void tensorsComeBack() {
        GgufWriter writer;
        const std::vector<float> five{1.0F, -2.5F, 3.0F, 65504.0F, 0.1F};
        const std::vector<float> six{1, 2, 3, 4, 5, 6};
        writer.addTensorF16("half", std::vector<std::uint64_t>{5}, five);
        writer.addTensorF32("full", std::vector<std::uint64_t>{3, 2}, six);
        const std::string bytes = writer.bytes();
        const auto file = ModelFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "made");
        QVERIFY2(file.has_value(), file ? "" : file.error().line().c_str());
        const ModelTensor* full = (*file)->tensor("full");
        QVERIFY(full != nullptr);
        QCOMPARE(full->dims, (std::vector<std::uint64_t>{3, 2}));
        QCOMPARE(full->offset % 32, std::uint64_t{0});
        QCOMPARE(std::memcmp(full->data, six.data(), 24), 0);
        const ModelTensor* half = (*file)->tensor("half");
        QVERIFY(half != nullptr);
        QCOMPARE(half->bytes, std::uint64_t{10});
        for (std::size_t i = 0; i < five.size(); ++i) {
            std::uint16_t bits = 0;
            std::memcpy(&bits, half->data + 2 * i, 2);
            QVERIFY(std::abs(valueOfHalf(bits) - static_cast<double>(five[i])) <=
                    std::abs(static_cast<double>(five[i])) / 2048.0);
        }
    }

    void wrongTensorsAreNamed() {
        const QTemporaryDir folder;
        GgufWriter writer;
        writer.addTensorF32("blk.0.attn_q.weight", std::vector<std::uint64_t>{2, 2}, std::vector<float>{1, 2, 3});
        const auto error = writer.write((folder.path() + "/a.gguf").toStdString());
        QVERIFY(error.has_value());
        QVERIFY(error->find("blk.0.attn_q.weight") != std::string::npos);
        QVERIFY(!QFile::exists(folder.path() + "/a.gguf"));
    }

    void unwritableFoldersAreNamed() {
        const auto error = GgufWriter().write("/nowhere/at/all/a.gguf");
        QVERIFY(error.has_value());
        QVERIFY(error->find("/nowhere/at/all/a.gguf") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestGgufWriter)
#include "tst_gguf_writer.moc"
