// The stages of one token, computed again when somebody asks, are bit for bit those that the run gave while it went on;
// and the table that is made of them says the same.
#include <QTest>

#include <cmath>

#include "engine/cache/prefix_cache.h"
#include "engine/run/branch.h"
#include "engine/run/token_stages.h"
#include "tests/support/golden.h"
#include "tests/support/sanitized.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

constexpr int kAll = 1 << 30;

/// A live change in front of the generated token of that number.
struct Change {
    std::size_t token;
    const char* key;
    double value;
};

RunRequest request(const std::vector<std::string>& logits, const std::vector<std::string>& control = {}) {
    RunRequest r;
    r.model_path = shippedModel().string();
    r.prompt = "Tom has 57 coins. Then gets 68 more. Then loses 19. How many coins now?";
    r.reference.kind = ReferenceKind::None;
    r.max_tokens = 90;
    r.seed = 7;
    for (const std::string& text : logits) r.logits.push_back(parseMethodChoice(text).value());
    for (const std::string& text : control) r.control.push_back(parseMethodChoice(text).value());
    return r;
}

// A loop is stopped after few tokens, so that the rule acts in a short run.
RunRequest everything() {
    RunRequest r = request(
        {"cyclic:amplitude=4,period=20,words=spaced", "ban:words=\"yes, again\"", "loop_stop:times=2,length=1"});
    r.penalty.strength = 2;
    r.sampler = {.temperature = 1.1, .top_k = 40, .top_p = 0.97, .min_p = 0.01};
    return r;
}

/// The run as `run --stages` makes it.
RunTrace liveRun(const RunRequest& request, const std::vector<Change>& changes = {}, const RunTrace* parent = nullptr) {
    auto opened = openRunModels(models(), request, {});
    if (!opened) qFatal("%s", opened.error().line().c_str());
    CpuDevice device(2);
    auto loop = RunLoop::create(request, std::move(*opened), device);
    if (!loop) qFatal("%s", loop.error().line().c_str());
    (*loop)->showStages();
    std::vector<RunEvent> events{(*loop)->provenance()};
    const Position first = static_cast<Position>((*loop)->provenance().prompt_tokens.size());
    for (bool complete = false; !complete;) complete = (*loop)->prefillChunk(events, {}).value();
    std::size_t made = 0;
    while (!(*loop)->finished()) {
        const auto next = static_cast<std::size_t>((*loop)->position() - first);
        for (; made < changes.size() && changes[made].token <= next; ++made) {
            if (auto set = (*loop)->setControl(changes[made].key, changes[made].value, events); !set)
                qFatal("%s", set.error().line().c_str());
        }
        if (auto stepped = (*loop)->step(events, {}); !stepped) qFatal("%s", stepped.error().line().c_str());
    }
    if (auto flushed = (*loop)->flushReference(events, {}); !flushed) qFatal("%s", flushed.error().line().c_str());
    RunTrace trace(request);
    if (parent != nullptr) trace.inherit(*parent, request.branch.pos);
    for (const RunEvent& event : events) trace.apply(event);
    return trace;
}

TokenStagesFound found(const RunTrace& run, Position pos, int rows, PrefixCache& prefixes) {
    const auto question = askForStages(run, pos, rows);
    if (!question) qFatal("%s", question.error().line().c_str());
    CpuDevice device(2);
    auto result = findStages(*question, models(), device, prefixes);
    if (!result) qFatal("%s", result.error().line().c_str());
    return *result;
}

/// How many tokens had another column behind "raw" of that name.
int actedAt(const RunTrace& run, const std::string& rule) {
    int acted = 0;
    for (const TracePoint& point : run.points()) {
        const TokenStages* stages = run.stagesAt(point.token.pos);
        for (std::size_t i = 1; stages != nullptr && i < stages->stages.size(); ++i)
            acted += stages->stages[i].name == rule ? 1 : 0;
    }
    return acted;
}

double p(float logprob) { return std::exp(static_cast<double>(logprob)); }

}  // namespace

class TestTokenStages : public QObject {
    Q_OBJECT

    // Every sampled token of the run's own.
    static void compareAll(const RunTrace& run) {
        PrefixCache prefixes(std::size_t{64} << 20);
        int compared = 0;
        // From the end, so that the rest of the text is computed once.
        const auto own = run.ownPoints();
        for (auto point = own.rbegin(); point != own.rend(); ++point) {
            const TokenRecord& token = point->token;
            if (kSanitized && token.pos % 5 != 0) continue;
            if (token.injected) {
                QVERIFY(!askForStages(run, token.pos, 12));
                continue;
            }
            const TokenStages* live = run.stagesAt(token.pos);
            QVERIFY(live != nullptr);
            const TokenStagesFound again = found(run, token.pos, 12, prefixes);
            if (again.table.moved) {  // its own noise was that of another place; the stages are those of this one
                auto here = again.stages.stages, then = live->stages;
                here.pop_back();
                then.pop_back();
                QVERIFY(here == then);
                continue;
            }
            QVERIFY2(again.stages == *live, qPrintable(QStringLiteral("position %1").arg(token.pos)));
            QCOMPARE(again.table.takes, token.id);  // the noise is the same
            QCOMPARE(again.table.columns.front().takes, token.without_penalty_id);
            ++compared;
        }
        QVERIFY2(compared > (kSanitized ? 3 : 20), qPrintable(QString::number(compared)));
    }

private slots:
    void theStagesAreThoseOfTheLiveRun_data() {
        QTest::addColumn<QString>("which");
        for (const char* which : {"everything", "no rules", "greedy", "quantized", "short keys", "wait injection",
                                  "budget", "drafted", "experts", "with a reference", "two prompts", "trials", "hints"})
            QTest::newRow(which) << QString::fromLatin1(which);
    }
    void theStagesAreThoseOfTheLiveRun() {
        QFETCH(const QString, which);
        RunRequest r = everything();
        if (which == QLatin1String("no rules")) r = request({});
        if (which == QLatin1String("greedy")) r.sampler.temperature = 0;
        if (which == QLatin1String("quantized")) r.weight_quant = parseMethodChoice("rtn:bits=3,group=64").value();
        if (which == QLatin1String("short keys")) r.kv_type = KvType::Q8_0;
        if (which == QLatin1String("wait injection")) {
            r = request({}, {"wait_injection:times=2,text=\" Wait\""});
            r.max_tokens = 200;
        }
        if (which == QLatin1String("budget"))
            r = request({}, {"budget:tokens=40,ramp=20,ramp_begin=0.2,message=\" So\""});
        if (which == QLatin1String("drafted")) r.draft.method = parseMethodChoice("ngram").value();
        if (which == QLatin1String("experts"))
            r.model_path = (shippedModel().parent_path() / "quibble-nano-moe.gguf").string();
        if (which == QLatin1String("with a reference")) r.reference.kind = ReferenceKind::Unquantized;
        if (which == QLatin1String("two prompts")) {
            r = request(
                {"contrast:alpha=0.5,prompt=\"How many coins does Tom have, if he had some coins before and then a "
                 "few more, and then lost a part of them again?\"",
                 "cyclic:amplitude=3,period=20,words=spaced"});
        }
        if (which == QLatin1String("trials"))
            r = request({}, {"deer:threshold=0.99,word=\" Then\"", "budget:tokens=60,ramp=9"});
        if (which == QLatin1String("hints")) {
            r = request({"loop_stop:times=2,length=1"}, {"concise_hint:alpha=12,beta=0,hint=\" Now\""});
            r.penalty.strength = 1;
        }
        RunTrace run = liveRun(r);
        if (which == QLatin1String("everything")) {
            // A text in which something is said twice, so that the loop stop acts too.
            for (; actedAt(run, "loop_stop") == 0 && r.seed < 40; ++r.seed) run = liveRun(r);
            for (const char* rule : {"marker_penalty", "cyclic", "ban", "loop_stop", "top_k", "top_p", "min_p"})
                QVERIFY2(actedAt(run, rule) > 0, rule);
        }
        // Right behind the word the end of the thought is banned: a state that only the rule itself knows.
        if (which == QLatin1String("wait injection")) QVERIFY(actedAt(run, "wait_injection") > 0);
        if (which == QLatin1String("budget")) QVERIFY(actedAt(run, "budget") > 0);
        if (which == QLatin1String("two prompts")) {
            QVERIFY(actedAt(run, "contrast") > 20);
            QVERIFY(run.provenance().second_prompt_tokens.size() > run.provenance().prompt_tokens.size());
        }
        if (which == QLatin1String("trials") || which == QLatin1String("hints")) QVERIFY(!run.ruleActs().empty());
        if (which == QLatin1String("drafted")) QVERIFY(!run.draftRounds().empty());
        compareAll(run);
        const auto moved = [&](const TracePoint& point) {
            PrefixCache prefixes(std::size_t{64} << 20);
            return !point.token.injected && found(run, point.token.pos, 1, prefixes).table.moved;
        };
        QCOMPARE(std::any_of(run.points().begin(), run.points().end(), moved), which == QLatin1String("hints"));
    }

    void liveControlsAreFollowed() {
        const RunTrace run = liveRun(everything(), {{15, "penalty", 5},
                                                    {20, "rule:1:amplitude", -6},
                                                    {30, "temperature", 0.7},
                                                    {30, "top_k", 0},
                                                    {35, "rule:3:times", 3},
                                                    {40, "word: but", 0},
                                                    {45, "min_p", 0.1},
                                                    {50, "max_tokens", 70}});
        QCOMPARE(run.controls().size(), std::size_t{8});
        compareAll(run);
        // In front of the change another temperature held than behind it.
        PrefixCache prefixes(std::size_t{64} << 20);
        const auto temperature = [&](std::size_t token) {
            const StageTable table = found(run, run.points()[token].token.pos, 12, prefixes).table;
            const auto is = [](const StageColumn& column) { return column.name == "temperature"; };
            return std::find_if(table.columns.begin(), table.columns.end(), is)->setting;
        };
        QCOMPARE(temperature(29), 1.1);
        QCOMPARE(temperature(30), 0.7);
    }

    void aBranchIsFollowed() {
        const RunTrace parent = liveRun(everything(), {{10, "rule:1:amplitude", -6}});
        const TokenRecord& left = parent.points()[25].token;
        TokenId other = left.top[0].id == left.id ? left.top[1].id : left.top[0].id;
        RunRequest r = branchRequest(parent, RunId{1}, left.pos, other);
        r.max_tokens = 120;
        const RunTrace branch = liveRun(r, {{60, "penalty", -3}}, &parent);
        QCOMPARE(branch.inherited().points, std::size_t{25});
        compareAll(branch);
        // What stands before the branch is asked of the parent.
        const Position before = parent.points()[20].token.pos;
        QVERIFY(chosenByParent(branch, before));
        QVERIFY(!chosenByParent(branch, left.pos) && !chosenByParent(parent, before));
        const auto refused = askForStages(branch, before, 12);
        QVERIFY(!refused && refused.error().what.find("branch left") != std::string::npos);
        // A branch of the branch.
        const RunTrace third =
            liveRun(branchRequest(branch, RunId{2}, branch.points()[40].token.pos, other), {}, &branch);
        compareAll(third);
    }

    void theTableSaysWhatTheStagesSay() {
        const RunTrace run = liveRun(everything());
        PrefixCache prefixes(std::size_t{64} << 20);
        int turned = 0, banned = 0, dropped = 0;
        for (const TracePoint& point : run.points()) {
            const TokenRecord& token = point.token;
            const auto [stages, table] = found(run, token.pos, kAll, prefixes);
            QCOMPARE(table.rows(), run.provenance().vocab_size);
            QCOMPARE(table.vocabulary, run.provenance().vocab_size);
            QCOMPARE(table.columns.size() + 1, stages.stages.size());
            for (std::size_t i = 0; i < table.columns.size(); ++i) {
                const StageColumn& column = table.columns[i];
                QCOMPARE(column.name, stages.stages[i].name);
                QCOMPARE(column.dropped, stages.stages[i].dropped);
                QCOMPARE(column.others, 0.0);
                double sum = 0;
                std::int64_t kept = 0;
                for (const float logprob : column.logprob) {
                    sum += p(logprob);
                    kept += std::isinf(logprob) ? 0 : 1;
                }
                QVERIFY2(std::abs(sum - 1) < 1e-5, qPrintable(QString::number(sum)));
                QCOMPARE(kept, column.kept);
                for (const Alternative& candidate : stages.stages[i].candidates) {
                    const auto row = std::find(table.ids.begin(), table.ids.end(), candidate.id) - table.ids.begin();
                    const float logprob = column.logprob[static_cast<std::size_t>(row)];
                    QVERIFY(logprob == candidate.logprob || (std::isinf(logprob) && candidate.logprob < -1e6F));
                }
                banned += column.banned > 0 ? 1 : 0;
                dropped += column.dropped > 0 ? 1 : 0;
            }
            // The raw order, and the winner of ln p + noise.
            QVERIFY(std::is_sorted(table.columns[0].logprob.rbegin(), table.columns[0].logprob.rend()));
            std::size_t best = 0;
            for (std::size_t row = 0; row < table.score.size(); ++row) {
                QCOMPARE(std::isnan(table.score[row]), std::isinf(table.columns.back().logprob[row]));
                if (!(table.score[row] <= table.score[best])) best = std::isnan(table.score[row]) ? best : row;
            }
            QCOMPARE(table.ids[best], token.id);
            QCOMPARE(table.texts[best], std::string(run.text(token.id)));
            // The rules that turned the choice are those of the run's own record.
            TokenId before = table.columns[0].takes;
            std::vector<int> turners;
            for (const StageColumn& column : table.columns) {
                if (column.rule < 0) continue;
                if (column.takes != before) turners.push_back(column.rule);
                before = column.takes;
            }
            QCOMPARE(before, token.id);
            std::vector<int> recorded;
            for (const RuleAct& act : run.ruleActs()) {
                if (act.pos == token.pos && act.kind == RuleAct::Kind::Turned) recorded.push_back(act.rule);
            }
            if (token.id != token.without_penalty_id) QCOMPARE(turners, recorded);
            turned += turners.empty() ? 0 : 1;
            // What the rules leave, and what they added.
            if (!token.top_after.empty()) {
                QVERIFY(std::equal(token.top_after.begin(), token.top_after.end(), table.after.begin()));
            } else {
                QVERIFY(table.after.empty());
            }
            for (const StageColumn& column : table.columns) {
                const auto touched = std::count(column.touched.begin(), column.touched.end(), true);
                QCOMPARE(touched, column.changed + column.banned);
                if (column.name == "marker_penalty") QVERIFY(std::abs(column.least + 2) < 1e-4 && column.changed > 0);
                if (column.name == "ban") QVERIFY(column.banned > 0 && column.changed == 0);
            }
            const auto rules = std::count_if(table.columns.begin(), table.columns.end(),
                                             [](const StageColumn& column) { return column.rule >= 0; });
            QCOMPARE(rules + std::ssize(table.unchanged), std::ptrdiff_t{4});
        }
        QVERIFY(turned > 0 && banned > 0 && dropped > 0);
    }

    // Few rows: the likeliest of the raw logits, and behind them what matters; the rest is one number.
    void fewRowsAreTheBeginningOfAllRows() {
        const RunTrace run = liveRun(everything());
        PrefixCache prefixes(std::size_t{64} << 20);
        bool beyond = false;
        for (const TracePoint& point : run.points()) {
            const StageTable all = found(run, point.token.pos, kAll, prefixes).table,
                             few = found(run, point.token.pos, 2, prefixes).table;
            QVERIFY(few.rows() >= 2 && few.rows() < 8);
            QVERIFY(std::equal(few.ids.begin(), few.ids.begin() + 2, all.ids.begin()));
            QVERIFY(std::find(few.ids.begin(), few.ids.end(), point.token.id) != few.ids.end());
            for (std::size_t i = 0; i < few.columns.size(); ++i) {
                double sum = few.columns[i].others;
                for (std::size_t row = 0; row < few.ids.size(); ++row) {
                    const auto at = static_cast<std::size_t>(std::find(all.ids.begin(), all.ids.end(), few.ids[row]) -
                                                             all.ids.begin());
                    QCOMPARE(few.columns[i].logprob[row], all.columns[i].logprob[at]);
                    sum += p(few.columns[i].logprob[row]);
                }
                QVERIFY(std::abs(sum - 1) < 1e-5);
                QCOMPARE(few.columns[i].kept, all.columns[i].kept);
            }
            beyond = beyond || few.rows() > 2;
        }
        QVERIFY(beyond);
    }

    void whatWasNotSampledIsRefusedInASentence() {
        const RunTrace run = liveRun(request({}, {"budget:tokens=20,message=\" So\""}));
        const auto injected = std::find_if(run.points().begin(), run.points().end(),
                                           [](const TracePoint& point) { return point.token.injected; });
        QVERIFY(injected != run.points().end());
        const auto refused = askForStages(run, injected->token.pos, 12);
        QVERIFY(!refused && refused.error().what.find("injected") != std::string::npos);
        QVERIFY(!askForStages(run, 1, 12) && askForStages(run, 1, 12).error().code == ErrorCode::NotFound);

        RunRequest drawn = request({});
        drawn.draft.method = parseMethodChoice("ngram").value();
        drawn.draft.verify = parseMethodChoice("rejection").value();
        RunTrace other(drawn);
        other.apply(run.points().front().token);
        const auto own_noise = askForStages(other, run.points().front().token.pos, 12);
        QVERIFY(!own_noise && own_noise.error().what.find("noise of its own") != std::string::npos);
    }

    // The alternatives of the reference begin with those that it gave live.
    void theReferenceIsComputedToo() {
        RunRequest r = everything();
        r.reference.kind = ReferenceKind::Unquantized;
        r.weight_quant = parseMethodChoice("rtn:bits=2,group=64").value();
        r.kv_type = KvType::F16;
        const RunTrace run = liveRun(r);
        PrefixCache prefixes(std::size_t{64} << 20);
        CpuDevice device(2);
        for (std::size_t i = 0; i < run.points().size(); i += 9) {
            const TracePoint& point = run.points()[i];
            auto question = askForStages(run, point.token.pos, 40);
            QVERIFY(question);
            askForReference(*question, run);
            const auto result = findStages(*question, models(), device, prefixes);
            QVERIFY2(result, result ? "" : result.error().line().c_str());
            QVERIFY(result->stages == *run.stagesAt(point.token.pos));
            const std::vector<Alternative>& all = result->table.reference;
            QCOMPARE(all.size(), std::size_t{40});
            QVERIFY(std::equal(point.reference.top.begin(), point.reference.top.end(), all.begin()));
        }
        auto question = askForStages(run, run.points()[3].token.pos, 40);
        askForReference(*question, run);
        question->reference->model_path = "nowhere/model.gguf";
        const auto without = findStages(*question, models(), device, prefixes);
        QVERIFY(without && without->table.reference.empty());
    }

    void anotherModelIsRefused() {
        const RunTrace run = liveRun(request({}));
        auto question = askForStages(run, run.points()[5].token.pos, 12);
        QVERIFY(question);
        question->request.model_path = (shippedModel().parent_path() / "quibble-nano-draft.gguf").string();
        PrefixCache prefixes(std::size_t{64} << 20);
        CpuDevice device(1);
        const auto other = findStages(*question, models(), device, prefixes);
        QVERIFY(!other && other.error().code == ErrorCode::FileCorrupt);
        question->request.model_path = "/nowhere/model.gguf";
        QVERIFY(!findStages(*question, models(), device, prefixes));
        // A run of an early version recorded no prompt: the position is right only where the same one is made today.
        question = askForStages(run, run.points()[5].token.pos, 12);
        question->request.recorded_prompt = {};
        QVERIFY(findStages(*question, models(), device, prefixes));
        question->request.prompt = "Hi";
        const auto elsewhere = findStages(*question, models(), device, prefixes);
        QVERIFY(!elsewhere && elsewhere.error().what.find("recorded no prompt") != std::string::npos);
    }

    // A stopped question ends, and the next one is answered as if it had not been.
    void aQuestionCanBeStopped() {
        const RunTrace run = liveRun(everything());
        const Position pos = run.points().back().token.pos;
        const auto question = askForStages(run, pos, 12);
        PrefixCache prefixes(std::size_t{64} << 20);
        CpuDevice device(2);
        std::stop_source stop;
        stop.request_stop();
        const auto stopped = findStages(*question, models(), device, prefixes, stop.get_token());
        QVERIFY(!stopped && stopped.error().code == ErrorCode::Cancelled);
        QVERIFY(found(run, pos, 12, prefixes).stages == *run.stagesAt(pos));
    }
};

QTEST_APPLESS_MAIN(TestTokenStages)
#include "tst_token_stages.moc"
