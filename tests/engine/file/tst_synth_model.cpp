// Files of random weights: same seed, same bytes; weights of every type spread alike; models of every kind load and
// make finite logits.
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <fstream>
#include <iterator>

#include "engine/file/synth_blocks.h"
#include "engine/file/synth_model.h"
#include "engine/forward/sequence.h"
#include "engine/model/model_cache.h"
#include "kernels/ops.h"

using namespace quibble;

namespace {

std::string contentOf(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

class TestSynthModel : public QObject {
    Q_OBJECT
private slots:
    void everyTypeHasTheSpread() {
        int types = 0;
        for (std::uint32_t number = 0; number < 64; ++number) {
            const auto type = static_cast<kernels::TensorType>(number);
            const kernels::TypeTraits* traits = kernels::typeTraits(number);
            if (traits == nullptr || !canSynthesize(type)) continue;
            ++types;
            constexpr std::size_t kCount = 1 << 16;
            std::vector<std::byte> bytes(kCount / traits->block_elements * traits->block_bytes);
            fillRandomWeights(type, 7, bytes);
            std::vector<float> values(kCount);
            kernels::ops().dequantizeRow(type, bytes.data(), kCount, values.data());
            double sum = 0;
            for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
            const double spread = std::sqrt(sum / kCount);
            QVERIFY2(spread > 0.7 * kSynthSpread && spread < 1.4 * kSynthSpread,
                     qPrintable(QString("%1 spreads by %2").arg(traits->name).arg(spread)));
        }
        QCOMPARE(types, 16);
    }
    void sameSeedSameBytes() {
        const QTemporaryDir folder;
        const auto path = [&](const char* name) { return std::filesystem::path(folder.filePath(name).toStdString()); };
        QVERIFY(writeSynthModel({"gpt-oss-like", "Q4_K_M", 5, 1}, path("a.gguf")));
        QVERIFY(writeSynthModel({"gpt-oss-like", "Q4_K_M", 5, 1}, path("b.gguf")));
        QVERIFY(writeSynthModel({"gpt-oss-like", "Q4_K_M", 6, 1}, path("c.gguf")));
        QVERIFY(contentOf(path("a.gguf")) == contentOf(path("b.gguf")));
        QVERIFY(contentOf(path("a.gguf")) != contentOf(path("c.gguf")));
    }
    void modelsRun_data() {
        QTest::addColumn<QString>("shape");
        QTest::addColumn<QString>("type");
        for (const char* shape : {"olmoe-like", "mixtral-like", "gpt-oss-like"}) {
            for (const char* type : {"Q4_K_M", "Q2_K_M", "MXFP4_MOE", "BF16"})
                QTest::addRow("%s %s", shape, type) << shape << type;
        }
    }
    void modelsRun() {
        QFETCH(QString, shape);
        QFETCH(QString, type);
        const QTemporaryDir folder;
        const std::string path = folder.filePath("model.gguf").toStdString(), shape_id = shape.toStdString(),
                          type_name = type.toStdString();
        const auto written = writeSynthModel({shape_id, type_name, 1, 2}, path);
        QVERIFY2(written, written ? "" : written.error().line().c_str());
        ModelCache cache;
        auto model = cache.get(path, {});
        QVERIFY2(model, model ? "" : model.error().line().c_str());
        CpuDevice device(2);
        auto sequence = Sequence::create(*model, device, 16, Arithmetic::Native);
        QVERIFY2(sequence, sequence ? "" : sequence.error().line().c_str());
        const TokenId tokens[] = {TokenId{1}, TokenId{300}, TokenId{2000}};
        std::vector<float> logits(static_cast<std::size_t>((*model)->config().vocab_size));
        QVERIFY((*sequence)->append(tokens, 1, logits.data()));
        double sum = 0, squares = 0;
        for (const float logit : logits) {
            QVERIFY(std::isfinite(logit));
            sum += static_cast<double>(logit);
            squares += static_cast<double>(logit) * static_cast<double>(logit);
        }
        const auto count = static_cast<double>(logits.size());
        const double spread = std::sqrt(squares / count - sum / count * (sum / count));
        QVERIFY2(spread > 0.05 && spread < 20, qPrintable(QString::number(spread)));
    }
    void refusalsNameWhatIsKnown() {
        const auto shape = writeSynthModel({"bloom", "Q4_0"}, "/nowhere/x.gguf");
        QVERIFY(!shape && shape.error().line().find("gpt-oss-20b") != std::string::npos);
        const auto type = writeSynthModel({"olmoe", "IQ1_S"}, "/nowhere/x.gguf");
        QVERIFY(!type && type.error().line().find("MXFP4_MOE") != std::string::npos);
        QVERIFY(!writeSynthModel({"olmoe", "Q4_0", 1, 17}, "/nowhere/x.gguf"));
    }
};

QTEST_APPLESS_MAIN(TestSynthModel)
#include "tst_synth_model.moc"
