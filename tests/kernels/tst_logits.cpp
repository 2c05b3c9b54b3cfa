// Entropy, log-sum-exp, argmax and divergence of logit rows.
#include "tests/kernels/kernel_cases.h"

#include <QTest>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

const std::vector<int64_t> kLengths = {1, 2, 7, 15, 16, 17, 31, 33, 257, 1000, 50257};

bool close(double got, double wanted, double band) { return std::fabs(got - wanted) <= band; }

}  // namespace

class TstLogits : public QObject {
    Q_OBJECT

private slots:
    void agreesWithReference_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("length");
        QTest::addColumn<double>("sigma");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const int64_t length : kLengths) {
                for (const double sigma : {0.01, 3.0, 60.0}) {
                    QTest::addRow("%s/n%lld/sigma%g", allOps()[v]->isa, static_cast<long long>(length), sigma)
                        << static_cast<qint64>(v) << static_cast<qint64>(length) << sigma;
                }
            }
        }
    }
    void agreesWithReference() {
        QFETCH(qint64, variant);
        QFETCH(qint64, length);
        QFETCH(double, sigma);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        const Ops& reference = *allOps()[0];
        const auto n = static_cast<size_t>(length);
        const Shifted<float> p(randomFloats(n, 1, static_cast<float>(sigma)), 1);
        const Shifted<float> q(randomFloats(n, 2, static_cast<float>(sigma)), 3);
        LogitStats got;
        LogitStats wanted;
        LogitStats of_q;
        table.logitStats(p.data(), length, &got);
        reference.logitStats(p.data(), length, &wanted);
        QCOMPARE(got.max, wanted.max);
        QCOMPARE(got.argmax, wanted.argmax);
        QVERIFY(close(got.log_sum_exp, wanted.log_sum_exp, 1e-9 * (1.0 + std::fabs(wanted.log_sum_exp))));
        QVERIFY(close(got.entropy, wanted.entropy, 1e-9 * (1.0 + wanted.entropy)));
        QVERIFY(close(got.varentropy, wanted.varentropy, 1e-9 * (1.0 + wanted.varentropy)));
        table.logitStats(q.data(), length, &of_q);
        const double kl = table.klDivergence(p.data(), got.log_sum_exp, q.data(), of_q.log_sum_exp, length);
        const double wanted_kl = reference.klDivergence(p.data(), got.log_sum_exp, q.data(), of_q.log_sum_exp, length);
        const double largest = 4.0 * sigma;
        QVERIFY2(close(kl, wanted_kl, 1e-9 * (1.0 + wanted_kl) + 1e-11 * largest),
                 qPrintable(QString("%1 instead of %2").arg(kl).arg(wanted_kl)));
        QVERIFY(kl >= -1e-11 * (1.0 + largest));
        QCOMPARE(table.klDivergence(p.data(), got.log_sum_exp, p.data(), got.log_sum_exp, length), 0.0);
    }

    void byEye() {
        // Uniform over 4: entropy ln 4, no variance. One half, one quarter twice: 1.5 ln 2.
        for (const Ops* table : allOps()) {
            const float uniform[4] = {7.0F, 7.0F, 7.0F, 7.0F};
            LogitStats stats;
            table->logitStats(uniform, 4, &stats);
            QVERIFY(close(stats.entropy, std::log(4.0), 1e-12));
            QVERIFY(close(stats.varentropy, 0.0, 1e-12));
            QVERIFY(close(stats.log_sum_exp, 7.0 + std::log(4.0), 1e-12));
            QCOMPARE(stats.argmax, 0);  // the first of equals
            const auto quarter = static_cast<float>(-std::log(2.0));
            const float halves[3] = {quarter, 0.0F, quarter};
            table->logitStats(halves, 3, &stats);
            QVERIFY(close(stats.entropy, 1.5 * std::log(2.0), 1e-7));
            QVERIFY(close(stats.varentropy, 0.25 * std::log(2.0) * std::log(2.0), 1e-7));
            QCOMPARE(stats.argmax, 1);
            // KL of (1/2, 1/4, 1/4) against uniform: ln 3 - 1.5 ln 2
            const double kl = table->klDivergence(halves, stats.log_sum_exp, uniform, 7.0 + std::log(3.0), 3);
            QVERIFY(close(kl, std::log(3.0) - 1.5 * std::log(2.0), 1e-7));
        }
    }

    // A tiny perturbation has the divergence that theory gives, eps^2 times half the variance of the direction: not
    // lost in rounding, not negative.
    void smallDivergences() {
        constexpr size_t kN = 20000;
        const std::vector<float> p = randomFloats(kN, 5, 2.0F);
        for (const Ops* table : allOps()) {
            std::vector<float> q = p;
            for (size_t i = 0; i < kN; ++i) {
                q[i] += (i % 2 == 0 ? 1.0F : -1.0F) * 0x1p-10F;
            }
            LogitStats sp;
            LogitStats sq;
            table->logitStats(p.data(), kN, &sp);
            table->logitStats(q.data(), kN, &sq);
            const double kl = table->klDivergence(p.data(), sp.log_sum_exp, q.data(), sq.log_sum_exp, kN);
            QVERIFY2(kl > 0.45 * 0x1p-20 && kl < 0.55 * 0x1p-20, qPrintable(QString::number(kl)));
        }
    }

    void maskedTokens() {
        for (const Ops* table : allOps()) {
            std::vector<float> p = randomFloats(100, 6);
            std::vector<float> q = randomFloats(100, 7);
            for (const size_t i : {0, 15, 16, 50, 99}) {
                p[i] = -INFINITY;
            }
            LogitStats sp;
            LogitStats sq;
            table->logitStats(p.data(), 100, &sp);
            table->logitStats(q.data(), 100, &sq);
            QVERIFY(std::isfinite(sp.entropy) && std::isfinite(sp.varentropy));
            const double kl = table->klDivergence(p.data(), sp.log_sum_exp, q.data(), sq.log_sum_exp, 100);
            QVERIFY(std::isfinite(kl) && kl > 0.0);
            QCOMPARE(table->klDivergence(p.data(), sp.log_sum_exp, p.data(), sp.log_sum_exp, 100), 0.0);
            // q forbids what p allows: infinitely far
            QCOMPARE(table->klDivergence(q.data(), sq.log_sum_exp, p.data(), sp.log_sum_exp, 100),
                     static_cast<double>(INFINITY));
        }
    }

    void badRows() {
        for (const Ops* table : allOps()) {
            for (const size_t at : {0, 5, 16, 39}) {
                for (const float bad : {std::nanf(""), INFINITY}) {
                    std::vector<float> z = randomFloats(40, 8);
                    z[at] = bad;
                    LogitStats stats;
                    table->logitStats(z.data(), 40, &stats);
                    QVERIFY(std::isnan(stats.log_sum_exp) && std::isnan(stats.entropy) &&
                            std::isnan(stats.varentropy) && std::isnan(stats.max));
                    QCOMPARE(stats.argmax, -1);
                    const std::vector<float> good = randomFloats(40, 9);
                    QVERIFY(std::isnan(bad) == std::isnan(table->klDivergence(good.data(), 1.0, z.data(), 1.0, 40)) ||
                            std::isinf(bad));
                }
            }
            const std::vector<float> masked(40, -INFINITY);
            LogitStats stats;
            table->logitStats(masked.data(), 40, &stats);
            QVERIFY(std::isnan(stats.log_sum_exp) && stats.argmax == -1);
            table->logitStats(nullptr, 0, &stats);
            QVERIFY(std::isnan(stats.log_sum_exp) && stats.argmax == -1);
        }
    }

    void vectorTablesAgreeBitForBit() {
        const auto tables = allOps();
        if (tables.size() < 3) {
            QSKIP("needs two vector tables");
        }
        const std::vector<float> p = randomFloats(10001, 10, 4.0F);
        const std::vector<float> q = randomFloats(10001, 11, 4.0F);
        LogitStats a;
        LogitStats b;
        tables[1]->logitStats(p.data(), 10001, &a);
        tables[2]->logitStats(p.data(), 10001, &b);
        QVERIFY(a.log_sum_exp == b.log_sum_exp && a.entropy == b.entropy && a.varentropy == b.varentropy);
        const double kl_a = tables[1]->klDivergence(p.data(), a.log_sum_exp, q.data(), 14.0, 10001);
        QVERIFY(kl_a == tables[2]->klDivergence(p.data(), a.log_sum_exp, q.data(), 14.0, 10001));
    }
};

QTEST_APPLESS_MAIN(TstLogits)
#include "tst_logits.moc"
