// The step loop on the shipped model: determinism, the penalty, the reference, branches, live controls, limits.
#include <QTest>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/run/replay.h"
#include "tests/support/golden.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

RunRequest request(const std::string& quant = "none", ReferenceKind reference = ReferenceKind::None) {
    RunRequest r;
    r.model_path = shippedModel().string();
    r.weight_quant = *parseMethodChoice(quant);
    r.reference.kind = reference;
    r.prompt = "Tom has 57 coins. Then gets 68 more. Then loses 19. How many coins now?";
    r.max_tokens = 60;
    r.seed = 7;
    return r;
}

struct Outcome {
    RunTrace trace;
    Error error;
    bool ok = false;
};

// `controls` by number of generated tokens.
Outcome run(const RunRequest& r, int threads = 2, const std::vector<std::pair<int, ControlChange>>& controls = {}) {
    Outcome outcome;
    outcome.trace = RunTrace(r);
    auto opened = openRunModels(models(), r, {});
    if (!opened) return outcome.error = opened.error(), outcome;
    CpuDevice device(threads);
    auto loop = RunLoop::create(r, std::move(*opened), device);
    if (!loop) return outcome.error = loop.error(), outcome;
    std::vector<RunEvent> events{(*loop)->provenance()};
    for (bool complete = false; !complete;) {
        auto chunk = (*loop)->prefillChunk(events, {});
        if (!chunk) return outcome.error = chunk.error(), outcome;
        complete = *chunk;
    }
    for (int n = 0; !(*loop)->finished(); ++n) {
        for (const auto& [at, change] : controls) {
            if (at != n) continue;
            if (auto applied = (*loop)->setControl(change.key, change.value, events); !applied)
                return outcome.error = applied.error(), outcome;
        }
        if (auto stepped = (*loop)->step(events, {}); !stepped) return outcome.error = stepped.error(), outcome;
    }
    if (auto flushed = (*loop)->flushReference(events, {}); !flushed) return outcome.error = flushed.error(), outcome;
    events.emplace_back((*loop)->closing());
    for (const RunEvent& event : events) outcome.trace.apply(event);
    outcome.ok = true;
    return outcome;
}

bool sameNumbers(const RunTrace& a, const RunTrace& b, std::size_t from = 0) {
    if (a.points().size() != b.points().size()) return false;
    const auto same = [](float x, float y) { return x == y || (std::isnan(x) && std::isnan(y)); };
    for (std::size_t i = from; i < a.points().size(); ++i) {
        const TokenRecord &x = a.points()[i].token, &y = b.points()[i].token;
        const ReferenceRecord &p = a.points()[i].reference, &q = b.points()[i].reference;
        if (x.id != y.id || x.without_penalty_id != y.without_penalty_id || !same(x.entropy, y.entropy) ||
            !same(x.varentropy, y.varentropy) || !same(x.logprob, y.logprob) || x.top != y.top ||
            !same(x.marker_mass, y.marker_mass) || !same(p.kl, q.kl) || p.top != q.top) {
            return false;
        }
    }
    return true;
}

}  // namespace

class TestRunLoop : public QObject {
    Q_OBJECT
private slots:
    void measuresEveryToken() {
        const Outcome outcome = run(request("rtn:bits=3,group=64", ReferenceKind::Unquantized));
        QVERIFY2(outcome.ok, outcome.error.line().c_str());
        const auto& points = outcome.trace.points();
        QVERIFY(!points.empty());
        QCOMPARE(outcome.trace.referenced(), points.size());
        Position expected = outcome.trace.firstPosition();
        bool differs = false;
        for (const TracePoint& point : points) {
            QCOMPARE(point.token.pos, expected++);
            QVERIFY(point.token.entropy >= 0 && point.token.varentropy >= 0);
            QVERIFY(point.token.logprob <= 1e-6F);
            QVERIFY(point.token.rank >= 1);
            QCOMPARE(point.token.top.size(), std::size_t{10});
            QVERIFY(point.reference.kl > -1e-6F);
            QVERIFY(!outcome.trace.text(point.token.id).empty());
            for (const Alternative& a : point.reference.top) QVERIFY(!outcome.trace.text(a.id).empty());
            differs = differs || point.reference.kl > 1e-4F;
        }
        QVERIFY(differs);  // 3 bits move the distribution
    }
    void sameBitsForAnyThreadsAndBlock() {
        const Outcome one = run(request("rtn:bits=3,group=64", ReferenceKind::Unquantized), 1);
        QVERIFY2(one.ok, one.error.line().c_str());
        QVERIFY(one.trace.points().size() > 10 && one.trace.referenced() == one.trace.points().size());
        for (const int threads : {2, 3}) {
            for (const int block : {1, 5, 16, 64}) {
                RunRequest r = request("rtn:bits=3,group=64", ReferenceKind::Unquantized);
                r.reference.block = block;
                QVERIFY(sameNumbers(one.trace, run(r, threads).trace));
            }
        }
    }
    void klOfAModelAgainstItselfIsExactlyZero() {
        RunRequest r = request("none", ReferenceKind::Unquantized);
        for (const int block : {1, 7, 16}) {
            r.reference.block = block;
            const Outcome outcome = run(r);
            QVERIFY2(outcome.ok, outcome.error.line().c_str());
            QVERIFY(outcome.trace.points().size() > 10);
            for (const TracePoint& point : outcome.trace.points()) QCOMPARE(point.reference.kl, 0.0F);
        }
    }
    void penaltyZeroChangesNoBit() {
        const Outcome without = run(request());
        RunRequest r = request();
        r.penalty.strength = 3;
        r.penalty.disabled_words = publishedMarkers().words;  // all off: nothing to penalize
        QVERIFY(sameNumbers(without.trace, run(r).trace));
        for (const TracePoint& point : without.trace.points())
            QVERIFY(!point.token.penalized && !point.token.intervened());
    }
    void penaltyMovesOnlyWhereMarkersStood() {
        RunRequest r = request();
        r.penalty.strength = 8;
        r.sampler.temperature = 1;
        r.sampler.top_p = 1;
        int moved = 0;
        for (r.seed = 1; r.seed <= 10; ++r.seed) {
            const Outcome outcome = run(r);
            QVERIFY2(outcome.ok, outcome.error.line().c_str());
            QVERIFY(!outcome.trace.points().empty());
            const std::vector<ResolvedMarker>& markers = outcome.trace.provenance().markers;
            for (const TracePoint& point : outcome.trace.points()) {
                QVERIFY(point.token.penalized);
                QVERIFY(point.token.marker_mass_after <= point.token.marker_mass + 1e-6F);
                QVERIFY(!point.token.top_after.empty());
                if (!point.token.intervened()) continue;
                // With shared noise and one set of logits lowered, another token can only appear where a marker would
                // have been.
                ++moved;
                QVERIFY(!point.token.marker);
                QVERIFY(std::any_of(markers.begin(), markers.end(), [&point](const ResolvedMarker& marker) {
                    return marker.id == point.token.without_penalty_id;
                }));
            }
        }
        QVERIFY(moved > 0);
    }
    void liveControlsAreRecordedAndReplayed() {
        RunRequest r = request("rtn:bits=4,group=64", ReferenceKind::Unquantized);
        const Outcome outcome =
            run(r, 2, {{5, {0, "penalty", 4}}, {9, {0, "temperature", 1.2}}, {12, {0, "word: wait", 0}}});
        QVERIFY2(outcome.ok, outcome.error.line().c_str());
        QCOMPARE(outcome.trace.controls().size(), std::size_t{3});
        QCOMPARE(outcome.trace.controls()[0].pos, outcome.trace.firstPosition() + 5);
        QVERIFY(!outcome.trace.points()[4].token.penalized);
        QVERIFY(outcome.trace.points()[5].token.penalized);
        CpuDevice device(3);
        const auto report = replayRun(outcome.trace, r, models(), device);
        QVERIFY2(report, report ? "" : report.error().line().c_str());
        QVERIFY2(!report->difference, report->difference ? report->difference->field.c_str() : "");
        QCOMPARE(report->tokens, static_cast<std::int64_t>(outcome.trace.points().size()));
    }
    void replayFindsTheFirstDifferentBit() {
        const RunRequest r = request();
        const Outcome outcome = run(r);
        RunTrace altered(r);
        altered.apply(outcome.trace.provenance());
        for (std::size_t i = 0; i < outcome.trace.points().size(); ++i) {
            TokenRecord token = outcome.trace.points()[i].token;
            if (i == 3) token.entropy = std::nextafter(token.entropy, 100.0F);
            altered.apply(token);
        }
        CpuDevice device(2);
        const auto report = replayRun(altered, r, models(), device);
        QVERIFY(report && report->difference);
        QCOMPARE(report->difference->pos, outcome.trace.points()[3].token.pos);
        QCOMPARE(report->difference->field, std::string("entropy"));
    }
    void branchKeepsThePastAndItsNoise() {
        const RunRequest r = request("rtn:bits=3,group=64", ReferenceKind::Unquantized);
        const Outcome parent = run(r);
        const std::size_t at = 10;
        // A branch that injects what stood there anyway repeats the parent bit for bit.
        RunRequest same = r;
        same.branch = {RunId{1}, parent.trace.points()[at].token.pos, {}};
        for (std::size_t i = 0; i <= at; ++i) same.branch.prefix.push_back(parent.trace.points()[i].token.id);
        const Outcome repeated = run(same);
        QVERIFY2(repeated.ok, repeated.error.line().c_str());
        QCOMPARE(repeated.trace.points().size() + at, parent.trace.points().size());
        QVERIFY(repeated.trace.points()[0].token.injected);
        for (std::size_t i = 0; i < repeated.trace.points().size(); ++i) {
            QCOMPARE(repeated.trace.points()[i].token.id, parent.trace.points()[at + i].token.id);
            QCOMPARE(repeated.trace.points()[i].token.entropy, parent.trace.points()[at + i].token.entropy);
            QCOMPARE(repeated.trace.points()[i].reference.kl, parent.trace.points()[at + i].reference.kl);
        }
        // Another token there.
        RunRequest other = same;
        other.branch.prefix.back() = parent.trace.points()[at].token.top[1].id;
        const Outcome branched = run(other);
        QVERIFY(branched.ok);
        QCOMPARE(branched.trace.points()[0].token.id, parent.trace.points()[at].token.top[1].id);
        QCOMPARE(branched.trace.points()[0].token.entropy, parent.trace.points()[at].token.entropy);
    }
    void limitsEndTheRun() {
        RunRequest r = request();
        r.max_tokens = 5;
        Outcome outcome = run(r);
        QCOMPARE(outcome.trace.points().size(), std::size_t{5});
        QVERIFY(outcome.trace.finished()->reason == FinishReason::TokenLimit);
        r.max_tokens = 500;
        r.context = static_cast<int>(outcome.trace.provenance().prompt_tokens.size()) + 8;
        r.sampler.temperature = 2;
        r.sampler.top_p = 1;
        outcome = run(r);
        QVERIFY(outcome.trace.finished()->reason == FinishReason::ContextFull ||
                outcome.trace.finished()->reason == FinishReason::EndOfText);
        QVERIFY(outcome.trace.points().size() <= 8);
    }
    void requestsThatCannotRunSayWhy_data() {
        QTest::addColumn<int>("fault");
        QTest::newRow("no prompt") << 0;
        QTest::newRow("temperature") << 1;
        QTest::newRow("limit") << 2;
        QTest::newRow("marker set") << 3;
        QTest::newRow("prompt too long") << 4;
        QTest::newRow("model missing") << 5;
        QTest::newRow("other tokenizer") << 6;
        QTest::newRow("unknown branch token") << 7;
    }
    void requestsThatCannotRunSayWhy() {
        QFETCH(int, fault);
        RunRequest r = request();
        if (fault == 0) r.prompt.clear();
        if (fault == 1) r.sampler.temperature = -1;
        if (fault == 2) r.max_tokens = 0;
        if (fault == 3) r.penalty.set_name = "nothing";
        if (fault == 4) r.context = 4;
        if (fault == 5) r.model_path = "no/such/file.gguf";
        if (fault == 6)
            r.reference = {ReferenceKind::File, (goldenDirectory() / "models" / "llama-d64-F32.gguf").string(), 16};
        if (fault == 7) r.branch = {RunId{1}, 0, {1 << 20}};
        const Outcome outcome = run(r);
        QVERIFY(!outcome.ok);
        QVERIFY(!outcome.error.what.empty());
        qInfo("%s", outcome.error.line().c_str());
    }
    void controlsOutOfRangeAreRefused() {
        for (const ControlChange& change :
             {ControlChange{0, "penalty", 1e6}, ControlChange{0, "temperature", -1}, ControlChange{0, "nothing", 1},
              ControlChange{0, "word:banana", 0}, ControlChange{0, "max_tokens", 0},
              ControlChange{0, "top_p", std::nan("")}}) {
            const Outcome outcome = run(request(), 1, {{0, change}});
            QVERIFY2(!outcome.ok, change.key.c_str());
        }
    }
};

QTEST_APPLESS_MAIN(TestRunLoop)
#include "tst_run_loop.moc"
