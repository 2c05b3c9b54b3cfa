#include <QTest>

#include <cmath>

#include "engine/metrics/divergence.h"
#include "engine/metrics/run_progress.h"
#include "engine/metrics/summary.h"
#include "engine/values/check.h"
#include "tests/engine/metrics/small_trace.h"

using namespace quibble;
using quibble::test::Piece;
using quibble::test::traceOf;

namespace {
bool near(double a, double b, double tolerance = 1e-6) { return std::abs(a - b) <= tolerance; }
}  // namespace

class TestTraceNumbers : public QObject {
    Q_OBJECT
private slots:
    // A token each `ms` milliseconds, from a clock that begins at `start`.
    static void addTokens(RunTrace& trace, int count, int ms, int start = 0) {
        for (int i = 1; i <= count; ++i) {
            TokenRecord token;
            token.pos = trace.firstPosition() + static_cast<Position>(trace.points().size());
            token.time_ns = (start + static_cast<std::int64_t>(i) * ms) * 1'000'000;
            trace.apply(token);
        }
    }

    void progressOfARun() {
        RunRequest request;
        request.max_tokens = 512;
        RunTrace trace(request);
        RunProvenance provenance;
        provenance.prompt_tokens = {1, 2, 3, 4};
        provenance.context = 2048;
        trace.apply(provenance);
        QCOMPARE(runProgress(trace).limit, 512);
        QVERIFY(!runProgress(trace).seconds_left);
        addTokens(trace, 3, 100);
        QVERIFY(!runProgress(trace).seconds_left);
        addTokens(trace, 9, 100, 300);
        QCOMPARE(runProgress(trace).tokens, 12);
        QVERIFY(near(*runProgress(trace).seconds_left, 50.0));
        addTokens(trace, 1, 3'600'000, 1200);  // a pause of an hour is no pace
        QVERIFY(near(*runProgress(trace).seconds_left, 49.9));
        trace.apply(ControlChange{20, "max_tokens", 23});
        QCOMPARE(runProgress(trace).limit, 23);
        QVERIFY(near(*runProgress(trace).seconds_left, 1.0));
        addTokens(trace, 10, 200, 3'601'200);
        QVERIFY(!runProgress(trace).seconds_left);  // the limit is reached
        provenance.context = 34;                    // room for 30 tokens
        trace.apply(provenance);
        trace.apply(ControlChange{27, "max_tokens", 1000});
        QCOMPARE(runProgress(trace).limit, 30);
        trace.apply(RunFinished{});
        QVERIFY(!runProgress(trace).seconds_left);
    }

    void progressOfABranchHasItsOwnClock() {
        RunRequest request;
        request.max_tokens = 100;
        request.branch.prefix.assign(41, 7);  // 40 taken over and the injected one
        RunTrace trace(request);
        addTokens(trace, 40, 5000, 10);
        QVERIFY(!runProgress(trace).seconds_left);
        addTokens(trace, 10, 100);
        QCOMPARE(runProgress(trace).tokens, 50);
        QVERIFY(near(*runProgress(trace).seconds_left, 5.0));
    }

    void timesArePeoples() {
        const auto text = [](double seconds) {
            const RoundedTime t = roundedTime(seconds);
            return QStringLiteral("%1:%2:%3").arg(t.hours).arg(t.minutes).arg(t.seconds);
        };
        QCOMPARE(text(0.2), QStringLiteral("0:0:0"));
        QCOMPARE(text(59.4), QStringLiteral("0:0:59"));
        QCOMPARE(text(59.6), QStringLiteral("0:1:0"));
        QCOMPARE(text(100), QStringLiteral("0:2:0"));
        QCOMPARE(text(3599), QStringLiteral("1:0:0"));
        QCOMPARE(text(2 * 3600 + 29 * 60), QStringLiteral("2:29:0"));
        QCOMPARE(text(std::nan("")), QStringLiteral("0:0:0"));
        QCOMPARE(text(-5), QStringLiteral("0:0:0"));
    }

    void summaryOfNothing() {
        const RunSummaryNumbers numbers = summarize(RunTrace{});
        QCOMPARE(numbers, RunSummaryNumbers{});
        QVERIFY(!numbers.mean_entropy);
    }

    void summaryByHand() {
        RunTrace trace = traceOf(
            {{"a", true, false, 1.0f, 0.5f, 2.0f}, {" Wait", true, true, 2.0f, 1.5f, 4.0f}, {"b", false, false, 3.0f}},
            {}, 4);
        TokenRecord injected;
        injected.pos = 7;
        injected.id = 3;
        injected.without_penalty_id = 1;
        injected.injected = true;
        injected.marker = true;
        injected.entropy = 100;
        trace.apply(injected);
        TokenRecord changed;
        changed.pos = 8;
        changed.id = 2;
        changed.without_penalty_id = 1;
        changed.penalized = true;
        changed.entropy = 6;
        trace.apply(changed);
        trace.apply(RunFinished{FinishReason::EndOfText, {}, 1, 2'000'000, 3, 4, 5});
        const RunSummaryNumbers n = summarize(trace);
        QCOMPARE(n.prompt_tokens, 4);
        QCOMPARE(n.tokens, 5);
        QCOMPARE(n.thinking_tokens, 2);
        QCOMPARE(n.injected, 1);
        QCOMPARE(n.markers, 1);  // the injected one was not sampled
        QCOMPARE(n.penalized, 1);
        QCOMPARE(n.interventions, 1);
        QCOMPARE(n.referenced, 2);
        QCOMPARE(n.mean_entropy.value(), 3.0);  // (1 + 2 + 3 + 6) / 4
        QCOMPARE(n.mean_kl.value(), 1.0);
        QCOMPARE(n.mean_ref_entropy.value(), 3.0);
        QCOMPARE(n.max_kl.value(), 1.5);
        QCOMPARE(n.max_kl_pos, 5);
        QVERIFY(near(n.tokens_per_second.value(), 2000));  // 4 sampled tokens in 2 ms
    }

    // Three tokens of the parent, then one that was put there and two of its own in 4 ms, with 4 ms of the reference.
    void speedIsOfTheRunsOwnTokens() {
        RunRequest request;
        request.branch = {RunId{1}, 7, {0, 0, 0, 1}};
        RunTrace branch(request);
        branch.inherit(traceOf({{"a"}, {"b"}, {"c"}, {"d"}}, {}, 4), 7);
        QCOMPARE(branch.points().size(), std::size_t(3));
        TokenRecord token;
        for (Position pos = 7; pos < 10; ++pos) {
            token.pos = pos;
            token.injected = pos == 7;
            branch.apply(token);
        }
        QVERIFY(!decodingSpeed(branch));  // not while it goes on
        branch.apply(RunFinished{FinishReason::EndOfText, {}, 1, 4'000'000, 4'000'000, 9'000'000, 5});
        QCOMPARE(branch.ownPoints().size(), std::size_t(3));
        QCOMPARE(decodedTokens(branch), 2);
        QVERIFY(near(decodingSpeed(branch).value(), 500));
        QVERIFY(near(decodingSpeed(branch, SpeedOf::DecodingAndReference).value(), 250));
        QCOMPARE(prefilledTokens(branch), 7);
        const RunSummaryNumbers n = summarize(branch);
        QCOMPARE(n.tokens, 6);
        QCOMPARE(n.inherited, 3);
        QVERIFY(near(n.tokens_per_second.value(), 500));
        // A branch that came without its parent has only its own.
        RunTrace orphan(request);
        orphan.apply(branch.provenance());
        for (const TracePoint& point : branch.ownPoints()) orphan.apply(point.token);
        orphan.apply(*branch.finished());
        QVERIFY(near(decodingSpeed(orphan).value(), 500));
        QCOMPARE(summarize(orphan).inherited, 0);
    }

    void markersByWord() {
        RunTrace trace;
        RunProvenance provenance;
        provenance.markers = {{" Wait", 1}, {" But", 2}};
        trace.apply(provenance);
        TokenRecord first;
        first.id = first.without_penalty_id = 1;
        first.marker = true;
        first.top = {{1, std::log(0.5f)}, {0, std::log(0.3f)}, {2, std::log(0.2f)}};
        trace.apply(first);
        TokenRecord second = first;
        second.pos = 1;
        second.id = 0;
        second.marker = false;
        second.penalized = true;
        second.top_after = {{0, std::log(0.9f)}, {1, std::log(0.1f)}};
        trace.apply(second);
        const auto counts = countMarkers(trace);
        QCOMPARE(counts.size(), std::size_t(2));
        QCOMPARE(counts[0].word, std::string(" Wait"));
        QCOMPARE(counts[0].count, 1);
        QCOMPARE(counts[0].avoided, 1);
        QVERIFY(near(counts[0].mass, 1.0));
        QVERIFY(near(counts[0].mass_after, 0.6));
        QCOMPARE(counts[1].count, 0);
        QCOMPARE(counts[1].avoided, 0);
        QVERIFY(near(counts[1].mass, 0.4));
        QVERIFY(near(counts[1].mass_after, 0.2));  // not among the alternatives after the penalty
    }

    void correlation() {
        // KL ranks 1 2 3 4, entropy ranks 2 1 3 4: 1 - 6 * 2 / (4 * 15) = 0.8. The token without a reference does not
        // count.
        const RunTrace trace = traceOf({{"a", false, false, 1, 0.1f, 2},
                                        {"b", false, false, 1, 0.2f, 1},
                                        {"c", false, false, 9},
                                        {"d", false, false, 1, 0.3f, 3},
                                        {"e", false, false, 1, 0.4f, 4}});
        QVERIFY(near(klEntropyCorrelation(trace).value(), 0.8, 1e-12));
        QVERIFY(!klEntropyCorrelation(traceOf({{"a", false, false, 1, 0.1f, 2}})));
    }

    void topKl() {
        std::vector<Piece> pieces;
        for (int i = 0; i < 40; ++i)
            pieces.push_back({"x", false, i == 7 || i == 20, 1, i == 7 ? 5.0f : i == 9 ? 4.0f : 0.01f, 1});
        const TopKlMarkers five = topKlMarkers(traceOf(pieces));
        QCOMPARE(five.positions, 2);  // 5 % of 40
        QCOMPARE(five.markers, 1);
        QCOMPARE(five.share, 0.5);
        QCOMPARE(five.overall_share, 0.05);
        pieces.resize(20);
        QCOMPARE(topKlMarkers(traceOf(pieces)).positions, 1);
        pieces.resize(3);
        QCOMPARE(topKlMarkers(traceOf(pieces)).positions, 1);
        QCOMPARE(topKlMarkers(RunTrace{}), TopKlMarkers{});
        QCOMPARE(topKlMarkers(traceOf(pieces), 1.0).positions, 3);
    }

    void buckets() {
        std::vector<Piece> pieces;
        for (int i = 0; i < 10; ++i)
            pieces.push_back({"x", false, i >= 8, 1, static_cast<float>(i), static_cast<float>(i)});
        const auto found = entropyBuckets(traceOf(pieces), 2);
        QCOMPARE(found.size(), std::size_t(2));
        QCOMPARE(found[0], (EntropyBucket{0, 4.5, 5, 2, 0}));
        QCOMPARE(found[1], (EntropyBucket{4.5, 9, 5, 7, 0.4}));
        for (Piece& piece : pieces) piece.ref_entropy = 1;
        const auto tied = entropyBuckets(traceOf(pieces), 10);
        QCOMPARE(tied.size(), std::size_t(1));
        QCOMPARE(tied[0].tokens, 10);
        QVERIFY(entropyBuckets(RunTrace{}, 10).empty());
    }

    void markerMass() {
        QCOMPARE(markerMassAfterPenalty(0.3, 0, 0.6), 0.3);
        // lambda 2, T 0.6: the factor is exp(-2 / 0.6) = 0.0356740; 0.5 * f / (0.5 + 0.5 * f) = f / (1 + f).
        QVERIFY(near(markerMassAfterPenalty(0.5, 2, 0.6), 0.0356740 / 1.0356740, 1e-7));
        QVERIFY(near(markerMassAfterPenalty(0.5, -2, 0.6), 1 / 1.0356740, 1e-7));
        // The two strengths undo each other.
        QVERIFY(near(markerMassAfterPenalty(markerMassAfterPenalty(0.2, 3, 1), -3, 1), 0.2, 1e-12));
        QCOMPARE(markerMassAfterPenalty(0, 5, 1), 0.0);
        QCOMPARE(markerMassAfterPenalty(1, 5, 1), 1.0);
        QCOMPARE(markerMassAfterPenalty(1, 1e6, 0.001), 1.0);
        QCOMPARE(markerMassAfterPenalty(0.5, 1e6, 0.001), 0.0);
        QCOMPARE(markerMassAfterPenalty(0.5, -1e6, 0.001), 1.0);
        QCOMPARE(markerMassAfterPenalty(0, -1e6, 0.001), 0.0);
        QVERIFY_EXCEPTION_THROWN((void)markerMassAfterPenalty(0.5, 1, 0), ContractError);
    }
};

QTEST_APPLESS_MAIN(TestTraceNumbers)
#include "tst_trace_numbers.moc"
