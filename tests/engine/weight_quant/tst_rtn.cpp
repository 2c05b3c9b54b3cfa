// Round to nearest on real weights: bits per weight, error that halves with every bit, and the refusals.
#include <QTest>

#include <cmath>

#include "engine/model/model.h"
#include "kernels/ops.h"
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
        for (std::size_t o = 0; o < ya.size(); ++o) sum += std::pow(static_cast<double>(ya[o]) - static_cast<double>(yb[o]), 2);
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
        QVERIFY(error(**load("rtn:bits=3,group=32,symmetric=0"), **stored) < error(**load("rtn:bits=3,group=0,symmetric=0"), **stored));
    }
    void describesItself() {
        auto model = load("rtn:bits=3,group=64");
        QCOMPARE((*model)->weightFormat(), std::string("RTN 3 bit g64"));
        QCOMPARE((*load("rtn:bits=4,group=0,symmetric=0"))->weightFormat(), std::string("RTN 4 bit per row asymmetric"));
        QVERIFY((*model)->bitsPerWeight() < (*load("none"))->bitsPerWeight());
        QVERIFY((*model)->bitsPerWeight() > 3.25);  // embeddings and norms stay as stored
    }
    void refusesWhatItCannotDo() {
        for (const char* method : {"rtn:bits=1", "rtn:bits=9", "rtn:bits=3.5", "rtn:group=-1", "rtn:colour=3", "awq:bits=4"}) {
            auto model = load(method);
            QVERIFY2(!model, method);
            QVERIFY(!model.error().hint.empty());
        }
        LoadOptions options;
        options.weight_quant = *parseMethodChoice("rtn:bits=3");
        auto already = Model::load(goldenDirectory() / "models" / "llama-d64-Q8_0.gguf", options);
        QVERIFY(!already);
        QVERIFY(already.error().what.find("already quantized") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestRtn)
#include "tst_rtn.moc"
