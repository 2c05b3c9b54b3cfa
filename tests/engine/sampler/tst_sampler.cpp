#include <QTest>

#include <cmath>
#include <map>

#include "engine/sampler/noise.h"
#include "engine/sampler/sampler.h"

using namespace quibble;

class TestSampler : public QObject {
    Q_OBJECT
private slots:
    // Known answers of Philox4x32-10 (Random123 distribution, kat_vectors).
    void philoxKnownAnswers() {
        const auto zero = philox4x32({0, 0, 0, 0}, {0, 0});
        QCOMPARE(zero[0], 0x6627e8d5U);
        QCOMPARE(zero[1], 0xe169c58dU);
        QCOMPARE(zero[2], 0xbc57ac4cU);
        QCOMPARE(zero[3], 0x9b00dbd8U);
        const auto ones = philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff});
        QCOMPARE(ones[0], 0x408f276dU);
        QCOMPARE(ones[1], 0x41c83b0eU);
        QCOMPARE(ones[2], 0xa20bc7c6U);
        QCOMPARE(ones[3], 0x6d5451fdU);
    }
    void noiseIsUniformAndBounded() {
        double sum = 0, lowest = 1, highest = 0;
        for (int i = 0; i < 100000; ++i) {
            const double u = uniformNoise(42, i / 100, i % 100);
            sum += u;
            lowest = std::min(lowest, u);
            highest = std::max(highest, u);
        }
        QVERIFY(lowest > 0 && highest < 1);
        QVERIFY(std::abs(sum / 100000 - 0.5) < 0.005);
        QVERIFY(uniformNoise(1, 5, 7) != uniformNoise(2, 5, 7));
        QVERIFY(uniformNoise(std::uint64_t{1} << 40, 5, 7) != uniformNoise(0, 5, 7));
    }
    void ceilingIsNeverBelowTheNoise() {
        for (const std::uint64_t k :
             {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 51, std::uint64_t{1} << 52,
              (std::uint64_t{1} << 53) - 2, (std::uint64_t{1} << 53) - 1}) {
            const double u = (static_cast<double>(k) + 0.5) * 0x1p-53;
            if (u < 1) QVERIFY2(gumbelCeiling(u) >= gumbelOf(u), qPrintable(QString::number(u, 'g', 17)));
        }
        for (int power = 1; power <= 53; ++power) {
            const double u = 1 - std::ldexp(1.0, -power);
            QVERIFY2(gumbelCeiling(u) >= gumbelOf(u), qPrintable(QString::number(u, 'g', 17)));
        }
        for (TokenId id = 0; id < 20'000; ++id) {
            const double u = uniformNoise(5, 3, id);
            QVERIFY2(gumbelCeiling(u) >= gumbelOf(u) && gumbelCeiling(u) < gumbelOf(u) + 6,
                     qPrintable(QString::number(u, 'g', 17)));
        }
    }

    // What choose() skips for its ceiling must not be the winner.
    void choiceIsTheLargestSum() {
        Sampler sampler;
        SamplerSettings settings;
        settings.top_p = 1;
        for (const double spread : {0.0, 0.5, 3.0, 12.0}) {
            for (Position pos = 0; pos < 60; ++pos) {
                std::vector<float> logits(3000);
                for (std::size_t i = 0; i < logits.size(); ++i)
                    logits[i] = static_cast<float>(spread * gumbelNoise(99, pos, static_cast<TokenId>(i)));
                settings.temperature = 0.6 + 0.1 * (pos % 5);
                const double largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
                TokenId winner = 0;
                double most = -1e300;
                for (std::size_t i = 0; i < logits.size(); ++i) {
                    const double sum = (static_cast<double>(logits[i]) - largest) / settings.temperature +
                                       gumbelNoise(7, pos, static_cast<TokenId>(i));
                    if (sum > most) {
                        most = sum;
                        winner = static_cast<TokenId>(i);
                    }
                }
                QCOMPARE(sampler.choose(logits, settings, 7, pos), winner);
            }
        }
    }

    void greedyTakesTheLowestIdOfATie() {
        Sampler sampler;
        const std::vector<float> logits{1, 3, 3, 2};
        QCOMPARE(sampler.choose(logits, {.temperature = 0}, 1, 0), 1);
        QCOMPARE(sampler.choose(logits, {.temperature = 1, .top_k = 1}, 1, 0), 1);
    }
    // Frequencies against the softmax with a chi-square test: 11 tokens, 10 degrees of freedom, 99.99 % point 35.6.
    void drawsFollowTheDistribution_data() {
        QTest::addColumn<double>("temperature");
        QTest::newRow("0.6") << 0.6;
        QTest::newRow("1") << 1.0;
        QTest::newRow("2") << 2.0;
    }
    void drawsFollowTheDistribution() {
        QFETCH(double, temperature);
        std::vector<float> logits;
        for (int i = 0; i < 11; ++i) logits.push_back(static_cast<float>(std::sin(i * 1.7) * 2));
        std::vector<double> p;
        double total = 0;
        for (const float z : logits) p.push_back(std::exp(static_cast<double>(z) / temperature));
        for (const double x : p) total += x;
        std::vector<int> counts(11);
        Sampler sampler;
        const int draws = 40000;
        for (int i = 0; i < draws; ++i) {
            ++counts[static_cast<std::size_t>(sampler.choose(logits, {.temperature = temperature, .top_p = 1}, 7, i))];
        }
        double chi = 0;
        for (std::size_t i = 0; i < 11; ++i) {
            const double expected = draws * p[i] / total;
            chi += (counts[i] - expected) * (counts[i] - expected) / expected;
        }
        QVERIFY2(chi < 35.6, qPrintable(QString::number(chi)));
    }
    void filtersKeepWhatTheyName() {
        Sampler sampler;
        const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.15F), std::log(0.05F)};
        const auto seen = [&](const SamplerSettings& settings) {
            std::map<TokenId, int> counts;
            for (int i = 0; i < 4000; ++i) ++counts[sampler.choose(logits, settings, 3, i)];
            return counts;
        };
        QCOMPARE(seen({.temperature = 1, .top_p = 1}).size(), std::size_t{4});
        QCOMPARE(seen({.temperature = 1, .top_k = 2, .top_p = 1}).size(), std::size_t{2});
        QCOMPARE(seen({.temperature = 1, .top_p = 0.79}).size(), std::size_t{2});  // 0.5 + 0.3 reaches it
        QCOMPARE(seen({.temperature = 1, .top_p = 0.81}).size(), std::size_t{3});
        QCOMPARE(seen({.temperature = 1, .top_p = 0.4}).size(), std::size_t{1});  // the largest always stays
        QCOMPARE(seen({.temperature = 1, .top_p = 1, .min_p = 0.25}).size(), std::size_t{3});  // 0.15 >= 0.25 * 0.5
        QCOMPARE(seen({.temperature = 1, .top_k = 3, .top_p = 0.6}).size(), std::size_t{2});   // 0.5 / 0.95 < 0.6
    }
    // Lowering one logit can only move the outcome away from that token: all other noise is shared.
    void noiseIsSharedWhenALogitChanges() {
        Sampler sampler;
        std::vector<float> logits{0, 0.1F, 0.2F, 0.3F, 0.4F};
        int moved = 0;
        for (int pos = 0; pos < 2000; ++pos) {
            const TokenId before = sampler.choose(logits, {.temperature = 1, .top_p = 1}, 11, pos);
            std::vector<float> lowered = logits;
            lowered[2] -= 3;
            const TokenId after = sampler.choose(lowered, {.temperature = 1, .top_p = 1}, 11, pos);
            if (before != 2)
                QCOMPARE(after, before);
            else if (after != 2)
                ++moved;
        }
        QVERIFY(moved > 200);
    }
    void settingsOutOfRangeAreNamed() {
        QVERIFY(checkSampler({}));
        const SamplerSettings bad[] = {{.temperature = -1}, {.temperature = std::nan("")},
                                       {.top_k = -1},       {.top_p = 0},
                                       {.top_p = 1.1},      {.min_p = 1}};
        for (const SamplerSettings& settings : bad) {
            const auto checked = checkSampler(settings);
            QVERIFY(!checked);
            QVERIFY(!checked.error().hint.empty());
        }
    }
};

QTEST_APPLESS_MAIN(TestSampler)
#include "tst_sampler.moc"
