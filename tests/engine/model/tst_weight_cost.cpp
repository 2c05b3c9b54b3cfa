// What the weights of a model take in memory is known before they are loaded, and more than there is refused with
// numbers.
#include <QTemporaryDir>
#include <QTest>

#include "engine/model/model_cache.h"
#include "engine/model/weight_cost.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

constexpr std::int64_t kGigabyte = 1'000'000'000;

std::filesystem::path golden(const char* name) { return goldenDirectory() / "models" / name; }

RandomShape q8() {
    RandomShape shape;
    shape.type = kernels::TensorType::Q8_0;
    shape.vocab = 64;
    return shape;
}

LoadOptions withMemory(std::optional<std::int64_t> bytes) {
    LoadOptions options;
    options.free_memory = [bytes] { return bytes; };
    return options;
}

}  // namespace

class TestWeightCost : public QObject {
    Q_OBJECT

private slots:
    void countsWhatLoadingOwns_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("quant");
        QTest::addColumn<bool>("packed");
        for (const char* name : {"qwen2-d256-Q4_K_M.gguf", "qwen3moe-d64-Q8_0.gguf", "gpt-oss-d128-MXFP4_MOE.gguf",
                                 "llama-d64-F16.gguf"}) {
            QTest::addRow("%s", name) << name << "none" << true;
            QTest::addRow("%s, f32", name) << name << "none" << false;
        }
        QTest::addRow("quantized") << "llama-d64-F32.gguf"
                                   << "rtn:bits=4,group=32" << true;
        QTest::addRow("quantized by rows") << "llama-d64-F32.gguf"
                                           << "rtn:bits=3,group=0" << true;
    }
    void countsWhatLoadingOwns() {
        QFETCH(QString, name);
        QFETCH(QString, quant);
        QFETCH(bool, packed);
        LoadOptions options;
        options.packed = packed;
        options.weight_quant = *parseMethodChoice(quant.toStdString());
        const auto model = Model::load(golden(qPrintable(name)), options);
        QVERIFY2(model, model ? "" : model.error().line().c_str());
        const WeightCost cost = weightCost(*(*model)->file(), options, *findWeightQuantizer(options.weight_quant));
        const auto owned = static_cast<double>((*model)->ownedBytes()),
                   expected = static_cast<double>(cost.packed + cost.made);
        // Routers keep their form, and small matrices are rounded up to pages.
        QVERIFY2(std::abs(owned - expected) <= 0.02 * owned,
                 qPrintable(QString("%1 owned, %2 expected").arg(owned).arg(expected)));
        std::int64_t stored = 0;
        for (const ModelTensor& tensor : (*model)->file()->tensors()) stored += static_cast<std::int64_t>(tensor.bytes);
        QVERIFY(cost.in_place > 0 &&
                cost.in_place <= stored - static_cast<std::int64_t>((*model)->replacedBytes()) +
                                     static_cast<std::int64_t>((*model)->embedding().row_bytes *
                                                               static_cast<std::size_t>((*model)->embedding().rows)));
    }

    void whatDoesNotFitIsRefusedWithNumbers() {
        const QTemporaryDir directory;
        const std::filesystem::path path = directory.path().toStdString() + "/large.gguf";
        largerThanMemory(q8()).write(path);
        const auto refused = Model::load(path, withMemory(20 * kGigabyte));
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, ErrorCode::DoesNotFit);
        const std::string line = refused.error().line();
        for (const char* part :
             {"large.gguf: the weights take 54.8 GB (packed 54.8 GB, ", "and 20.0 GB of memory are free", "fewer bits"})
            QVERIFY2(line.find(part) != std::string::npos, line.c_str());
        // Floats stay in the file, but have to be in memory to be of use.
        RandomShape floats = q8();
        floats.type = kernels::TensorType::F16;
        largerThanMemory(floats).write(path);
        const auto in_place = Model::load(path, withMemory(20 * kGigabyte));
        QVERIFY(!in_place &&
                in_place.error().line().find("read where they lie in the file 103 GB") != std::string::npos);
        LoadOptions halves = withMemory(20 * kGigabyte);
        halves.weight_quant = *parseMethodChoice("rtn:bits=4,group=64");
        const auto quantized = Model::load(path, halves);
        QVERIFY(!quantized && quantized.error().line().find("made anew 58.0 GB") != std::string::npos);
    }

    void whatFitsOrIsNotCheckedLoads() {
        const QTemporaryDir directory;
        const std::filesystem::path path = directory.path().toStdString() + "/small.gguf";
        makeRandomModel(q8()).write(path);
        const WeightCost cost = weightCost(**ModelFile::open(path), {}, nullptr);
        QVERIFY(Model::load(path, withMemory(cost.bytes())).has_value());
        QVERIFY(!Model::load(path, withMemory(cost.bytes() - 1)).has_value());
        QVERIFY(Model::load(path, withMemory(std::nullopt)).has_value());
        qputenv("QUIBBLE_IGNORE_MEMORY", "1");
        QVERIFY(!memoryLimit().has_value());
        qputenv("QUIBBLE_IGNORE_MEMORY", "0");
        QCOMPARE(memoryLimit().has_value(), availableMemoryBytes().has_value());
        qunsetenv("QUIBBLE_IGNORE_MEMORY");
    }

    void modelsThatNobodyUsesMakeRoom() {
        const QTemporaryDir directory;
        const std::string folder = directory.path().toStdString();
        for (const char* name : {"/a.gguf", "/b.gguf", "/c.gguf"}) makeRandomModel(q8()).write(folder + name);
        ModelCache cache(4);
        const auto used = cache.get(folder + "/a.gguf", {}).value();
        const std::weak_ptr<const Model> unused = cache.get(folder + "/b.gguf", {}).value();
        QVERIFY(!unused.expired());
        const auto room = [&] { return std::optional<std::int64_t>(unused.expired() ? kGigabyte : 10); };
        LoadOptions options;
        options.free_memory = room;
        QVERIFY(cache.get(folder + "/c.gguf", options).has_value());
        QVERIFY(unused.expired());
        QVERIFY(cache.get(folder + "/a.gguf", withMemory(0)).value() == used);
    }
};

QTEST_APPLESS_MAIN(TestWeightCost)
#include "tst_weight_cost.moc"
