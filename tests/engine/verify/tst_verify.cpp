// Verify rules: what is exact is exact in distribution (chi-square over many seeds), a rule that is wrong on purpose is
// caught by the same test, and matching gives the text of plain decoding.
#include <QTest>

#include <array>
#include <cmath>

#include "engine/verify/verify_method.h"

using namespace quibble;

namespace {

constexpr std::size_t kVocab = 6;
using Logits = std::array<float, kVocab>;
constexpr Logits kTarget{1.2F, 0.1F, -0.7F, 0.9F, -1.5F, 0.3F};
constexpr Logits kDraft{-0.4F, 1.0F, 0.2F, 1.1F, -0.3F, -2.0F};
constexpr int kRuns = 40000;

// Upper 0.1 % points of chi-square by degrees of freedom: the seeds are fixed, so the test cannot flake.
constexpr std::array kCritical{0.0, 10.83, 13.82, 16.27, 18.47, 20.52};

double chiSquare(const std::array<int, kVocab>& counts, const TokenDistribution& expected) {
    double total = 0;
    for (std::size_t id = 0; id < kVocab; ++id) {
        const double mean = probabilityOf(expected, static_cast<TokenId>(id)) * kRuns;
        if (mean == 0) {
            if (counts[id] != 0) return 1e9;  // a token that the target never gives
            continue;
        }
        const double off = counts[id] - mean;
        total += off * off / mean;
    }
    return total;
}

double critical(const TokenDistribution& expected) { return kCritical[expected.size() - 1]; }

TokenId outcomeToken(const VerifyOutcome& outcome, const VerifyTask& task) {
    return outcome.accepted < 0
               ? outcome.own
               : task.tree->tokens[static_cast<std::size_t>(task.children[static_cast<std::size_t>(outcome.accepted)])];
}

// Counts what a rule puts at one position over many seeds. `grow` makes the children for a seed.
template <typename Grow, typename Decide>
std::array<int, kVocab> tally(const SamplerSettings& settings, const Grow& grow, const Decide& decide) {
    std::array<int, kVocab> counts{};
    Sampler sampler;
    const MethodChoice choice{"rule", {}};
    for (int run = 0; run < kRuns; ++run) {
        const DraftTree tree = grow(static_cast<std::uint64_t>(run));
        std::vector<std::int32_t> children;
        for (std::size_t i = 0; i < tree.size(); ++i) children.push_back(static_cast<std::int32_t>(i));
        const VerifyTask task{&tree, children, kTarget, &sampler, settings, static_cast<std::uint64_t>(run),
                              17,    &choice};
        ++counts[static_cast<std::size_t>(outcomeToken(decide(task), task))];
    }
    return counts;
}

DraftTree drawnChild(const SamplerSettings& settings, std::uint64_t seed) {
    Sampler sampler;
    DraftTree tree;
    TokenDistribution q = sampler.distribution(kDraft, settings);
    const TokenId id = drawToken(q, seed, 17, NoiseStream::Draft);
    const auto prob = static_cast<float>(probabilityOf(q, id));
    tree.add(id, -1, prob, std::move(q));
    return tree;
}

DraftTree chosenChildren(std::uint64_t) {
    DraftTree tree;
    for (const TokenId id : {3, 1, 5}) tree.add(id, -1, 0.3F);
    return tree;
}

// The mistake that is easily made: a refused token is replaced by a draw from p instead of from what is left of it.
VerifyOutcome wrongRule(const VerifyTask& task) {
    VerifyOutcome outcome = verify::kRejection.decide(task);
    if (outcome.accepted < 0)
        outcome.own =
            drawToken(task.sampler->distribution(task.logits, task.settings), task.seed, task.pos, NoiseStream::Sample);
    return outcome;
}

}  // namespace

class TestVerify : public QObject {
    Q_OBJECT

private slots:
    void rejectionIsExact_data() {
        QTest::addColumn<double>("temperature");
        QTest::addColumn<double>("top_p");
        QTest::addColumn<int>("top_k");
        QTest::newRow("plain") << 1.0 << 1.0 << 0;
        QTest::newRow("cool") << 0.6 << 1.0 << 0;
        QTest::newRow("nucleus") << 0.8 << 0.9 << 0;
        QTest::newRow("top 3") << 1.3 << 1.0 << 3;
    }

    void rejectionIsExact() {
        QFETCH(double, temperature);
        QFETCH(double, top_p);
        QFETCH(int, top_k);
        const SamplerSettings settings{temperature, top_k, top_p, 0};
        Sampler sampler;
        const TokenDistribution expected = sampler.distribution(kTarget, settings);
        const auto drawn = [&](std::uint64_t seed) { return drawnChild(settings, seed); };
        const double chain = chiSquare(tally(settings, drawn, verify::kRejection.decide), expected);
        QVERIFY2(chain < critical(expected), qPrintable(QString::number(chain)));
        const double tree = chiSquare(tally(settings, chosenChildren, verify::kRejection.decide), expected);
        QVERIFY2(tree < critical(expected), qPrintable(QString::number(tree)));
    }

    void aWrongRuleIsCaught() {
        const SamplerSettings settings{1, 0, 1, 0};
        Sampler sampler;
        const TokenDistribution expected = sampler.distribution(kTarget, settings);
        const auto drawn = [&](std::uint64_t seed) { return drawnChild(settings, seed); };
        QVERIFY(chiSquare(tally(settings, drawn, wrongRule), expected) > 10 * critical(expected));
        // A lossy rule is not exact either.
        const MethodChoice typical{"typical", {{"epsilon", 0.05}, {"delta", 0.2}}};
        const auto lossy = [&](VerifyTask task) {
            task.choice = &typical;
            return verify::kTypical.decide(task);
        };
        QVERIFY(chiSquare(tally(settings, drawn, lossy), expected) > 10 * critical(expected));
    }

    void rejectionAcceptsAsOftenAsTheDistributionsOverlap() {
        const SamplerSettings settings{1, 0, 1, 0};
        Sampler sampler;
        const TokenDistribution p = sampler.distribution(kTarget, settings), q = sampler.distribution(kDraft, settings);
        double overlap = 0;
        for (const TokenProbability& token : p) overlap += std::min(token.p, probabilityOf(q, token.id));
        int accepted = 0;
        const auto counting = [&](const VerifyTask& task) {
            VerifyOutcome outcome = verify::kRejection.decide(task);
            accepted += outcome.accepted >= 0 ? 1 : 0;
            return outcome;
        };
        (void)tally(
            settings, [&](std::uint64_t seed) { return drawnChild(settings, seed); }, counting);
        QVERIFY(std::abs(static_cast<double>(accepted) / kRuns - overlap) <
                4 * std::sqrt(overlap * (1 - overlap) / kRuns));
    }

    void matchIsThePlainChoice() {
        for (const SamplerSettings& settings :
             {SamplerSettings{0, 0, 1, 0}, SamplerSettings{0.7, 0, 0.95, 0}, SamplerSettings{1, 2, 1, 0.1}}) {
            Sampler sampler;
            const MethodChoice choice{"match", {}};
            int accepted = 0;
            for (std::uint64_t seed = 0; seed < 500; ++seed) {
                const DraftTree tree = chosenChildren(seed);
                const std::array<std::int32_t, 3> children{0, 1, 2};
                const VerifyTask task{&tree, children, kTarget, &sampler, settings, seed, 17, &choice};
                const VerifyOutcome outcome = verify::kMatch.decide(task);
                QCOMPARE(outcomeToken(outcome, task), sampler.choose(kTarget, settings, seed, 17));
                QCOMPARE(outcome.tests.size(),
                         outcome.accepted < 0 ? std::size_t{3} : static_cast<std::size_t>(outcome.accepted) + 1);
                accepted += outcome.accepted >= 0 ? 1 : 0;
            }
            QVERIFY(settings.temperature == 0 ? accepted == 0
                                              : accepted > 0);  // token 0 is the largest, and was not drafted
        }
    }

    void greedyRejectionIsMatching() {
        const SamplerSettings greedy{0, 0, 1, 0};
        Sampler sampler;
        const MethodChoice choice{"rejection", {}};
        for (const TokenId id : {0, 3}) {
            DraftTree tree;
            tree.add(id, -1, 0.5F);
            const std::array<std::int32_t, 1> children{0};
            const VerifyTask task{&tree, children, kTarget, &sampler, greedy, 5, 17, &choice};
            const VerifyOutcome outcome = verify::kRejection.decide(task);
            QCOMPARE(outcome.accepted, id == 0 ? 0 : -1);
            QCOMPARE(outcomeToken(outcome, task), TokenId{0});
        }
    }

    void distributionIsWhatChooseDrawsFrom() {
        for (const SamplerSettings& settings :
             {SamplerSettings{1, 0, 1, 0}, SamplerSettings{0.6, 0, 0.9, 0}, SamplerSettings{1.5, 4, 1, 0.2}}) {
            Sampler sampler;
            const TokenDistribution expected = sampler.distribution(kTarget, settings);
            double sum = 0;
            for (const TokenProbability& token : expected) sum += token.p;
            QVERIFY(std::abs(sum - 1) < 1e-12);
            std::array<int, kVocab> counts{};
            for (int run = 0; run < kRuns; ++run)
                ++counts[static_cast<std::size_t>(
                    sampler.choose(kTarget, settings, static_cast<std::uint64_t>(run), 3))];
            QVERIFY(chiSquare(counts, expected) < critical(expected));
        }
    }

    void registryRefusesWhatItDoesNotKnow() {
        QVERIFY(findVerifyMethod({"match", {}}));
        QVERIFY(!findVerifyMethod({"none", {}}));
        QVERIFY(!findVerifyMethod({"typical", {{"epsilon", 7}}}));
        QVERIFY(!findVerifyMethod({"match", {{"epsilon", 0.1}}}));
    }
};

QTEST_APPLESS_MAIN(TestVerify)
#include "tst_verify.moc"
