#include <QTest>

#include <cmath>
#include <limits>

#include "engine/metrics/statistics.h"
#include "engine/values/check.h"

using namespace quibble;

namespace {
using Values = std::vector<double>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
bool near(double a, double b, double tolerance = 1e-12) { return std::abs(a - b) <= tolerance; }
}  // namespace

class TestStatistics : public QObject {
    Q_OBJECT
private slots:
    void meanSkipsWhatIsNotFinite() {
        QCOMPARE(mean(Values{1.0, kNan, 3.0, kInf}).value(), 2.0);
        QVERIFY(!mean(std::vector<double>{}));
        QVERIFY(!mean(Values{kNan}));
    }
    void meanLosesNothing() { QCOMPARE(mean(Values{1e16, 1.0, 1.0, -1e16}).value(), 0.5); }

    void ranks() {
        QCOMPARE(averageRanks(Values{10.0, 20.0, 10.0, 30.0, 10.0}), (Values{2.0, 4.0, 2.0, 5.0, 2.0}));
        QCOMPARE(averageRanks(std::vector<double>{}), std::vector<double>{});
    }
    void spearmanByHand() {
        // Ranks 1 2 3 4 5 against 2 1 4 3 5: 1 - 6 * 4 / (5 * 24) = 0.8.
        QVERIFY(near(spearman(Values{1.0, 2, 3, 4, 5}, Values{0.2, 0.1, 0.4, 0.3, 9}).value(), 0.8));
        // Ties: ranks 1.5 1.5 3 4 against 1 2 3 4. Pearson: 4.5 / sqrt(4.5 * 5) = 0.9486832980505138.
        QVERIFY(near(spearman(Values{1.0, 1, 2, 3}, Values{1.0, 2, 3, 4}).value(), 0.9486832980505138));
        QVERIFY(near(spearman(Values{1.0, 2, 3}, Values{-1.0, -8, -27}).value(), -1));
    }
    void spearmanLeavesOutPairs() {
        QVERIFY(near(spearman(Values{1.0, kNan, 2, 3, 5}, Values{1.0, 0, 2, 3, kInf}).value(), 1));
        QVERIFY(!spearman(Values{1.0, kNan}, Values{1.0, 2.0}));
        QVERIFY(!spearman(Values{1.0, 2, 3}, Values{4.0, 4, 4}));
        QVERIFY_EXCEPTION_THROWN((void)spearman(Values{1.0}, Values{1.0, 2.0}), ContractError);
    }

    void quantilesByHand() {
        const std::vector values{4.0, 1.0, kNan, 3.0, 2.0};
        QCOMPARE(quantile(values, 0).value(), 1.0);
        QCOMPARE(quantile(values, 1).value(), 4.0);
        QCOMPARE(quantile(values, 0.5).value(), 2.5);
        QVERIFY(near(quantile(values, 0.25).value(), 1.75));
        QVERIFY(near(quantile(values, 0.9).value(), 3.7));
        QCOMPARE(quantile(Values{7.0}, 0.3).value(), 7.0);
        QVERIFY(!quantile(std::vector<double>{}, 0.5));
        QCOMPARE(quantiles(values, Values{0.0, 0.5, 1.0}), (Values{1.0, 2.5, 4.0}));
        QVERIFY_EXCEPTION_THROWN((void)quantile(values, 1.5), ContractError);
    }

    void wilson() {
        // 8 of 10: centre (0.8 + z^2/20) / (1 + z^2/10), published value [0.4902, 0.9433].
        const Interval some = wilsonInterval(8, 10);
        QVERIFY(near(some.low, 0.4901625, 1e-6));
        QVERIFY(near(some.high, 0.9433178, 1e-6));
        const Interval none = wilsonInterval(0, 10);
        QCOMPARE(none.low, 0.0);
        QVERIFY(near(none.high, kZ95 * kZ95 / (10 + kZ95 * kZ95)));  // z^2 / (n + z^2)
        const Interval all = wilsonInterval(10, 10);
        QCOMPARE(all.high, 1.0);
        QVERIFY(near(all.low, 10 / (10 + kZ95 * kZ95)));
        QCOMPARE(wilsonInterval(0, 0), (Interval{0, 1}));
        QVERIFY_EXCEPTION_THROWN((void)wilsonInterval(3, 2), ContractError);
    }

    void percentile() {
        std::vector<double> values;
        for (int i = 0; i <= 100; ++i) values.push_back(100 - i);
        const Interval middle = percentileInterval(values, 0.9).value();
        QVERIFY(near(middle.low, 5, 1e-9));
        QVERIFY(near(middle.high, 95, 1e-9));
        QVERIFY(!percentileInterval(std::vector<double>{}));
    }
    void bootstrap() {
        std::vector<double> values;
        for (int i = 0; i < 400; ++i) values.push_back(i % 2);
        const Interval interval = bootstrapMeanInterval(values, 7).value();
        // Standard error of the mean: 0.5 / sqrt(400) = 0.025; 1.96 of them each side, within the noise of 2000
        // resamples.
        QVERIFY(near(interval.low, 0.451, 0.008));
        QVERIFY(near(interval.high, 0.549, 0.008));
        QCOMPARE(bootstrapMeanInterval(values, 7).value(), interval);
        QVERIFY(bootstrapMeanInterval(values, 8).value() != interval);
        QCOMPARE(bootstrapMeanInterval(Values{3.0, 3.0}, 1).value(), (Interval{3, 3}));
    }
};

QTEST_APPLESS_MAIN(TestStatistics)
#include "tst_statistics.moc"
