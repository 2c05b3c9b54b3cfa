// Speculative decoding on the shipped model: whatever drafts, the text and every measurement are those of plain
// decoding.
#include <QTest>

#include <cmath>
#include <set>

#include "engine/draft/draft_method.h"
#include "engine/metrics/speculation.h"
#include "engine/model/model_cache.h"
#include "engine/run/replay.h"
#include "engine/run/run_loop.h"
#include "engine/values/run_trace.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

RunRequest request(double temperature = 0, double penalty = 0) {
    RunRequest r;
    r.model_path = shippedModel().string();
    r.reference.kind = ReferenceKind::None;
    r.prompt = "Tom has 57 coins. Then gets 68 more. Then loses 19. How many coins now?";
    r.max_tokens = 70;
    r.seed = 7;
    r.sampler.temperature = temperature;
    r.penalty.strength = penalty;
    return r;
}

DraftSettings drafting(const std::string& method, const std::string& rule = "match") {
    DraftSettings draft;
    draft.method = *parseMethodChoice(method);
    draft.verify = *parseMethodChoice(rule);
    draft.path = draft.second_path = shippedModel().string();
    return draft;
}

struct Outcome {
    RunTrace trace;
    std::vector<RunEvent> events;
    Error error;
    bool started = false, ok = false;
};

Outcome run(const RunRequest& r, const std::vector<ControlChange>& controls = {}) {
    Outcome outcome;
    outcome.trace = RunTrace(r);
    auto opened = openRunModels(models(), r, {});
    if (!opened) return outcome.error = opened.error(), outcome;
    CpuDevice device(2);
    auto loop = RunLoop::create(r, std::move(*opened), device, controls);
    if (!loop) return outcome.error = loop.error(), outcome;
    outcome.started = true;
    std::vector<RunEvent> events{(*loop)->provenance()};
    if (auto done = (*loop)->runToEnd(events); !done) return outcome.error = done.error(), outcome;
    events.emplace_back((*loop)->closing());
    for (const RunEvent& event : events) outcome.trace.apply(event);
    outcome.events = std::move(events);
    outcome.ok = true;
    return outcome;
}

// Everything but the clock.
bool sameTokens(const RunTrace& a, const RunTrace& b) {
    if (a.points().size() != b.points().size()) return false;
    for (std::size_t i = 0; i < a.points().size(); ++i) {
        TokenRecord left = a.points()[i].token, right = b.points()[i].token;
        left.time_ns = right.time_ns = 0;
        if (left != right) {
            qInfo("token %zu differs: %d and %d", i, left.id, right.id);
            return false;
        }
    }
    return true;
}

std::int64_t acceptedTokens(const RunTrace& trace) {
    std::int64_t total = 0;
    for (const DraftRound& round : trace.draftRounds()) total += round.accepted();
    return total;
}

}  // namespace

class TestSpeculation : public QObject {
    Q_OBJECT

private slots:
    void matchedTextIsPlainText_data() {
        QTest::addColumn<QString>("method");
        for (const char* method :
             {"chain:length=5", "chain:length=8,confidence=0.5", "ngram:length=6,shortest=1", "tree:nodes=20,depth=5",
              "static_tree", "static_tree:first=2,second=3,third=2", "cascade:length=7,inner=3"}) {
            QTest::newRow(method) << QString(method);
        }
    }

    void matchedTextIsPlainText() {
        QFETCH(QString, method);
        for (const double temperature : {0.0, 0.8}) {
            for (const double penalty : {0.0, 2.0}) {
                RunRequest r = request(temperature, penalty);
                const Outcome plain = run(r);
                QVERIFY2(plain.ok, plain.error.what.c_str());
                QVERIFY(plain.trace.draftRounds().empty());
                r.draft = drafting(method.toStdString());
                const Outcome drafted = run(r);
                QVERIFY2(drafted.ok, drafted.error.what.c_str());
                QVERIFY(sameTokens(plain.trace, drafted.trace));
                QVERIFY(!drafted.trace.draftRounds().empty());
                QVERIFY(acceptedTokens(drafted.trace) > 0);
            }
        }
    }

    void aModelThatDraftsForItselfIsAlwaysAccepted() {
        for (const char* rule : {"match", "rejection"}) {
            RunRequest r = request(0.8);
            r.draft = drafting("chain:length=4", rule);
            const Outcome outcome = run(r);
            QVERIFY2(outcome.ok, outcome.error.what.c_str());
            QVERIFY(outcome.trace.draftRounds().size() > 2);
            for (const DraftRound& round : outcome.trace.draftRounds()) {
                if (outcome.trace.points().back().token.pos < round.pos + round.tokens())
                    continue;  // the end of the text cuts the last one
                QCOMPARE(round.accepted(), static_cast<std::int32_t>(round.nodes.size()));
                QVERIFY(!round.corrected);
            }
        }
    }

    void theReferenceWritesWhatTheQuantizedModelDrafts() {
        for (const double temperature : {0.0, 0.8}) {
            const Outcome full = run(request(temperature));
            RunRequest r = request(temperature);
            r.weight_quant = *parseMethodChoice("rtn:bits=3,group=64");
            r.reference.kind = ReferenceKind::Unquantized;
            r.draft = drafting("self:length=6");
            const Outcome drafted = run(r);
            QVERIFY2(drafted.ok, drafted.error.what.c_str());
            QCOMPARE(drafted.trace.points().size(), full.trace.points().size());
            for (std::size_t i = 0; i < full.trace.points().size(); ++i) {
                const TracePoint& point = drafted.trace.points()[i];
                const TokenRecord& alone = full.trace.points()[i].token;
                QCOMPARE(point.token.id, alone.id);
                // The reference of this run is the model of the other one, on the same prefix.
                QCOMPARE(point.reference.entropy, alone.entropy);
                QCOMPARE(point.reference.logprob, alone.logprob);
                QCOMPARE(point.reference.top, alone.top);
                QVERIFY(point.reference.kl >= 0);
                QVERIFY(std::isfinite(point.token.entropy));
            }
            QVERIFY(acceptedTokens(drafted.trace) > 0);
        }
    }

    void greedyRejectionIsPlainText() {
        RunRequest r = request(0);
        const Outcome plain = run(r);
        for (const char* method : {"chain:length=4", "tree", "ngram:shortest=1"}) {
            r.draft = drafting(method, "rejection");
            const Outcome drafted = run(r);
            QVERIFY2(drafted.ok, drafted.error.what.c_str());
            QVERIFY(sameTokens(plain.trace, drafted.trace));
        }
    }

    void roundsAddUpToTheText() {
        RunRequest r = request(0.8);
        r.draft = drafting("tree:nodes=12,depth=4");
        const Outcome outcome = run(r);
        const RunTrace& trace = outcome.trace;
        QVERIFY2(outcome.ok, outcome.error.what.c_str());
        QVERIFY(acceptedTokens(trace) > 0);
        Position next = trace.firstPosition();
        for (const DraftRound& round : trace.draftRounds()) {
            QVERIFY(round.pos >= next);
            next = round.pos + round.tokens();
            std::int32_t above = -1;
            Position pos = round.pos;
            for (const std::int32_t node : round.path) {
                QCOMPARE(round.nodes[static_cast<std::size_t>(node)].parent, above);
                QVERIFY(round.nodes[static_cast<std::size_t>(node)].fate == DraftFate::Accepted);
                QCOMPARE(trace.points()[static_cast<std::size_t>(pos - trace.firstPosition())].token.id,
                         round.nodes[static_cast<std::size_t>(node)].id);
                QVERIFY(trace.originAt(pos) == TokenOrigin::Accepted);
                above = node;
                ++pos;
            }
            for (const DraftNode& node : round.nodes) QVERIFY(!trace.text(node.id).empty());
            const TokenOrigin own = round.nodes.empty() ? TokenOrigin::Decoded
                                    : round.corrected   ? TokenOrigin::Corrected
                                                        : TokenOrigin::Bonus;
            if (round.added != kNoToken) QVERIFY(trace.originAt(pos) == own);
        }
        QVERIFY(next <= trace.points().back().token.pos + 1);
    }

    // A round comes before the tokens it made, every token belongs to one, and what plain decoding costs is measured on
    // the way.
    void everyTokenBelongsToARoundThatCameBefore() {
        for (const char* method : {"chain:length=4", "ngram"}) {
            RunRequest r = request(0.8);
            r.draft = drafting(method);
            const Outcome outcome = run(r);
            QVERIFY2(outcome.ok, outcome.error.what.c_str());
            Position covered = outcome.trace.firstPosition();
            std::set<TokenId> named;
            for (const RunEvent& event : outcome.events) {
                if (const auto* text = std::get_if<TokenText>(&event)) named.insert(text->id);
                if (const auto* token = std::get_if<TokenRecord>(&event)) QVERIFY(token->pos < covered);
                if (const auto* round = std::get_if<DraftRound>(&event)) {
                    QCOMPARE(round->pos, covered);
                    QVERIFY(round->tokens() > 0);
                    covered += round->tokens();
                    for (const DraftNode& node : round->nodes) QVERIFY(named.contains(node.id));
                }
            }
            const SpeculationNumbers n = speculationNumbers(outcome.trace);
            QCOMPARE(n.allTokens(), static_cast<std::int64_t>(outcome.trace.points().size()));
            QCOMPARE(n.steps(), static_cast<std::int64_t>(outcome.trace.draftRounds().size()));
            QCOMPARE(n.all.drafted, n.all.accepted + n.all.rejected() + n.all.ignored());
            QVERIFY(n.plain_steps > 0 && n.plain_pass_ns && n.speedUp() && n.predictedSpeedUp() &&
                    n.targetEfficiency());
        }
    }

    void draftsUpToTheEndOfTheContext() {
        for (const char* method : {"chain:length=8", "tree:nodes=30,depth=6", "static_tree:first=4,second=3,third=1",
                                   "cascade", "ngram:shortest=1"}) {
            RunRequest r = request();
            r.context = 75;
            r.max_tokens = 100;
            const Outcome plain = run(r);
            r.draft = drafting(method);
            const Outcome drafted = run(r);
            QVERIFY2(drafted.ok, drafted.error.line().c_str());
            QVERIFY(drafted.trace.finished()->reason == FinishReason::ContextFull);
            QVERIFY(sameTokens(plain.trace, drafted.trace));
        }
    }

    // The prompt leaves room for less than a draft, down to a single token: the draft shrinks, and the run is the plain
    // one.
    void aDraftShrinksToWhatTheContextLeaves() {
        RunRequest r = request();
        const auto prompt = static_cast<int>(run(r).trace.firstPosition());
        for (const char* method : {"chain:length=30", "tree:nodes=63,depth=16", "static_tree:first=8,second=2,third=0",
                                   "cascade:length=32", "ngram:length=32,shortest=1", "self:length=32"}) {
            for (const int room : {1, 2, 3, 5}) {
                RunRequest tight = r;
                tight.context = prompt + room;
                if (std::string_view(method).starts_with("self")) tight.reference.kind = ReferenceKind::Unquantized;
                const Outcome plain = run(tight);
                QCOMPARE(plain.trace.points().size(), static_cast<std::size_t>(room));
                tight.draft = drafting(method);
                const Outcome drafted = run(tight);
                QVERIFY2(drafted.ok, (std::string(method) + ": " + drafted.error.line()).c_str());
                QVERIFY(sameTokens(plain.trace, drafted.trace));
            }
        }
    }

    void theKlOfADraftedRunIsTheKlOfAPlainOne() {
        RunRequest r = request(0.8);
        r.weight_quant = *parseMethodChoice("rtn:bits=4,group=64");
        r.reference.kind = ReferenceKind::Unquantized;
        const Outcome plain = run(r);
        r.draft = drafting("ngram:length=20,shortest=1");
        r.reference.block = 4;
        const Outcome drafted = run(r);
        QVERIFY2(drafted.ok, drafted.error.what.c_str());
        QVERIFY(sameTokens(plain.trace, drafted.trace));
        for (std::size_t i = 0; i < plain.trace.points().size(); ++i)
            QCOMPARE(drafted.trace.points()[i].reference, plain.trace.points()[i].reference);
    }

    void replaysBitForBitWithItsControls() {
        RunRequest r = request(0.8);
        r.draft = drafting("chain:length=6");
        const Outcome first = run(r, {{60, "draft:length", 2}, {70, "penalty", 3}});
        QVERIFY2(first.ok, first.error.what.c_str());
        CpuDevice device(1);
        auto report = replayRun(first.trace, r, models(), device);
        QVERIFY2(report, report ? "" : report.error().what.c_str());
        QVERIFY(!report->difference);
    }

    void branchesForceTheirToken() {
        RunRequest r = request(0.8);
        const Outcome parent = run(r);
        std::vector<TokenId> prefix;
        for (int i = 0; i < 10; ++i) prefix.push_back(parent.trace.points()[static_cast<std::size_t>(i)].token.id);
        prefix.push_back(parent.trace.points()[10].token.top[1].id);
        r.branch = {RunId{1}, parent.trace.points()[10].token.pos, prefix};
        const Outcome plain = run(r);
        r.draft = drafting("chain:length=4");
        const Outcome drafted = run(r);
        QVERIFY2(drafted.ok, drafted.error.what.c_str());
        QVERIFY(sameTokens(plain.trace, drafted.trace));
        QVERIFY(drafted.trace.points().front().token.injected);
    }

    void draftsThatCannotRunSayWhy_data() {
        QTest::addColumn<int>("fault");
        QTest::addColumn<QString>("said");
        QTest::newRow("unknown method") << 0 << "no draft method is called \"oracle\"";
        QTest::newRow("unknown rule") << 1 << "no verify rule is called \"hope\"";
        QTest::newRow("no model named") << 2 << "needs a draft model";
        QTest::newRow("model missing") << 3 << "no/such/file.gguf";
        QTest::newRow("another tokenizer") << 4 << "another tokenizer";
        QTest::newRow("no reference to draft for") << 5 << "there is none";
        QTest::newRow("parameter out of range") << 7 << "length";
        QTest::newRow("tree larger than a pass") << 8 << "a verify pass for 63";
        QTest::newRow("second model missing") << 9 << "second, smaller draft model";
        QTest::newRow("chain of three in the wrong order") << 10 << "is larger than";
        QTest::newRow("budget on a dense model") << 11 << "has no experts";
        QTest::newRow("budget below the experts of a token") << 12 << "budget of 1";
        QTest::newRow("draft larger than the target") << 13 << "is larger than";
    }
    void draftsThatCannotRunSayWhy() {
        QFETCH(int, fault);
        QFETCH(QString, said);
        const std::filesystem::path shipped = shippedModel().parent_path();
        RunRequest r = request();
        r.draft = drafting("chain");
        if (fault == 0) r.draft.method.id = "oracle";
        if (fault == 1) r.draft.verify.id = "hope";
        if (fault == 2) r.draft.path.clear();
        if (fault == 3) r.draft.path = "no/such/file.gguf";
        if (fault == 4) r.draft.path = (goldenDirectory() / "models" / "llama-d64-F32.gguf").string();
        if (fault == 5) r.draft.method.id = "self";
        if (fault == 7) r.draft.method = *parseMethodChoice("chain:length=99");
        if (fault == 8) r.draft.method = *parseMethodChoice("static_tree:first=8,second=8,third=4,fourth=4");
        if (fault == 9 || fault == 10) r.draft.method = *parseMethodChoice("cascade");
        if (fault == 9) r.draft.second_path.clear();
        if (fault == 10) r.draft.path = (shipped / "quibble-nano-draft.gguf").string();
        if (fault == 11) r.experts = *parseMethodChoice("moe_spec:budget=4");
        if (fault == 12) {
            r.model_path = (shipped / "quibble-nano-moe.gguf").string();
            r.experts = *parseMethodChoice("moe_spec:budget=1");
        }
        if (fault == 13) r.draft.path = (shipped / "quibble-nano-moe.gguf").string();
        const Outcome outcome = run(r);
        QVERIFY(!outcome.ok && !outcome.started);
        const QString line = QString::fromStdString(outcome.error.line());
        QVERIFY2(line.contains(said), qPrintable(line));
        QVERIFY2(!outcome.error.hint.empty(), qPrintable(line));
    }

    // The same tokens, but rows of the embedding that no token has: the target could not say how likely such a token
    // is.
    void anotherPaddingOfTheVocabularyIsRefused() {
        RandomShape shape;
        shape.tied_output = true;
        auto target = load(makeRandomModel(shape), {});
        RandomModel padded = makeRandomModel(shape);
        padded.reshape("token_embd.weight",
                       {static_cast<std::uint64_t>(shape.d_model), static_cast<std::uint64_t>(shape.vocab + 8)});
        auto draft = load(padded, {});
        QVERIFY(target && draft);
        QVERIFY(checkDraftModel(*target->model, *target->model));
        const auto checked = checkDraftModel(*draft->model, *target->model);
        QVERIFY(!checked);
        QVERIFY(checked.error().what.find("pads its vocabulary to 56") != std::string::npos &&
                !checked.error().hint.empty());
    }

    // Every rule takes every draft: what was chosen and not drawn counts as certain under rejection, and typical
    // acceptance walks trees.
    void everyRuleTakesEveryDraft() {
        for (const VerifyMethod* rule : verifyMethods()) {
            for (const DraftMethod* method : draftMethods()) {
                RunRequest r = request(0.8);
                r.max_tokens = 12;
                if (method->draftsForReference()) {
                    r.weight_quant = *parseMethodChoice("rtn:bits=4,group=64");
                    r.reference.kind = ReferenceKind::Unquantized;
                }
                r.draft = drafting(std::string(method->id), std::string(rule->id));
                const Outcome outcome = run(r);
                QVERIFY2(outcome.ok, outcome.error.line().c_str());
                QCOMPARE(outcome.trace.points().size(), std::size_t{12});
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestSpeculation)
#include "tst_speculation.moc"
