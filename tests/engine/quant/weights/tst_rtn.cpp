// Round to nearest on real weights: bits per weight, error that halves with every bit, and the refusals.
#include <QTest>

#include <cmath>

#include "engine/model/model.h"
#include "engine/model/weight_format.h"
#include "kernels/ops.h"
#include "kernels/quantize.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

Result<std::shared_ptr<const Model>> load(const std::string& method) {
    LoadOptions options;
    options.weight_quant = *parseMethodChoice(method);
    return Model::load(shippedModel(), options);
}

// Root mean square of (quantized - stored) over one layer's weights, by multiplying unit vectors.
double error(const Model& quantized, const Model& stored) {
    const Linear& a = quantized.layers()[0].q;
    const Linear& b = stored.layers()[0].q;
    const std::int64_t rows = a.weight.rows, cols = a.weight.cols;
    double sum = 0;
    std::vector<float> unit(static_cast<std::size_t>(cols)), ya(static_cast<std::size_t>(rows)), yb(ya.size());
    for (std::int64_t k = 0; k < cols; ++k) {
        unit[static_cast<std::size_t>(k)] = 1;
        kernels::ops().matmul({a.weight, unit.data(), cols, 1, ya.data(), rows, 0, rows});
        kernels::ops().matmul({b.weight, unit.data(), cols, 1, yb.data(), rows, 0, rows});
        unit[static_cast<std::size_t>(k)] = 0;
        for (std::size_t o = 0; o < ya.size(); ++o)
            sum += std::pow(static_cast<double>(ya[o]) - static_cast<double>(yb[o]), 2);
    }
    return std::sqrt(sum / static_cast<double>(rows * cols));
}

}  // namespace

class TestRtn : public QObject {
    Q_OBJECT
private slots:
    void errorGrowsAsBitsFall() {
        auto stored = load("none");
        QVERIFY2(stored, stored ? "" : stored.error().line().c_str());
        double last = 0;
        for (int bits = 8; bits >= 2; --bits) {
            auto model = load("rtn:bits=" + std::to_string(bits) + ",group=64");
            QVERIFY(model);
            const double now = error(**model, **stored);
            qInfo("%d bits: rms error %.3e", bits, now);
            QVERIFY(now > 1.6 * last);
            last = now;
        }
    }
    void smallerGroupsAreCloser() {
        auto stored = load("none");
        QVERIFY(error(**load("rtn:bits=3,group=32"), **stored) < error(**load("rtn:bits=3,group=256"), **stored));
        QVERIFY(error(**load("rtn:bits=3,group=32,symmetric=0"), **stored) <
                error(**load("rtn:bits=3,group=0,symmetric=0"), **stored));
    }
    void describesItself() {
        auto model = load("rtn:bits=3,group=64");
        QCOMPARE((*model)->weightFormat(), std::string("RTN 3 bit g64"));
        QCOMPARE((*load("rtn:bits=4,group=0,symmetric=0"))->weightFormat(),
                 std::string("RTN 4 bit per row asymmetric"));
        QVERIFY((*model)->bitsPerWeight() < (*load("none"))->bitsPerWeight());
        QVERIFY((*model)->bitsPerWeight() > 3.25);  // embeddings and norms stay as stored
    }
    void refusesWhatItCannotDo() {
        for (const char* method :
             {"rtn:bits=1", "rtn:bits=9", "rtn:bits=3.5", "rtn:group=-1", "rtn:colour=3", "awq:bits=4"}) {
            auto model = load(method);
            QVERIFY2(!model, method);
            QVERIFY(!model.error().hint.empty());
        }
    }
    void quantizesWhatIsQuantizedAgain_data() {
        QTest::addColumn<QString>("format");
        for (const auto& [file, format] : {std::pair{"llama-d64-Q8_0", "Q8_0"},
                                           {"llama-d64-Q4_0", "Q4_0"},
                                           {"llama-d64-Q4_1", "Q4_1"},
                                           {"llama-d64-Q5_0", "Q5_0"},
                                           {"llama-d64-Q5_1", "Q5_1"},
                                           {"llama-d64-IQ4_NL", "IQ4_NL"},
                                           {"llama-d256-IQ4_XS", "IQ4_XS"},
                                           {"llama-d256-Q2_K", "Q2_K"},
                                           {"llama-d256-Q3_K", "Q3_K_S"},
                                           {"qwen3-d256-Q3_K_M", "Q3_K_M"},
                                           {"qwen2-d256-Q4_K", "Q4_K_S"},
                                           {"qwen2-d256-Q4_K_M", "Q4_K_M"},
                                           {"llama-d256-Q5_K", "Q5_K_S"},
                                           {"llama-d256-Q6_K", "Q6_K"},
                                           {"gpt-oss-d128-MXFP4_MOE", "MXFP4_MOE"}}) {
            QTest::newRow(file) << QString::fromLatin1(format);
        }
    }
    // The codes are those of the values that the file stands for, whoever computes which row.
    void quantizesWhatIsQuantizedAgain() {
        QFETCH(QString, format);
        const auto path = goldenDirectory() / "models" / (std::string(QTest::currentDataTag()) + ".gguf");
        LoadOptions options;
        const auto stored = Model::load(path, options);
        QVERIFY2(stored, stored ? "" : stored.error().line().c_str());
        options.weight_quant = *parseMethodChoice("rtn:bits=3,group=64");
        const auto model = Model::load(path, options);
        QVERIFY2(model, model ? "" : model.error().line().c_str());
        QCOMPARE((*stored)->weightFormat(), format.toStdString());
        QCOMPARE((*model)->storedFormat(), format.toStdString());
        QCOMPARE((*model)->weightFormat(), "RTN 3 bit g64 of " + format.toStdString());
        QVERIFY(!(*model)->storedUnquantized());
        const kernels::WeightView from = (*stored)->layers()[0].o.weight, made = (*model)->layers()[0].o.weight;
        QVERIFY(made.type == kernels::TensorType::RtnGroup);
        std::vector<float> values(static_cast<std::size_t>(from.rows * from.cols));
        for (std::int64_t row = 0; row < from.rows; ++row) {
            kernels::ops().dequantizeRow(from.type, from.data + static_cast<std::size_t>(row) * from.row_bytes,
                                         from.cols, values.data() + row * from.cols);
        }
        const auto groups = static_cast<std::size_t>(from.rows * (from.cols / 64));
        std::vector<std::uint8_t> codes(values.size());
        std::vector<float> scale(groups), zero(groups);
        kernels::rtnQuantize(values.data(), from.rows, from.cols, {.bits = 3, .group = 64, .symmetric = true},
                             codes.data(), scale.data(), zero.data());
        QVERIFY(std::equal(codes.begin(), codes.end(), made.rtn.codes));
        QVERIFY(std::equal(scale.begin(), scale.end(), made.rtn.scale));
        QVERIFY(std::equal(zero.begin(), zero.end(), made.rtn.zero));
    }
    // The writer's name of a mixture counts only where the weights are such a mixture.
    void namesFollowTheWeights() {
        QCOMPARE(storedFormatName({{"Q4_K", 900}, {"Q6_K", 100}}, 15), std::string("Q4_K_M"));
        QCOMPARE(storedFormatName({{"Q4_K", 900}, {"Q6_K", 100}}, std::nullopt), std::string("Q4_K, Q6_K"));
        QCOMPARE(storedFormatName({{"Q4_K", 1000}}, 15), std::string("Q4_K"));  // made "pure"
        QCOMPARE(storedFormatName({{"Q8_0", 1000}}, 15), std::string("Q8_0"));  // the key of an ancestor
        QCOMPARE(storedFormatName({{"BF16", 900}, {"Q8_0", 100}}, 32), std::string("BF16, Q8_0"));
        QCOMPARE(storedFormatName({}, 15), std::string());
        const WeightQuantizer* rtn = *findWeightQuantizer(*parseMethodChoice("rtn"));
        const MethodChoice three = *parseMethodChoice("rtn:bits=3,group=64");
        QCOMPARE(weightFormatName("BF16, F32", rtn, three), std::string("RTN 3 bit g64"));
        QCOMPARE(weightFormatName("BF16, Q8_0", rtn, three), std::string("RTN 3 bit g64 of BF16, Q8_0"));
        QCOMPARE(weightFormatName("Q4_K_M", nullptr, {}), std::string("Q4_K_M"));
    }
    void saysWhichRowHoldsNoNumber() {
        constexpr std::int64_t kRows = 200, kCols = 64;
        std::vector<float> weights(kRows * kCols, 0.5F);
        weights[static_cast<std::size_t>(150 * kCols)] = weights[static_cast<std::size_t>(77 * kCols + 3)] =
            std::nanf("");
        kernels::WeightView view{};
        view.type = kernels::TensorType::F32;
        view.rows = kRows, view.cols = kCols, view.row_bytes = kCols * sizeof(float);
        view.data = reinterpret_cast<const std::byte*>(weights.data());
        const MethodChoice choice = *parseMethodChoice("rtn:bits=3,group=64");
        ThreadPool pool(4);
        for (ThreadPool* workers : {static_cast<ThreadPool*>(nullptr), &pool}) {
            const auto made = (*findWeightQuantizer(choice))->quantize({view, "blk.0.ffn_up.weight", workers}, choice);
            QVERIFY(!made);
            QVERIFY2(made.error().what.find("row 77") != std::string::npos, made.error().what.c_str());
        }
    }
};

QTEST_APPLESS_MAIN(TestRtn)
#include "tst_rtn.moc"
