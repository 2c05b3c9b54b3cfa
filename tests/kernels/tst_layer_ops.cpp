// Norm, rotation, gates and sum of every table against the reference.
#include "tests/kernels/kernel_cases.h"

#include <QTest>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

const std::vector<int64_t> kLengths = {1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 128, 255, 256, 257, 4096};

void closeTo(double got, double wanted, double band) {
    if (!(std::fabs(got - wanted) <= band)) {
        QFAIL(qPrintable(QString("%1 instead of %2, band %3").arg(got, 0, 'g', 12).arg(wanted, 0, 'g', 12).arg(band)));
    }
}

}  // namespace

class TstLayerOps : public QObject {
    Q_OBJECT

private:
    static void variantTimesLength(const std::vector<int64_t>& lengths) {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("length");
        QTest::addColumn<qint64>("offset");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const int64_t length : lengths) {
                for (const size_t offset : {0, 1, 3}) {
                    QTest::addRow("%s/n%lld/off%zu", allOps()[v]->isa, static_cast<long long>(length), offset)
                        << static_cast<qint64>(v) << static_cast<qint64>(length) << static_cast<qint64>(offset);
                }
            }
        }
    }

private slots:
    void rmsNorm_data() { variantTimesLength(kLengths); }
    void rmsNorm() {
        QFETCH(qint64, variant);
        QFETCH(qint64, length);
        QFETCH(qint64, offset);
        const auto n = static_cast<size_t>(length);
        const auto shift = static_cast<size_t>(offset);
        Shifted<float> x(randomFloats(n, 1), shift);
        const Shifted<float> gain(randomFloats(n, 2), shift);
        std::vector<float> wanted(n);
        allOps()[0]->rmsNorm(x.data(), gain.data(), length, 1e-6F, wanted.data());
        Shifted<float> y(n, shift);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        table.rmsNorm(x.data(), gain.data(), length, 1e-6F, y.data());
        for (size_t i = 0; i < n; ++i) {
            const double w = static_cast<double>(wanted[i]);
            closeTo(static_cast<double>(y[i]), w, 2e-6 * std::fabs(w) + 1e-30);
        }
        table.rmsNorm(x.data(), gain.data(), length, 1e-6F, x.data());  // in place
        const std::string difference = firstDifference(x.data(), y.data(), n);
        QVERIFY2(difference.empty(), difference.c_str());
    }

    void rope_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("rot");
        QTest::addColumn<bool>("adjacent");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const int64_t rot : {0, 2, 6, 14, 16, 18, 32, 34, 64, 80, 128}) {
                for (const bool adjacent : {false, true}) {
                    QTest::addRow("%s/rot%lld/%s", allOps()[v]->isa, static_cast<long long>(rot),
                                  adjacent ? "adjacent" : "halves")
                        << static_cast<qint64>(v) << static_cast<qint64>(rot) << adjacent;
                }
            }
        }
    }
    void rope() {
        QFETCH(qint64, variant);
        QFETCH(qint64, rot);
        QFETCH(bool, adjacent);
        const int64_t dim = rot + 5;
        const auto n = static_cast<size_t>(dim);
        std::vector<float> cos(n);
        std::vector<float> sin(n);
        for (size_t i = 0; i < n; ++i) {
            cos[i] = static_cast<float>(std::cos(0.37 * static_cast<double>(i + 1)));
            sin[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i + 1)));
        }
        const std::vector<float> before = randomFloats(n, 3);
        for (const size_t shift : {0, 1}) {
            Shifted<float> x(before, shift);
            std::vector<float> wanted = before;
            allOps()[0]->rope(wanted.data(), dim, rot, cos.data(), sin.data(), adjacent);
            allOps()[static_cast<size_t>(variant)]->rope(x.data(), dim, rot, cos.data(), sin.data(), adjacent);
            for (int64_t i = 0; i < rot; ++i) {
                const int64_t other = adjacent ? i ^ 1 : (i + rot / 2) % rot;
                const double size = std::fabs(static_cast<double>(before[static_cast<size_t>(i)])) +
                                    std::fabs(static_cast<double>(before[static_cast<size_t>(other)]));
                closeTo(static_cast<double>(x[static_cast<size_t>(i)]),
                        static_cast<double>(wanted[static_cast<size_t>(i)]), 2e-7 * size);
            }
            for (int64_t i = rot; i < dim; ++i) {
                QVERIFY(sameBits(x[static_cast<size_t>(i)], before[static_cast<size_t>(i)]));
            }
        }
    }
    void ropeByEye() {
        // A quarter turn takes (1, 2) to (-2, 1).
        const float cos = 0.0F;
        const float sin = 1.0F;
        for (const Ops* table : allOps()) {
            for (const bool adjacent : {false, true}) {
                float x[3] = {1.0F, 2.0F, 3.0F};
                table->rope(x, 3, 2, &cos, &sin, adjacent);
                QCOMPARE(x[0], -2.0F);
                QCOMPARE(x[1], 1.0F);
                QCOMPARE(x[2], 3.0F);
            }
        }
    }

    void swiGlu_data() { variantTimesLength(kLengths); }
    void swiGlu() {
        QFETCH(qint64, variant);
        QFETCH(qint64, length);
        QFETCH(qint64, offset);
        const auto n = static_cast<size_t>(length);
        const auto shift = static_cast<size_t>(offset);
        const Shifted<float> gate(randomFloats(n, 4, 10.0F), shift);
        const Shifted<float> up(randomFloats(n, 5), shift);
        std::vector<float> wanted(n);
        allOps()[0]->swiGlu(gate.data(), up.data(), length, wanted.data());
        Shifted<float> y(n, shift);
        allOps()[static_cast<size_t>(variant)]->swiGlu(gate.data(), up.data(), length, y.data());
        for (size_t i = 0; i < n; ++i) {
            const double w = static_cast<double>(wanted[i]);
            closeTo(static_cast<double>(y[i]), w,
                    1e-6 * std::fabs(w) + 1e-30 * std::fabs(static_cast<double>(up.data()[i])));
        }
    }
    void swiGluAtTheEnds() {
        const std::vector<float> gate = {0.0F,   50.0F,  100.0F,   3e38F,  INFINITY,     -50.0F,
                                         -87.0F, -89.0F, -1000.0F, -3e38F, std::nanf("")};
        const std::vector<float> up(gate.size(), 1.0F);
        for (const Ops* table : allOps()) {
            std::vector<float> y(gate.size());
            table->swiGlu(gate.data(), up.data(), static_cast<int64_t>(gate.size()), y.data());
            QCOMPARE(y[0], 0.0F);
            QCOMPARE(y[1], 50.0F);
            QCOMPARE(y[2], 100.0F);
            QCOMPARE(y[3], 3e38F);
            QCOMPARE(y[4], INFINITY);
            for (size_t i = 5; i < 10; ++i) {
                QVERIFY2(y[i] <= 0.0F && y[i] > -1e-19F, table->isa);
            }
            QVERIFY(std::isnan(y[10]));
        }
    }

    void swiGluClamped_data() { variantTimesLength(kLengths); }
    void swiGluClamped() {
        QFETCH(qint64, variant);
        QFETCH(qint64, length);
        QFETCH(qint64, offset);
        const auto n = static_cast<size_t>(length);
        const auto shift = static_cast<size_t>(offset);
        Shifted<float> gate(randomFloats(n, 4, 6.0F), shift);
        const Shifted<float> up(randomFloats(n, 5, 6.0F), shift);
        std::vector<float> wanted(n);
        allOps()[0]->swiGluClamped(gate.data(), up.data(), length, 1.702F, 7.0F, wanted.data());
        Shifted<float> y(n, shift);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        table.swiGluClamped(gate.data(), up.data(), length, 1.702F, 7.0F, y.data());
        for (size_t i = 0; i < n; ++i) {
            const double w = static_cast<double>(wanted[i]);
            const double exponent = 1.702 * std::fabs(std::min(static_cast<double>(gate.data()[i]), 7.0));
            closeTo(static_cast<double>(y[i]), w, (1e-6 + 1.2e-7 * exponent) * std::fabs(w) + 8e-30);
        }
        table.swiGluClamped(gate.data(), up.data(), length, 1.702F, 7.0F, gate.data());  // in place
        const std::string difference = firstDifference(gate.data(), y.data(), n);
        QVERIFY2(difference.empty(), difference.c_str());
    }
    void swiGluClampedByEye() {
        // sigmoid(0.5 * 2) = 0.7310586; what lies beyond the limit counts as the limit.
        const std::vector<float> gate = {2.0F, 50.0F, INFINITY, 2.0F, 2.0F, 0.0F, -1000.0F, std::nanf(""), 1.0F};
        const std::vector<float> up = {3.0F, 0.0F, 0.0F, 50.0F, -INFINITY, 3.0F, 3.0F, 1.0F, std::nanf("")};
        for (const Ops* table : allOps()) {
            std::vector<float> y(gate.size());
            table->swiGluClamped(gate.data(), up.data(), static_cast<int64_t>(gate.size()), 0.5F, 4.0F, y.data());
            closeTo(static_cast<double>(y[0]), 2.0 * 0.731058578630005 * 4.0, 1e-5);
            closeTo(static_cast<double>(y[1]), 4.0 * 0.880797077977882, 1e-5);
            QVERIFY(sameBits(y[1], y[2]));
            closeTo(static_cast<double>(y[3]), 2.0 * 0.731058578630005 * 5.0, 1e-5);
            closeTo(static_cast<double>(y[4]), 2.0 * 0.731058578630005 * -3.0, 1e-5);
            QCOMPARE(y[5], 0.0F);
            QVERIFY(y[6] <= 0.0F && y[6] > -1e-19F);
            QVERIFY(std::isnan(y[7]) && std::isnan(y[8]));
        }
    }

    void add_data() { variantTimesLength(kLengths); }
    void add() {
        QFETCH(qint64, variant);
        QFETCH(qint64, length);
        QFETCH(qint64, offset);
        const auto n = static_cast<size_t>(length);
        const auto shift = static_cast<size_t>(offset);
        Shifted<float> a(randomFloats(n, 6), shift);
        const Shifted<float> b(randomFloats(n, 7), shift);
        std::vector<float> wanted(n);
        allOps()[0]->add(a.data(), b.data(), length, wanted.data());
        allOps()[static_cast<size_t>(variant)]->add(a.data(), b.data(), length, a.data());
        const std::string difference = firstDifference(a.data(), wanted.data(), n);
        QVERIFY2(difference.empty(), difference.c_str());
    }

    // All vector tables give the same bits, so that a run repeats on another machine.
    void vectorTablesAgreeBitForBit() {
        const auto tables = allOps();
        const Ops& a = *tables.back();
        constexpr size_t kN = 333;
        const std::vector<float> x = randomFloats(kN, 11, 5.0F);
        const std::vector<float> y = randomFloats(kN, 12);
        std::vector<float> from_a(kN);
        std::vector<float> from_b(kN);
        const auto same = [&] { return firstDifference(from_a.data(), from_b.data(), kN); };
        for (const Ops* table : tables.subspan(1)) {
            const Ops& b = *table;
            a.rmsNorm(x.data(), y.data(), kN, 1e-5F, from_a.data());
            b.rmsNorm(x.data(), y.data(), kN, 1e-5F, from_b.data());
            QCOMPARE(same(), std::string());
            a.swiGlu(x.data(), y.data(), kN, from_a.data());
            b.swiGlu(x.data(), y.data(), kN, from_b.data());
            QCOMPARE(same(), std::string());
            for (const bool adjacent : {false, true}) {
                from_a = from_b = x;
                a.rope(from_a.data(), kN, 90, y.data(), x.data(), adjacent);
                b.rope(from_b.data(), kN, 90, y.data(), x.data(), adjacent);
                QCOMPARE(same(), std::string());
            }
            a.swiGluClamped(x.data(), y.data(), kN, 1.702F, 7.0F, from_a.data());
            b.swiGluClamped(x.data(), y.data(), kN, 1.702F, 7.0F, from_b.data());
            QCOMPARE(same(), std::string());
        }
    }
};

QTEST_APPLESS_MAIN(TstLayerOps)
#include "tst_layer_ops.moc"
