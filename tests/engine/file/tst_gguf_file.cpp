// The GGUF reader: what it reads, and that a damaged file gives an error which names the fault.
#include <chrono>
#include <fstream>
#include <random>

#include <QTemporaryDir>
#include <QTest>

#include "engine/file/model_file.h"
#include "tests/engine/file/gguf_builder.h"

using namespace quibble;
using test::GgufBytes;

namespace {

Result<std::shared_ptr<const ModelFile>> parse(const std::string& bytes) {
    return ModelFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "test.gguf");
}

// Reads everything a caller could, so that a wrong pointer is touched (and seen by the sanitizers).
std::size_t readAll(const ModelFile& file) {
    std::size_t sum = file.contentHash().size();
    for (const ModelKeyText& row : file.describeKeys()) sum += row.key.size() + row.type.size() + row.value.size();
    for (const ModelTensor& tensor : file.tensors()) {
        for (std::uint64_t i = 0; i < tensor.bytes; ++i) sum += std::to_integer<std::size_t>(tensor.data[i]);
        sum += tensor.elements();
    }
    return sum;
}

}  // namespace

class TestGgufFile : public QObject {
    Q_OBJECT

private slots:
    void values_data() {
        QTest::addColumn<quint32>("version");
        QTest::newRow("version 2") << 2u;
        QTest::newRow("version 3") << 3u;
    }
    void values() {
        QFETCH(quint32, version);
        const std::string bytes = test::completeGguf(version);
        const auto read = parse(bytes);
        QVERIFY2(read.has_value(), read ? "" : read.error().line().c_str());
        const ModelFile& file = **read;
        QCOMPARE(file.format(), "GGUF version " + std::to_string(version));
        QCOMPARE(file.paths(), std::vector<std::string>{"test.gguf"});
        QCOMPARE(file.fileSize(), std::uint64_t{bytes.size()});
        QCOMPARE(file.getString("general.architecture").value(), std::string_view("llama"));
        QCOMPARE(file.getUint("u8").value(), std::uint64_t{200});
        QCOMPARE(file.getInt("i8").value(), std::int64_t{-100});
        QCOMPARE(file.getUint("u16").value(), std::uint64_t{60000});
        QCOMPARE(file.getInt("i16").value(), std::int64_t{-30000});
        QCOMPARE(file.getInt("u32").value(), std::int64_t{4000000000});
        QCOMPARE(file.getFloat("i32").value(), -2e9);
        QCOMPARE(file.getFloat("f32").value(), 1.5);
        QCOMPARE(file.getBool("bool").value(), true);
        QCOMPARE(file.getUint("u64").value(), std::uint64_t{0xFFFFFFFFFFFFFFFFu});
        QVERIFY(!file.getInt("u64"));   // does not fit
        QVERIFY(!file.getUint("i64"));  // negative
        QCOMPARE(file.getInt("i64").value(), std::int64_t{-5});
        QCOMPARE(file.getFloat("f64").value(), 2.25);
        QVERIFY(!file.getUint("missing") && !file.getString("u8") && !file.getBool("u8") &&
                !file.getFloat("general.architecture"));
        QVERIFY(file.getArray("u8") == nullptr);
        const GgufArray* strings = file.getArray("strings");
        QVERIFY(strings != nullptr && strings->size() == 3);
        QCOMPARE(strings->strings()[2], std::string_view("three"));
        QVERIFY(!strings->integer(0) && !strings->number(0));
        const GgufArray* ints = file.getArray("ints");
        QVERIFY(ints != nullptr && ints->size() == 3);
        QCOMPARE(ints->integer(1).value(), std::int64_t{-2});
        QCOMPARE(ints->number(1).value(), -2.0);
        QVERIFY(!ints->integer(3));
        QCOMPARE(file.getArray("floats")->number(1).value(), -0.5);
        QVERIFY(!file.getArray("floats")->integer(0));
        QCOMPARE(file.getArray("empty")->size(), std::size_t{0});
        QCOMPARE(file.describeKeys().size(), std::size_t{17});
        QCOMPARE(file.describeKeys()[13].value, std::string("[\"one\", \"\", \"three\"] (3 x string)"));
        QCOMPARE(file.describeKeys()[13].type, std::string("array of string"));
    }

    void tensors() {
        const std::string bytes = test::completeGguf();
        const auto file = parse(bytes).value();
        QCOMPARE(file->tensors().size(), std::size_t{3});
        const ModelTensor* b = file->tensor("b");
        QVERIFY(b != nullptr);
        QVERIFY(b->type == kernels::TensorType::Q8_0);
        QCOMPARE(b->bytes, std::uint64_t{68});
        QCOMPARE(b->offset % 64, std::uint64_t{0});
        QVERIFY(b->data == reinterpret_cast<const std::byte*>(bytes.data()) + b->offset);
        QCOMPARE(file->tensor("c")->elements(), std::uint64_t{128});
        QCOMPARE(file->tensor("c")->bytes, std::uint64_t{256});
        QCOMPARE(file->tensor("c")->offset + 256, std::uint64_t{bytes.size()});
        QVERIFY(file->tensor("d") == nullptr);
    }

    void hashIsOfHeaderAndSize() {
        const std::string bytes = test::completeGguf();
        const std::string hash = parse(bytes).value()->contentHash();
        QCOMPARE(hash.size(), std::size_t{32});
        std::string other_data = bytes;
        other_data.back() = '\x22';
        QCOMPARE(parse(other_data).value()->contentHash(), hash);
        QVERIFY(parse(bytes + '\0').value()->contentHash() != hash);
        std::string other_header = bytes;
        other_header[other_header.find("llama")] = 'L';
        QVERIFY(parse(other_header).value()->contentHash() != hash);
    }

    // A file cut anywhere before its last byte is refused, and the message says where.
    void truncatedAtEveryByte() {
        const std::string bytes = test::completeGguf();
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const std::string cut = bytes.substr(0, size);
            const auto read = parse(cut);
            QVERIFY2(!read.has_value(), ("cut at " + std::to_string(size)).c_str());
            QVERIFY2(read.error().what.find("byte") != std::string::npos, read.error().what.c_str());
            QVERIFY(read.error().code == ErrorCode::FileCorrupt);
        }
    }

    // Each single flipped bit gives either an error or a file whose every part can be read.
    void everyBitFlipped() {
        const std::string bytes = test::completeGguf();
        int refused = 0;
        std::size_t sum = 0;
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            std::string flipped = bytes;
            flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
            const auto read = parse(flipped);
            if (read) {
                sum += readAll(**read);
            } else {
                QVERIFY(!read.error().what.empty());
                ++refused;
            }
        }
        QVERIFY(sum > 0);
        QVERIFY2(refused > 500, std::to_string(refused).c_str());
    }

    void manyBytesChanged() {
        const std::string bytes = test::completeGguf();
        std::mt19937 random(20261121);
        for (int round = 0; round < 20000; ++round) {
            std::string changed = bytes;
            for (unsigned i = 0, count = 1 + random() % 8; i < count; ++i)
                changed[random() % changed.size()] = static_cast<char>(random() % 4 == 0 ? 0xFF : random());
            if (const auto read = parse(changed)) readAll(**read);
        }
    }

    void faults_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("message");
        const auto row = [](const char* name, const GgufBytes& file, const char* message) {
            QTest::newRow(name) << QByteArray::fromStdString(file.bytes) << message;
        };
        const std::uint64_t huge = std::uint64_t{1} << 60;
        const auto keys = [](std::uint64_t count = 1) { return GgufBytes().header(0, count); };
        const auto one = [](const std::vector<std::uint64_t>& dims, std::uint32_t type, std::uint64_t offset,
                            std::size_t data = 64) {
            return GgufBytes().header(1, 0).tensor("weight", dims, type, offset).pad().data(data);
        };
        row("empty file", GgufBytes(), "needs 4 bytes for the magic number, the file ends after 0");
        row("another format", GgufBytes().text("hello, this is text"), "does not begin with \"GGUF\"");
        row("version 1", GgufBytes().header(0, 0, 1), "format version 1 is not known");
        row("version 4", GgufBytes().header(0, 0, 4), "format version 4 is not known");
        row("big-endian", GgufBytes().header(0, 0, 0x03000000), "big-endian");
        row("absurd tensor count", GgufBytes().header(huge, 0), "claims 1152921504606846976 tensors");
        row("absurd key count", keys(huge), "claims 1152921504606846976 metadata entries");
        row("absurd key length", keys().put(huge).data(64), "needs 1152921504606846976 bytes for the key");
        row("key length 2^64-1", keys().put(~std::uint64_t{0}).data(64), "needs 18446744073709551615 bytes");
        row("empty key", keys().uintKey("", 1).data(8), "the key has 0 bytes");
        row("key not UTF-8", keys().uintKey("a\xff", 1), "not valid UTF-8");
        row("key that a terminal obeys", keys().uintKey("a\x1b[2J", 1), "without control characters: a?[2J");
        row("tensor name that a terminal obeys", GgufBytes().header(1, 0).tensor("w\n", {4}, 0, 0).pad().data(64),
            "without control characters: \"w?\"");
        row("tensors overlap",
            GgufBytes().header(2, 0).tensor("v", {32}, 0, 32).tensor("w", {16}, 0, 0).pad().data(160),
            "tensor v: its bytes overlap those of tensor w");
        row("tensor inside of another",
            GgufBytes()
                .header(3, 0)
                .tensor("u", {4}, 0, 0)
                .tensor("v", {32}, 0, 32)
                .tensor("w", {4}, 0, 64)
                .pad()
                .data(192),
            "tensor w: its bytes overlap those of tensor v");
        row("key twice", keys(2).uintKey("k", 1).uintKey("k", 2), "(k): the key occurs twice");
        row("unknown value type", keys().key("k", 13).data(8), "which is no value type of the format");
        row("boolean 2", keys().key("k", 7).put<std::uint8_t>(2).data(8), "a boolean has the value 2");
        row("boolean array",
            keys().key("k", 9).put<std::uint32_t>(7).put<std::uint64_t>(2).put<std::uint8_t>(1).put<std::uint8_t>(9),
            "holds the value 9");
        row("absurd string", keys().key("k", 8).put(huge).data(8), "for the value");
        row("array of arrays", keys().key("k", 9).put<std::uint32_t>(9).put<std::uint64_t>(1).data(16),
            "an array of arrays");
        row("absurd string array", keys().key("k", 9).put<std::uint32_t>(8).put(huge).data(64),
            "claims 1152921504606846976 strings, the 64 bytes that are left hold 8 at most");
        row("absurd number array", keys().key("k", 9).put<std::uint32_t>(12).put(huge).data(64),
            "claims 1152921504606846976 array elements");
        row("array size overflows", keys().key("k", 9).put<std::uint32_t>(12).put(std::uint64_t{1} << 61).data(64),
            "array elements");
        row("alignment 0", keys().uintKey("general.alignment", 0), "not a power of two");
        row("alignment 48", keys().uintKey("general.alignment", 48), "not a power of two");
        row("alignment 2^31", keys().uintKey("general.alignment", 1u << 31), "not a power of two from 8 to 1048576");
        row("alignment text", keys().stringKey("general.alignment", "32"), "the alignment is \"32\"");
        row("no dimensions", one({}, 0, 0), "has 0 dimensions");
        row("five dimensions", one({1, 1, 1, 1, 1}, 0, 0), "has 5 dimensions");
        row("zero dimension", one({0}, 0, 0), "dimension 0 is 0");
        row("unknown tensor type", one({32}, 77, 0), "tensor weight: tensor type 77 is not known");
        row("internal tensor type", one({32}, 1000, 0), "tensor type 1000 is not known");
        row("half a block", one({33}, 8, 0), "a row of 33 elements is not a whole number of Q8_0 blocks of 32");
        row("product overflows", one({std::uint64_t{1} << 33, std::uint64_t{1} << 33}, 0, 0),
            "the product of its dimensions overflows");
        row("bytes overflow", one({std::uint64_t{1} << 62}, 0, 0), "the product of its dimensions overflows");
        row("beyond the end", one({17}, 0, 0), "end beyond the file");
        row("offset beyond the end", one({16}, 0, huge), "end beyond the file");
        row("offset overflows", one({16}, 0, ~std::uint64_t{0} - 31), "end beyond the file");
        row("offset not aligned", one({4}, 0, 4), "is not a multiple of the alignment 32");
        row("tensor twice", GgufBytes().header(2, 0).tensor("w", {4}, 0, 0).tensor("w", {4}, 0, 32).pad().data(64),
            "the name w occurs twice");
        row("tensor name empty", GgufBytes().header(1, 0).tensor("", {4}, 0, 0).pad().data(64), "the name is empty");
        row("tensor name not UTF-8", GgufBytes().header(1, 0).tensor("\xc0\x80", {4}, 0, 0).pad().data(64),
            "not valid UTF-8");
    }
    void faults() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, message);
        const auto read = parse(bytes.toStdString());
        QVERIFY(!read.has_value());
        QVERIFY2(QString::fromStdString(read.error().what).contains(message), read.error().what.c_str());
        QVERIFY(read.error().what.starts_with("test.gguf: at byte "));
        QVERIFY(!read.error().hint.empty());
    }

    void files() {
        QVERIFY(ModelFile::open("/nonexistent/model.gguf").error().code == ErrorCode::NotFound);
        QVERIFY(ModelFile::open(QUIBBLE_SOURCE_DIR).error().code == ErrorCode::NotFound);
        QTemporaryDir folder;
        const std::filesystem::path path = std::filesystem::path(folder.path().toStdString()) / "model.gguf";
        std::ofstream(path).close();
        QVERIFY(ModelFile::open(path).error().code == ErrorCode::FileCorrupt);
        std::ofstream(path, std::ios::binary) << test::completeGguf();
        const auto read = ModelFile::open(path);
        QVERIFY2(read.has_value(), read ? "" : read.error().line().c_str());
        QCOMPARE((*read)->path(), path.string());
        QVERIFY(readAll(**read) > 0);
    }

    // Every golden model opens; the sizes that its tensors claim fill the file.
    void goldenModels() {
        const std::filesystem::path folder = std::filesystem::path(QUIBBLE_SOURCE_DIR) / "../shared/goldens/models";
        if (!std::filesystem::exists(folder)) QSKIP("../shared/goldens is absent");
        int count = 0;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            const auto read = ModelFile::open(entry.path());
            QVERIFY2(read.has_value(), read ? "" : read.error().line().c_str());
            std::uint64_t end = 0;
            for (const ModelTensor& tensor : (*read)->tensors()) end = std::max(end, tensor.offset + tensor.bytes);
            QVERIFY(end <= (*read)->fileSize() && (*read)->fileSize() - end < 32);
            ++count;
        }
        QVERIFY(count >= 40);
    }

    void largeVocabularyOpensQuickly() {
        const std::filesystem::path path =
            std::filesystem::path(QUIBBLE_SOURCE_DIR) / "tests/golden/vocab/vocab-deepseek-r1-qwen.gguf";
        QVERIFY(ModelFile::open(path).has_value());  // into the page cache
        const auto start = std::chrono::steady_clock::now();
        const auto read = ModelFile::open(path);
        const auto took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
        QVERIFY(read.has_value());
        QCOMPARE((*read)->getArray("tokenizer.ggml.tokens")->size(), std::size_t{151936});
        qInfo("151,936 tokens: %.1f ms", took);
    }
};

QTEST_APPLESS_MAIN(TestGgufFile)
#include "tst_gguf_file.moc"
