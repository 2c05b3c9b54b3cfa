// Models cut into parts: any part opens the whole, and what is missing or does not fit is named.
#include <QTemporaryDir>
#include <QTest>

#include <cstring>
#include <ostream>

#include "engine/device/cpu/cpu_device.h"
#include "engine/file/gguf/gguf_writer.h"
#include "engine/forward/sequence.h"
#include "engine/model/model.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

struct PartKeys {
    std::uint16_t number = 0, count = 3;
    std::int32_t tensors = 0;
};

// The keys that an F32 llama model of the golden data needs, as the writer takes them.
void copyKeys(const ModelFile& file, GgufWriter& out) {
    for (const ModelKeyText& row : file.describeKeys()) {
        if (row.type == "u32") out.addU32(row.key, static_cast<std::uint32_t>(*file.getUint(row.key)));
        if (row.type == "f32") out.addF32(row.key, static_cast<float>(*file.getFloat(row.key)));
        if (row.type == "bool") out.addBool(row.key, *file.getBool(row.key));
        if (row.type == "string") out.addString(row.key, *file.getString(row.key));
        const GgufArray* array = file.getArray(row.key);
        if (array != nullptr && array->elementType() == GgufType::String) {
            const std::vector<std::string> texts(array->strings().begin(), array->strings().end());
            out.addStrings(row.key, texts);
        } else if (array != nullptr) {
            std::vector<std::int32_t> numbers;
            for (std::size_t i = 0; i < array->size(); ++i)
                numbers.push_back(static_cast<std::int32_t>(*array->integer(i)));
            out.addI32s(row.key, numbers);
        }
    }
}

void copyTensors(const ModelFile& file, GgufWriter& out, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
        const ModelTensor* tensor = &file.tensors()[i];
        out.addTensorStream(tensor->name, tensor->dims, static_cast<std::uint32_t>(tensor->type), tensor->bytes,
                            [tensor](std::ostream& to) {
                                to.write(reinterpret_cast<const char*>(tensor->data),
                                         static_cast<std::streamsize>(tensor->bytes));
                            });
    }
}

}  // namespace

class TestGgufSplit : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    std::filesystem::path whole_ = goldenDirectory() / "models" / "llama-d64-F32.gguf";
    std::shared_ptr<const ModelFile> source_;

    std::filesystem::path part(int number, int count = 3) const {
        return std::filesystem::path(folder_.path().toStdString()) /
               QString::asprintf("model-%05d-of-%05d.gguf", number, count).toStdString();
    }
    // Writes the tensors [begin, end) of the source as one part.
    void write(const std::filesystem::path& path, const PartKeys& keys, std::size_t begin, std::size_t end) const {
        GgufWriter out;
        if (keys.number == 0) copyKeys(*source_, out);
        out.addU16("split.no", keys.number);
        out.addU16("split.count", keys.count);
        out.addI32("split.tensors.count", keys.tensors);
        copyTensors(*source_, out, begin, end);
        const auto fault = out.write(path.string());
        QVERIFY2(!fault, fault.value_or("").c_str());
    }
    void writeAll() const {
        const std::size_t n = source_->tensors().size();
        const auto all = static_cast<std::int32_t>(n);
        write(part(1), {0, 3, all}, 0, n / 3);
        write(part(2), {1, 3, all}, n / 3, n / 3);  // a part may hold no tensor
        write(part(3), {2, 3, all}, n / 3, n);
    }
    static std::vector<float> logitsOf(const std::filesystem::path& path) {
        auto model = Model::load(path, {});
        if (!model) return {};
        CpuDevice device(1);
        auto sequence = Sequence::create(*model, device, 8, Arithmetic::F32);
        const std::vector<TokenId> tokens{1, 2, 3, 40, 50};
        std::vector<float> logits(static_cast<std::size_t>((*model)->config().vocab_size));
        if (!(*sequence)->append(tokens, 1, logits.data())) return {};
        return logits;
    }
    std::string errorOf(const std::filesystem::path& path) const {
        const auto file = ModelFile::open(path);
        return file ? std::string() : file.error().line();
    }
    void expectError(const std::filesystem::path& path, const std::string& first, const std::string& second) const {
        const std::string error = errorOf(path);
        QVERIFY2(error.find(first) != std::string::npos && error.find(second) != std::string::npos, error.c_str());
    }

private slots:
    void initTestCase() {
        auto file = ModelFile::open(whole_);
        QVERIFY2(file, file ? "" : file.error().line().c_str());
        source_ = *file;
    }
    void init() { writeAll(); }

    void anyPartOpensTheWhole() {
        const std::vector<float> expected = logitsOf(whole_);
        QVERIFY(!expected.empty());
        std::string hash;
        for (const int number : {1, 2, 3}) {
            const auto file = ModelFile::open(part(number));
            QVERIFY2(file, file ? "" : file.error().line().c_str());
            QCOMPARE((*file)->path(), part(number).string());
            QCOMPARE((*file)->paths().size(), std::size_t{3});
            QCOMPARE((*file)->format(), std::string("GGUF version 3, 3 parts"));
            QCOMPARE((*file)->tensors().size(), source_->tensors().size());
            QCOMPARE((*file)->fileSize(), static_cast<std::uint64_t>(std::filesystem::file_size(part(1)) +
                                                                     std::filesystem::file_size(part(2)) +
                                                                     std::filesystem::file_size(part(3))));
            for (const ModelTensor& tensor : source_->tensors()) {
                const ModelTensor* found = (*file)->tensor(tensor.name);
                QVERIFY(found != nullptr && found->bytes == tensor.bytes &&
                        std::memcmp(found->data, tensor.data, tensor.bytes) == 0);
            }
            if (number == 1) hash = (*file)->contentHash();
            QCOMPARE((*file)->contentHash(), hash);  // one model, whichever part was named
            const std::vector<float> logits = logitsOf(part(number));
            QVERIFY(logits.size() == expected.size() &&
                    std::memcmp(logits.data(), expected.data(), logits.size() * sizeof(float)) == 0);
        }
        QVERIFY(hash != source_->contentHash());
    }
    void aMissingPartIsNamed() {
        std::filesystem::remove(part(2));
        expectError(part(1), "part 2 of 3", "model-00002-of-00003.gguf");
        expectError(part(3), "part 2 of 3", "one folder");
        std::filesystem::remove(part(1));
        expectError(part(3), "part 1 of 3", "model-00001-of-00003.gguf");
    }
    void aPartInAnotherPlaceIsNamed() {
        std::filesystem::copy_file(part(3), part(2), std::filesystem::copy_options::overwrite_existing);
        expectError(part(1), "model-00002-of-00003.gguf", "says that it is part 3 of 3");
        std::filesystem::copy_file(whole_, part(2), std::filesystem::copy_options::overwrite_existing);
        expectError(part(1), "model-00002-of-00003.gguf", "does not say which part it is");
    }
    void aPartOfAnotherModelIsNamed() {
        write(part(3), {2, 3, 7}, source_->tensors().size() / 3, source_->tensors().size());
        expectError(part(1), "model-00003-of-00003.gguf", "belongs to another model");
    }
    void tensorsThatAreMissingOrTwiceAreNamed() {
        const std::size_t n = source_->tensors().size();
        const auto all = static_cast<std::int32_t>(n);
        write(part(3), {2, 3, all}, n / 3, n - 1);
        expectError(part(1), "split.tensors.count says " + std::to_string(n), "hold " + std::to_string(n - 1));
        write(part(3), {2, 3, all}, n / 3 - 1, n);
        expectError(part(1), source_->tensors()[n / 3 - 1].name, "also in another part");
    }
    void aDamagedPartIsNamed() {
        std::filesystem::resize_file(part(3), std::filesystem::file_size(part(3)) / 2);
        expectError(part(1), "part 3 of 3", "beyond the file");
    }
    void aRenamedPartIsRefused() {
        const std::filesystem::path renamed = std::filesystem::path(folder_.path().toStdString()) / "mine.gguf";
        std::filesystem::copy_file(part(2), renamed, std::filesystem::copy_options::overwrite_existing);
        expectError(renamed, "part 2 of 3", "-00002-of-00003.gguf");
    }
    void contradictoryKeysAreRefused() {
        write(part(1), {0, 60000, 5}, 0, 1);
        expectError(part(1), "contradict", "split.count");
        write(part(1), {4, 3, 5}, 0, 1);
        expectError(part(1), "contradict", "split.no");
        // One part of one is an ordinary file, whatever its name.
        write(part(1), {0, 1, 5}, 0, 1);
        QCOMPARE(errorOf(part(1)), std::string());
    }
};

QTEST_APPLESS_MAIN(TestGgufSplit)
#include "tst_gguf_split.moc"
