// Rules in whole runs of the shipped model: what they force, what they leave alone, and that drafts, branches and
// repetitions do not change what they do.
#include <QTest>

#include <algorithm>
#include <cmath>

#include "engine/control/text_ends.h"
#include "engine/logits/loop_finder.h"
#include "engine/run/branch.h"
#include "engine/run/replay.h"
#include "tests/support/golden.h"
#include "tests/support/sanitized.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const Tokenizer& tokenizer() {
    static const auto model = models().get(shippedModel(), {}).value();
    return *model->tokenizer();
}

RunRequest request(std::vector<std::string> control, std::vector<std::string> logits = {}) {
    RunRequest r;
    r.model_path = shippedModel().string();
    r.prompt = "Tom has 57 coins. Then gets 68 more. Then loses 19. How many coins now?";
    r.max_tokens = 160;
    r.seed = 7;
    for (const std::string& text : control) r.control.push_back(parseMethodChoice(text).value());
    for (const std::string& text : logits) r.logits.push_back(parseMethodChoice(text).value());
    return r;
}

std::vector<TokenId> idsOf(const RunTrace& trace) {
    std::vector<TokenId> ids;
    for (const TracePoint& point : trace.points()) ids.push_back(point.token.id);
    return ids;
}

// Equal in everything that is measured; times differ.
bool sameTokens(const RunTrace& a, const RunTrace& b) {
    return std::equal(a.points().begin(), a.points().end(), b.points().begin(), b.points().end(),
                      [](const TracePoint& x, const TracePoint& y) {
                          TokenRecord first = x.token, second = y.token;
                          first.time_ns = second.time_ns = 0;
                          return first == second;
                      });
}

std::int64_t sampledThoughts(const RunTrace& trace) {
    return std::count_if(trace.points().begin(), trace.points().end(),
                         [](const TracePoint& point) { return point.token.thinking && !point.token.injected; });
}

std::string textOf(const RunTrace& trace) { return tokenizer().decode(idsOf(trace)); }

}  // namespace

class TestControl : public QObject {
    Q_OBJECT
private slots:
    void rulesThatAreOffChangeNoBit_data() {
        QTest::addColumn<QString>("control");
        QTest::addColumn<QString>("logits");
        QTest::newRow("budget") << "budget:tokens=100000"
                                << "";
        QTest::newRow("wait") << "wait_injection:times=0"
                              << "";
        QTest::newRow("answer") << "force_answer:at=100000"
                                << "";
        QTest::newRow("loop end") << "loop_end:times=20,length=200"
                                  << "";
        QTest::newRow("wave") << ""
                              << "cyclic:amplitude=0";
        QTest::newRow("ban") << ""
                             << "ban:words=\"\"";
        QTest::newRow("loop stop") << ""
                                   << "loop_stop:times=20,length=200";
        QTest::newRow("penalty") << ""
                                 << "marker_penalty";
    }
    void rulesThatAreOffChangeNoBit() {
        QFETCH(const QString, control);
        QFETCH(const QString, logits);
        const auto list = [](const QString& text) {
            return text.isEmpty() ? std::vector<std::string>{} : std::vector{text.toStdString()};
        };
        const WholeRun plain = wholeRun(request({}));
        const WholeRun ruled = wholeRun(request(list(control), list(logits)));
        QVERIFY(plain.trace.points().size() > 20);
        QVERIFY(sameTokens(plain.trace, ruled.trace));
        QVERIFY(ruled.trace.ruleActs().empty());
        QVERIFY(plain.provenance.rules.empty() && !ruled.provenance.rules.empty());
    }

    void aBudgetIsKept() {
        const WholeRun plain = wholeRun(request({}));
        const std::int64_t natural = sampledThoughts(plain.trace);
        QVERIFY2(natural > 12, qPrintable(QString::number(natural)));
        for (const std::string mode : {"message", "hard", "sentence"}) {
            for (const int budget : {0, 1, 5, 12}) {
                const WholeRun run = wholeRun(request({"budget:tokens=" + std::to_string(budget) + ",mode=" + mode +
                                                       ",grace=6,message=\"\\nTime is up.\\n\""}));
                const std::int64_t thoughts = sampledThoughts(run.trace);
                // The mark that opens the thought is inside and not counted.
                QVERIFY2(thoughts <= budget + 1 + (mode == "sentence" ? 6 : 0), qPrintable(QString::number(thoughts)));
                const auto& acts = run.trace.ruleActs();
                QCOMPARE(acts.size(), std::size_t{1});
                QCOMPARE(acts[0].kind, RuleAct::Kind::Injected);
                const std::string& rule = run.provenance.rules[static_cast<std::size_t>(acts[0].rule)];
                QVERIFY2(rule.starts_with("budget:"), rule.c_str());
                const auto injected = std::count_if(run.trace.points().begin(), run.trace.points().end(),
                                                    [](const TracePoint& point) { return point.token.injected; });
                QCOMPARE(injected, acts[0].tokens);
                QCOMPARE(textOf(run.trace).find("Time is up.") != std::string::npos, mode != "hard");
                QVERIFY(!run.trace.points().back().token.thinking);
                // As far as the budget lets it, the text is that of the run without one.
                for (std::size_t i = 0; run.trace.points()[i].token.pos < acts[0].pos; ++i)
                    QCOMPARE(run.trace.points()[i].token.id, plain.trace.points()[i].token.id);
            }
        }
    }

    void theEndOfTheThoughtIsRefused() {
        const auto closing = closingOfThought(tokenizer());
        QVERIFY2(closing, closing ? "" : closing.error().line().c_str());
        RunRequest r = request({"wait_injection:times=2,text=\" Wait\""});
        r.max_tokens = 400;
        const WholeRun run = wholeRun(r);
        QCOMPARE(run.trace.ruleActs().size(), std::size_t{2});
        const std::vector<TokenId> ids = idsOf(run.trace);
        QCOMPARE(std::count(ids.begin(), ids.end(), closing->front()), 1);
        for (const RuleAct& act : run.trace.ruleActs()) {
            const auto at = static_cast<std::size_t>(act.pos - run.trace.firstPosition());
            QVERIFY(run.trace.points()[at].token.injected && run.trace.points()[at].token.thinking);
            QCOMPARE(run.trace.points()[at].token.without_penalty_id, closing->front());  // what it would have said
        }
    }

    void theAnswerIsForced() {
        const WholeRun run = wholeRun(request({"force_answer:at=10,text=\"\\nFinal Answer:\""}));
        QCOMPARE(run.trace.ruleActs().size(), std::size_t{1});
        QCOMPARE(run.trace.ruleActs()[0].pos, run.trace.firstPosition() + 10);
        QVERIFY2(textOf(run.trace).find("\nFinal Answer:") != std::string::npos, textOf(run.trace).c_str());
        QVERIFY(run.trace.points().size() > 12);
    }

    void aLoopEndsTheRun() {
        // The shortest loop there is: the digits of 55, which the model repeats from its prompt.
        RunRequest r = request({"loop_end:times=2,length=1"});
        r.prompt = "Tom has 55 coins. Then gets 68 more. Then loses 19. How many coins now?";
        const WholeRun run = wholeRun(r);
        RunRequest without = r;
        without.control.clear();
        const std::vector<TokenId> all = idsOf(wholeRun(without).trace), ids = idsOf(run.trace);
        QVERIFY2(ids.size() < all.size(), textOf(run.trace).c_str());
        QCOMPARE(run.trace.ruleActs().back().kind, RuleAct::Kind::Ended);
        QVERIFY(std::equal(ids.begin(), ids.end(), all.begin()));
        // It ends with the first loop.
        LoopFinder finder(1, 256, 2);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            finder.push(ids[i]);
            QCOMPARE(finder.period() > 0, i + 1 == ids.size());
        }
    }

    // A lossless draft changes nothing, whatever the rules do meanwhile.
    void draftsDoNotChangeWhatRulesDo() {
        for (const char* draft : {"ngram", "chain:length=4", "tree"}) {
            RunRequest r =
                request({"budget:tokens=20,message=\" So\"", "wait_injection:times=1,text=\" Wait\""},
                        {"cyclic:amplitude=4,period=16,words=spaced", "loop_stop:times=2,length=3", "marker_penalty"});
            r.penalty.strength = 1.5;
            const WholeRun plain = wholeRun(r);
            QVERIFY(!plain.trace.ruleActs().empty());
            r.draft.method = parseMethodChoice(draft).value();
            r.draft.path = (shippedModel().parent_path() / "quibble-nano-draft.gguf").string();
            const WholeRun drafted = wholeRun(r);
            QVERIFY2(sameTokens(plain.trace, drafted.trace), draft);
            QCOMPARE(drafted.trace.ruleActs(), plain.trace.ruleActs());
        }
    }

    void aBranchAndARepetitionStandWhereTheRunStood() {
        const std::vector<std::string> logits{"cyclic:amplitude=4,period=16,words=spaced",
                                              "loop_stop:times=2,length=3"};
        for (const std::vector<std::string>& control :
             {std::vector<std::string>{"budget:tokens=20,message=\" So\""},
              std::vector<std::string>{"wait_injection:times=2,text=\" Wait\""},
              std::vector<std::string>{"wait_injection:times=1,text=\" But\"", "force_answer:at=60"}}) {
            const RunRequest r = request(control, logits);
            const WholeRun run = wholeRun(r);
            const auto& points = run.trace.points();
            QVERIFY2(points.size() > 24, qPrintable(QString::number(points.size())));
            QVERIFY(!run.trace.ruleActs().empty());
            for (std::size_t at = 3; at < points.size(); at += kSanitized ? 41 : 7) {
                if (points[at].token.injected) continue;
                const RunRequest branch = branchRequest(run.trace, RunId{1}, points[at].token.pos, points[at].token.id);
                const WholeRun again = wholeRun(branch);
                const std::vector<TokenId> whole = idsOf(run.trace), tail = idsOf(again.trace);
                QCOMPARE(tail, std::vector<TokenId>(whole.begin() + static_cast<std::ptrdiff_t>(at), whole.end()));
            }
            ModelCache cache;
            CpuDevice device(2);
            const auto report = replayRun(run.trace, r, cache, device);
            QVERIFY2(report, report ? "" : report.error().line().c_str());
            QVERIFY2(!report->difference, report->difference ? report->difference->field.c_str() : "");
            QCOMPARE(report->tokens, std::ssize(points));
        }
        RunRequest wrong = request({"budget:tokens=20"});
        wrong.branch.acted = {1};
        auto opened = openRunModels(models(), wrong, {});
        CpuDevice device(1);
        const auto refused = RunLoop::create(wrong, std::move(*opened), device);
        QVERIFY(!refused && refused.error().code == ErrorCode::InvalidArgument);
    }

    // The ramp stands as high in a branch as in its run, from the first sampled token on.
    void aBranchStandsOnTheRampOfItsRun() {
        const RunRequest r = request({"budget:tokens=40,ramp=40,ramp_begin=0.2,message=\" So\""});
        const WholeRun run = wholeRun(r);
        const std::vector<TokenId> whole = idsOf(run.trace);
        QVERIFY(whole != idsOf(wholeRun(request({"budget:tokens=40,message=\" So\""})).trace));  // it acts
        for (std::size_t at = 1; at < whole.size(); at += kSanitized ? 13 : 1) {
            const TokenRecord& token = run.trace.points()[at].token;
            if (token.injected) continue;
            const WholeRun again = wholeRun(branchRequest(run.trace, RunId{1}, token.pos, token.id));
            QCOMPARE(idsOf(again.trace),
                     std::vector<TokenId>(whole.begin() + static_cast<std::ptrdiff_t>(at), whole.end()));
        }
        for (const char* draft : {"ngram", "chain:length=4", "tree"}) {
            RunRequest drafted = r;
            drafted.draft.method = parseMethodChoice(draft).value();
            drafted.draft.path = (shippedModel().parent_path() / "quibble-nano-draft.gguf").string();
            QVERIFY2(sameTokens(run.trace, wholeRun(drafted).trace), draft);
        }
    }

    // With the same noise, each rule that turned a choice is named.
    void turnsAreToldOfTheRuleThatMadeThem() {
        RunRequest r = request({}, {"cyclic:amplitude=8,period=8,words=spaced"});
        r.penalty.strength = 2;
        r.sampler.temperature = 1.2;
        r.max_tokens = 300;
        const WholeRun run = wholeRun(r);
        const auto& acts = run.trace.ruleActs();
        QVERIFY(!acts.empty());
        for (const RuleAct& act : acts) {
            const TokenRecord& token =
                run.trace.points()[static_cast<std::size_t>(act.pos - run.trace.firstPosition())].token;
            QVERIFY(token.intervened() && act.kind == RuleAct::Kind::Turned);
        }
        for (const TracePoint& point : run.trace.points()) {
            const auto told = [&](const RuleAct& act) { return act.pos == point.token.pos; };
            QCOMPARE(std::any_of(acts.begin(), acts.end(), told), point.token.intervened());
        }
    }

    void rulesChangeWhileARunGoesOn() {
        const RunRequest r = request({"budget:tokens=100000,message=\" So\""});
        auto opened = openRunModels(models(), r, {});
        CpuDevice device(1);
        auto loop = RunLoop::create(r, std::move(*opened), device).value();
        std::vector<RunEvent> events{loop->provenance()};
        QCOMPARE(loop->provenance().rules[1], r.control[0].text());
        QVERIFY(loop->runToEnd(events, 10));
        QVERIFY(!loop->setControl("rule:1:tokens", -1, events) && !loop->setControl("rule:2:tokens", 1, events) &&
                !loop->setControl("rule:1:nothing", 1, events) && !loop->setControl("rule:x", 1, events));
        QVERIFY(loop->setControl("rule:1:tokens", 4, events));
        QVERIFY(loop->step(events, {}));
        RunTrace trace(r);
        for (const RunEvent& event : events) trace.apply(event);
        QVERIFY(trace.points().back().token.injected);
        QCOMPARE(trace.controls().back().key, std::string("rule:1:tokens"));
        // The change is repeated at its position.
        QVERIFY(loop->runToEnd(events, 40));
        RunTrace whole(r);
        for (const RunEvent& event : events) whole.apply(event);
        ModelCache cache;
        const auto report = replayRun(whole, r, cache, device);
        QVERIFY2(report && !report->difference, report ? "differs" : report.error().line().c_str());
    }

    void theStagesLeadToTheToken() {
        RunRequest r =
            request({"budget:tokens=30"}, {"ban:words=\"wait, but\"", "cyclic:amplitude=6,period=8,words=spaced"});
        r.penalty.strength = 2;
        r.sampler = {0.8, 40, 0.95, 0.02};
        r.top_alternatives = 8;
        auto opened = openRunModels(models(), r, {});
        CpuDevice device(1);
        auto loop = RunLoop::create(r, std::move(*opened), device).value();
        loop->showStages();
        std::vector<RunEvent> events{loop->provenance()};
        QVERIFY(loop->runToEnd(events));
        RunTrace trace(r);
        for (const RunEvent& event : events) trace.apply(event);
        // Looking on changes nothing.
        QVERIFY(sameTokens(trace, wholeRun(r).trace));
        bool all_rules = false;
        for (const TracePoint& point : trace.points()) {
            const TokenStages* stages = trace.stagesAt(point.token.pos);
            QVERIFY(stages != nullptr);
            std::vector<std::string> names;
            for (const TokenStage& stage : stages->stages) {
                names.push_back(stage.name);
                QVERIFY(!stage.candidates.empty() && stage.candidates.size() <= 8 && stage.dropped >= 0);
                QVERIFY(
                    std::is_sorted(stage.candidates.begin(), stage.candidates.end(),
                                   [](const Alternative& a, const Alternative& b) { return a.logprob > b.logprob; }));
            }
            QCOMPARE(names.front(), std::string("raw"));
            QCOMPARE(stages->stages.front().candidates, point.token.top);
            QCOMPARE(names.back(), std::string("chosen"));
            QCOMPARE(stages->stages.back().candidates.front().id, point.token.id);
            const auto temperature = std::find(names.begin(), names.end(), "temperature");
            QVERIFY(std::equal(temperature, names.end(),
                               std::vector<std::string>{"temperature", "top_k", "top_p", "min_p", "chosen"}.begin()));
            all_rules = all_rules || names.size() == 9;
            if (point.token.injected) continue;
            // A sampled token is among what the last filter leaves, and its probability is that of the stage.
            QVERIFY(!std::isnan(stages->stages.back().candidates.front().logprob));
            const TokenStage& last = stages->stages[stages->stages.size() - 2];
            const auto found = std::find_if(last.candidates.begin(), last.candidates.end(),
                                            [&](const Alternative& one) { return one.id == point.token.id; });
            if (found != last.candidates.end())
                QCOMPARE(found->logprob, stages->stages.back().candidates.front().logprob);
        }
        QVERIFY(all_rules);
    }

    void textsEndWhereTheyMayBeCut() {
        const auto ids = [](const char* text) { return tokenizer().encode(text); };
        const TokenId space = tokenizer().encode(" ").front(), letter = tokenizer().encode("q").front(),
                      digit = tokenizer().encode("1").front();
        QVERIFY(sentenceEndsBefore(tokenizer(), ids("It is 7."), space));
        QVERIFY(sentenceEndsBefore(tokenizer(), ids("Is it 7?\" "), letter));
        QVERIFY(sentenceEndsBefore(tokenizer(), ids("a line\n"), letter));
        QVERIFY(!sentenceEndsBefore(tokenizer(), ids("It is"), space));
        QVERIFY(!sentenceEndsBefore(tokenizer(), {}, space));
        QVERIFY(!sentenceEndsBefore(tokenizer(), ids("It is 3."), digit));
        QVERIFY(!sentenceEndsBefore(tokenizer(), ids("a line\n12."), space));
        QVERIFY(sentenceEndsBefore(tokenizer(), ids("a line of 12."), space));
        QVERIFY(sentenceEndsBefore(tokenizer(), ids("完。"), letter));
        QVERIFY(!endsInsideCharacter(tokenizer(), ids("Zeit läuft €")));
        const std::vector<TokenId> euro = tokenizer().encode("€");
        if (euro.size() > 1) QVERIFY(endsInsideCharacter(tokenizer(), std::span(euro).first(euro.size() - 1)));
    }
};

QTEST_GUILESS_MAIN(TestControl)
#include "tst_control.moc"
