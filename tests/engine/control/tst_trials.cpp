// Rules that let the model answer on trial, read the reply behind a second prompt, or take text back, in whole runs of
// the shipped models.
#include <QTest>

#include <algorithm>
#include <bit>

#include "engine/run/branch.h"
#include "engine/run/distribution.h"
#include "engine/run/replay.h"
#include "engine/values/run_json.h"
#include "tests/support/golden.h"
#include "tests/support/sanitized.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

constexpr const char* kPrompt = "Tom has 57 coins. Then gets 68 more. Then loses 19. How many coins now?";

std::string shipped(const char* name) { return (shippedModel().parent_path() / name).string(); }

RunRequest request(const std::vector<std::string>& control, const std::vector<std::string>& logits = {},
                   const char* model = "quibble-nano.gguf") {
    RunRequest r;
    r.model_path = shipped(model);
    r.prompt = kPrompt;
    r.max_tokens = 160;
    r.seed = 7;
    for (const std::string& text : control) r.control.push_back(parseMethodChoice(text).value());
    for (const std::string& text : logits) r.logits.push_back(parseMethodChoice(text).value());
    return r;
}

const Tokenizer& tokenizer() {
    static const auto model = models().get(shippedModel(), {}).value();
    return *model->tokenizer();
}

std::vector<TokenId> idsOf(const RunTrace& trace) {
    std::vector<TokenId> ids;
    for (const TracePoint& point : trace.points()) ids.push_back(point.token.id);
    return ids;
}

std::string textOf(const RunTrace& trace) { return tokenizer().decode(idsOf(trace)); }

// Equal in everything that is measured; times differ.
bool sameMeasurements(const RunTrace& a, const RunTrace& b) {
    return std::equal(a.points().begin(), a.points().end(), b.points().begin(), b.points().end(),
                      [](const TracePoint& x, const TracePoint& y) {
                          TokenRecord first = x.token, second = y.token;
                          first.time_ns = second.time_ns = 0;
                          return first == second && std::bit_cast<std::uint32_t>(x.reference.kl) ==
                                                        std::bit_cast<std::uint32_t>(y.reference.kl);
                      });
}

std::vector<RuleAct> actsOf(const RunTrace& trace, RuleAct::Kind kind) {
    std::vector<RuleAct> acts;
    for (const RuleAct& act : trace.ruleActs()) {
        if (act.kind == kind) acts.push_back(act);
    }
    return acts;
}

// What the model says of each token of the text as it stands at last, read from the beginning: the logits that were
// measured are those of this text and of no other.
bool measuredOnThisText(const RunTrace& trace) {
    const auto model = models().get(trace.request().model_path, {}).value();
    CpuDevice device(2);
    auto sequence = Sequence::create(model, device, trace.provenance().context, {}).value();
    std::vector<TokenId> text = trace.provenance().prompt_tokens;
    const std::vector<TokenId> reply = idsOf(trace);
    text.insert(text.end(), reply.begin(), reply.end());
    const auto vocab = static_cast<std::size_t>(model->config().vocab_size);
    std::vector<float> logits((reply.size() + 1) * vocab);
    if (!sequence->append(text, static_cast<std::int64_t>(reply.size() + 1), logits.data())) return false;
    for (std::size_t i = 0; i < reply.size(); ++i) {
        const std::span<const float> row(logits.data() + i * vocab, vocab);
        kernels::LogitStats stats;
        kernels::ops().logitStats(row.data(), static_cast<std::int64_t>(vocab), &stats);
        const TokenRecord& token = trace.points()[i].token;
        if (token.pos != trace.firstPosition() + static_cast<Position>(i)) return false;
        if (token.top != topAlternatives(row, stats.log_sum_exp, trace.request().top_alternatives)) return false;
        if (token.rank != rankOf(row, token.id)) return false;
    }
    return true;
}

void repeats(const RunTrace& trace, const RunRequest& r) {
    ModelCache cache;
    CpuDevice device(2);
    const auto report = replayRun(trace, r, cache, device);
    QVERIFY2(report, report ? "" : report.error().line().c_str());
    QVERIFY2(!report->difference, report->difference ? report->difference->field.c_str() : "");
    QCOMPARE(report->tokens, std::ssize(trace.points()));
}

// The run that follows `trace` and puts at a position what stands there anyway goes on as that did.
void branchesGoOn(const RunTrace& trace, std::size_t from, std::size_t step) {
    const std::vector<TokenId> whole = idsOf(trace);
    for (std::size_t at = from; at < whole.size(); at += step) {
        const TokenRecord& token = trace.points()[at].token;
        if (token.injected) continue;
        const RunRequest branch = branchRequest(trace, RunId{1}, token.pos, token.id);
        const WholeRun again = wholeRun(runRequestFromJson(toJson(branch)).value());
        QCOMPARE(idsOf(again.trace),
                 std::vector<TokenId>(whole.begin() + static_cast<std::ptrdiff_t>(at), whole.end()));
    }
}

std::string refusal(const RunRequest& r) {
    auto opened = openRunModels(models(), r, {});
    if (!opened) return opened.error().line();
    CpuDevice device(1);
    const auto loop = RunLoop::create(r, std::move(*opened), device);
    return loop ? "" : loop.error().line();
}

}  // namespace

class TestTrials : public QObject {
    Q_OBJECT
private slots:
    void trialsChangeNoBit_data() {
        QTest::addColumn<QString>("control");
        for (const char* control :
             {"deer:threshold=1,word=\" =\",probes=1000", "k_stable:k=100,length=12", "eat:warm_up=10000"})
            QTest::newRow(control) << control;
    }
    void trialsChangeNoBit() {
        QFETCH(const QString, control);
        for (const char* model : {"quibble-nano-moe.gguf", "quibble-nano.gguf"}) {
            // Blank lines, which this model does not write by itself.
            const std::vector<std::string> others{"wait_injection:times=3,text=\"So\\n\\n\""};
            RunRequest plain = request(others, {"loop_stop:times=2,length=3"}, model), ruled = plain;
            ruled.control.push_back(parseMethodChoice(control.toStdString()).value());
            for (const char* draft : {"none", "ngram"}) {
                if (kSanitized && std::string_view(draft) != "none") continue;
                plain.draft.method = ruled.draft.method = parseMethodChoice(draft).value();
                const WholeRun a = wholeRun(plain), b = wholeRun(ruled);
                QVERIFY(a.trace.points().size() > 20);
                QVERIFY(sameMeasurements(a.trace, b.trace));
                QCOMPARE(actsOf(a.trace, RuleAct::Kind::Injected), actsOf(b.trace, RuleAct::Kind::Injected));
                QCOMPARE(a.trace.tokenExperts(), b.trace.tokenExperts());
                QCOMPARE(a.trace.expertPasses().size(), b.trace.expertPasses().size());
                for (std::size_t i = 0; i < a.trace.expertPasses().size(); ++i)
                    QCOMPARE(a.trace.expertPasses()[i].expert_bytes, b.trace.expertPasses()[i].expert_bytes);
                const auto looks = actsOf(b.trace, RuleAct::Kind::Looked);
                QVERIFY2(!looks.empty(), model);
                for (const RuleAct& look : looks) QVERIFY(look.tokens > 0 && !look.why.empty());
            }
            if (kSanitized) break;
        }
    }

    void aSureAnswerEndsTheThought() {
        const RunRequest r = request({"deer:threshold=-1,word=\" =\""});
        const WholeRun run = wholeRun(r), plain = wholeRun(request({}));
        const auto acts = actsOf(run.trace, RuleAct::Kind::Injected);
        QCOMPARE(acts.size(), std::size_t{1});
        QCOMPARE(actsOf(run.trace, RuleAct::Kind::Looked).size(), std::size_t{1});
        const auto at = static_cast<std::size_t>(acts[0].pos - run.trace.firstPosition());
        // The word is not said, and up to there the text is that of the run without the rule.
        const std::vector<TokenId> ids = idsOf(run.trace), all = idsOf(plain.trace);
        QVERIFY(std::equal(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(at), all.begin()));
        QCOMPARE(tokenizer().decode({all[at]}), std::string(" ="));
        QVERIFY(run.trace.points()[at].token.injected);
        QVERIFY2(textOf(run.trace).find("\n</think>\n\n") != std::string::npos, textOf(run.trace).c_str());
        QVERIFY(!run.trace.points().back().token.thinking);
        repeats(run.trace, r);
    }

    // The answer on trial is what the model says when it is asked to: the probe is a text like any other.
    void trialsReadWhatTheModelWouldSay() {
        const WholeRun run = wholeRun(request({"k_stable:k=100,length=16"}));
        const auto looks = actsOf(run.trace, RuleAct::Kind::Looked);
        QVERIFY(!looks.empty());
        for (const RuleAct& look : std::span(looks).first(kSanitized ? 1 : looks.size())) {
            RunRequest asked = request({});
            asked.recorded_prompt.tokens = run.provenance.prompt_tokens;
            for (const TracePoint& point : run.trace.points()) {
                if (point.token.pos < look.pos) asked.recorded_prompt.tokens.push_back(point.token.id);
            }
            const auto probe =
                tokenizer().encode("\n</think>\n\nFinal answer:", {.parse_special = true, .continuation = true});
            auto& tokens = asked.recorded_prompt.tokens;
            tokens.insert(tokens.end(), probe.begin(), probe.end());
            asked.sampler.temperature = 0;
            asked.max_tokens = 16;
            const std::string said = textOf(wholeRun(asked).trace);
            const std::string answer = look.why.starts_with("answer ") ? look.why.substr(7) : "";
            QVERIFY2(said.find(answer) != std::string::npos, (look.why + " | " + said).c_str());
        }
    }

    void branchesKnowWhatWasFound() {
        for (const char* control : {"k_stable:k=2,length=12", "deer:threshold=1,word=\" =\",probes=2",
                                    "deer:threshold=0.9999999,word=\" =\",probes=3,mean=minimum"}) {
            const RunRequest r = request({control});
            const WholeRun run = wholeRun(r);
            QVERIFY2(!run.trace.ruleActs().empty(), control);
            branchesGoOn(run.trace, 2, kSanitized ? 37 : 5);
            repeats(run.trace, r);
        }
        RunRequest wrong = request({"deer"});
        wrong.branch = {RunId{1}, 5, {1, 2, 3}};
        wrong.branch.looks = {"3@5 sure 0.5"};
        QVERIFY(refusal(wrong).find("rule") != std::string::npos);
    }

    void trialsDoNotGoWithExpertsLeftOut() {
        RunRequest r = request({"deer"}, {}, "quibble-nano-moe.gguf");
        r.experts = parseMethodChoice("moe_spec").value();
        r.draft.method = parseMethodChoice("ngram").value();
        QVERIFY(refusal(r).find("on trial") != std::string::npos);
    }

    void theSamePromptTwiceIsNoContrast() {
        for (const char* draft : {"none", "ngram", "chain:length=3"}) {
            RunRequest plain = request({}), ruled = plain;
            ruled.logits.push_back({"contrast", {{"alpha", 0.7}, {"prompt", kPrompt}}});
            plain.draft.method = ruled.draft.method = parseMethodChoice(draft).value();
            plain.draft.path = ruled.draft.path = shipped("quibble-nano-draft.gguf");
            RunTrace a = wholeRun(plain).trace, b = wholeRun(ruled).trace;
            QCOMPARE(idsOf(a), idsOf(b));
            for (std::size_t i = 0; i < a.points().size(); ++i) {
                QCOMPARE(a.points()[i].token.top, b.points()[i].token.top);
                QCOMPARE(b.points()[i].token.top_after, b.points()[i].token.top);
            }
        }
    }

    void aSecondPromptPullsAway() {
        RunRequest r = request({}, {"contrast:alpha=1.5,prompt=\"How many coins now?\""});
        r.sampler.temperature = 0;
        const WholeRun run = wholeRun(r);
        QVERIFY(!run.provenance.second_prompt_tokens.empty());
        QVERIFY(run.provenance.second_prompt_tokens != run.provenance.prompt_tokens);
        // The likeliest token by the formula, from two texts that are read by themselves.
        const auto model = models().get(r.model_path, {}).value();
        const auto vocab = static_cast<std::size_t>(model->config().vocab_size);
        CpuDevice device(2);
        const std::vector<TokenId> reply = idsOf(run.trace);
        std::vector<std::vector<float>> rows;
        for (const auto* prompt : {&run.provenance.prompt_tokens, &run.provenance.second_prompt_tokens}) {
            auto sequence = Sequence::create(model, device, 2048, {}).value();
            std::vector<TokenId> text = *prompt;
            text.insert(text.end(), reply.begin(), reply.end());
            rows.emplace_back((reply.size() + 1) * vocab);
            QVERIFY(sequence->append(text, static_cast<std::int64_t>(reply.size() + 1), rows.back().data()));
        }
        int turned = 0;
        for (std::size_t i = 0; i < reply.size(); ++i) {
            std::vector<float> z(vocab);
            for (std::size_t v = 0; v < vocab; ++v) {
                const double with = static_cast<double>(rows[0][i * vocab + v]);
                z[v] = static_cast<float>(with + 1.5 * (with - static_cast<double>(rows[1][i * vocab + v])));
            }
            QCOMPARE(std::distance(z.begin(), std::max_element(z.begin(), z.end())), std::ptrdiff_t{reply[i]});
            turned += run.trace.points()[i].token.intervened() ? 1 : 0;
        }
        QVERIFY(turned > 0);
        repeats(run.trace, r);
        branchesGoOn(run.trace, 3, kSanitized ? 61 : 9);
        for (const char* draft : {"ngram", "tree", "self"}) {
            RunRequest drafted = r;
            drafted.draft.method = parseMethodChoice(draft).value();
            drafted.draft.path = shipped("quibble-nano-draft.gguf");
            if (const std::string why = refusal(drafted); !why.empty()) {
                QVERIFY2(why.find("second prompt") != std::string::npos, why.c_str());
                continue;
            }
            QVERIFY2(sameMeasurements(run.trace, wholeRun(drafted).trace), draft);
        }
        RunRequest twice = r;
        twice.logits.push_back(twice.logits.front());
        QVERIFY(refusal(twice).find("second prompt") != std::string::npos);
    }

    void hintsArePutIntoTheThought() {
        const std::string hint = "(short!)";
        const RunRequest r = request({"concise_hint:alpha=12,beta=0,most=12,hints=3,hint=\"" + hint + "\""});
        const WholeRun run = wholeRun(r);
        const auto acts = actsOf(run.trace, RuleAct::Kind::Injected);
        QVERIFY2(!acts.empty(), textOf(run.trace).c_str());
        std::size_t found = 0;
        const std::string text = textOf(run.trace);
        for (std::size_t at = text.find(hint); at != std::string::npos; at = text.find(hint, at + 1)) ++found;
        QCOMPARE(found, acts.size());
        QVERIFY(measuredOnThisText(run.trace));
        // Every token has its KL in the text as it stands: of the model against itself that is 0.
        for (const TracePoint& point : run.trace.points()) {
            QVERIFY(point.hasReference());
            QCOMPARE(point.reference.kl, 0.0F);
        }
        for (const RuleAct& act : acts) {
            for (Position pos = act.pos; pos < act.pos + act.tokens; ++pos) {
                const auto at = static_cast<std::size_t>(pos - run.trace.firstPosition());
                QVERIFY(run.trace.points()[at].token.injected);
            }
            // The tail of the chunk was sampled, before.
            const auto behind = static_cast<std::size_t>(act.pos + act.tokens - run.trace.firstPosition());
            QVERIFY(!run.trace.points()[behind].token.injected && !run.trace.points()[behind].token.intervened());
        }
        repeats(run.trace, r);
        const auto last = static_cast<std::size_t>(acts.back().pos - run.trace.firstPosition());
        branchesGoOn(run.trace, last + 16, kSanitized ? 25 : 3);
    }

    // A change may come while a position is reached for the second time; a repetition knows which time it was.
    void changesAreRepeatedInTheTextTheyWereMadeIn() {
        RunRequest r = request({"concise_hint:alpha=10,beta=0,most=10,hint=\"(short and to the point!)\""});
        r.max_tokens = 120;
        for (int every = 1; every < 8; every += kSanitized ? 5 : 1) {
            auto opened = openRunModels(models(), r, {});
            CpuDevice device(2);
            auto loop = RunLoop::create(r, std::move(*opened), device).value();
            std::vector<RunEvent> events{loop->provenance()};
            QVERIFY(loop->runToEnd(events, 1));
            for (int steps = 0; !loop->finished(); ++steps) {
                if (steps % every == 0) QVERIFY(loop->setControl("temperature", steps % 2 == 0 ? 0.2 : 1.3, events));
                if (steps == 3) QVERIFY(loop->setControl("rule:1:hint", ParamValue("(be brief)"), events));
                QVERIFY(loop->step(events, {}));
            }
            QVERIFY(loop->flushReference(events, {}));
            events.emplace_back(loop->closing());
            RunTrace trace(r);
            for (const RunEvent& event : events) trace.apply(event);
            QVERIFY(measuredOnThisText(trace));
            repeats(trace, r);
        }
    }

    void whatTakesTextBackGoesAlone() {
        RunRequest drafted = request({"concise_hint"});
        drafted.draft.method = parseMethodChoice("ngram").value();
        QVERIFY(refusal(drafted).find("takes text back") != std::string::npos);
        QVERIFY(refusal(request({"concise_hint", "deer"})).find("takes text back") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TestTrials)
#include "tst_trials.moc"
