// A prompt that shows the date is an input of its run: whoever repeats or continues the run begins with the tokens that
// it recorded.
#include <QTemporaryDir>
#include <QTest>

#include "engine/run/branch.h"
#include "engine/run/replay.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

constexpr PromptClock kThatDay{1'000'000'000, 3600};  // in September 2001
const std::string kDated = "{{ strftime_now('%d %B %Y %H:%M') }}: {{ messages[0].content }}<think>";

RunRequest requestFor(const std::string& model) {
    RunRequest r;
    r.model_path = model;
    r.reference.kind = ReferenceKind::None;
    r.prompt = "what?";
    r.max_tokens = 20;
    r.sampler.temperature = 1;
    return r;
}

}  // namespace

class TestRecordedPrompt : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    std::string path_;

    // As the template of another day or version has it.
    std::string modelWith(const char* name, const std::string& chat_template) const {
        RandomShape shape;
        shape.vocab = 160;
        RandomModel model = makeRandomModel(shape);
        model.keys.emplace_back("tokenizer.chat_template", chat_template);
        const std::string path = folder_.filePath(name).toStdString();
        model.write(path);
        return path;
    }
    // The run of that day, as it is stored: its request does not fix the clock.
    RunTrace runOfThatDay() const {
        RunRequest r = requestFor(path_);
        r.clock = kThatDay;
        const RunTrace then = wholeRun(r).trace;
        RunTrace stored(requestFor(path_));
        stored.apply(then.provenance());
        for (const TracePoint& point : then.points()) stored.apply(point.token);
        return stored;
    }

private slots:
    void initTestCase() {
        QVERIFY(folder_.isValid());
        path_ = modelWith("dated.gguf", kDated);
    }
    void theTimeIsRecorded() {
        const RunTrace stored = runOfThatDay();
        QVERIFY(stored.provenance().clock == kThatDay);
        std::string text;
        for (const TokenId id : stored.provenance().prompt_tokens) text += static_cast<char>(id);
        QCOMPARE(text, std::string("09 September 2001 02:46: what?<think>"));
        QVERIFY(stored.provenance().thinking_open);
    }
    void aReplayOnAnotherDayIsIdenticalAndSaysSo() {
        const RunTrace stored = runOfThatDay();
        CpuDevice device(1);
        const auto report = replayRun(stored, stored.request(), models(), device);
        QVERIFY2(report, report ? "" : report.error().line().c_str());
        QVERIFY2(!report->difference, report->difference ? report->difference->field.c_str() : "");
        QCOMPARE(report->tokens, static_cast<std::int64_t>(stored.points().size()));
        QVERIFY2(report->note.find("another prompt now") != std::string::npos &&
                     report->note.find("recorded tokens were used") != std::string::npos,
                 report->note.c_str());
        // A run whose request fixed the time, and one that shows none, make the same prompt today.
        RunRequest fixed = stored.request();
        fixed.clock = kThatDay;
        QCOMPARE(replayRun(stored, fixed, models(), device).value().note, std::string());
        const RunRequest timeless = requestFor(modelWith("timeless.gguf", "{{ messages[0].content }}"));
        QCOMPARE(replayRun(wholeRun(timeless).trace, timeless, models(), device).value().note, std::string());
    }
    void anotherVersionIsNamed() {
        const RunRequest request = requestFor(modelWith("timeless.gguf", "{{ messages[0].content }}"));
        RunTrace stored = wholeRun(request).trace;
        RunProvenance provenance = stored.provenance();
        provenance.engine_version = "0.1.0";
        stored.apply(provenance);
        CpuDevice device(1);
        const std::string note = replayRun(stored, request, models(), device).value().note;
        QVERIFY2(note.find("recorded by Quibble 0.1.0, repeated by ") != std::string::npos, note.c_str());
    }
    // Provenance of earlier versions has the tokens, and no clock.
    void aRunOfAnEarlierVersionReplays() {
        const RunTrace stored = runOfThatDay();
        RunProvenance old = stored.provenance();
        old.clock.reset();
        RunTrace earlier(stored.request());
        earlier.apply(old);
        for (const TracePoint& point : stored.points()) earlier.apply(point.token);
        CpuDevice device(1);
        const auto report = replayRun(earlier, earlier.request(), models(), device);
        QVERIFY(report && !report->difference);
        QCOMPARE(report->tokens, static_cast<std::int64_t>(stored.points().size()));
    }
    // Version 0.1.0 took settings that are refused today; its runs still repeat.
    void whatAnEarlierVersionForgaveIsTakenAsItWas() {
        const auto mixture = std::string(QUIBBLE_SOURCE_DIR) + "/data/models/quibble-nano-moe.gguf";
        RunRequest taken = requestFor(mixture);
        taken.penalty.strength = 2;
        taken.penalty.disabled_words = {" wait"};
        taken.experts = {"frequent", {{"budget", 8}, {"all_passes", 1}}};
        const WholeRun run = wholeRun(taken);
        RunRequest written = taken;
        written.penalty.disabled_words = {" wait", "_but", " Wiat"};
        written.experts = {"frequent", {{"budget", 99}, {"all_passes", 1}, {"budget", 2}}};
        RunProvenance old = run.provenance;
        const auto storedAs = [&](const std::string& version) {
            old.engine_version = version;
            RunTrace stored(written);
            stored.apply(old);
            for (const TracePoint& point : run.trace.points()) stored.apply(point.token);
            return stored;
        };
        CpuDevice device(1);
        const RunTrace earlier = storedAs("0.1.0");
        const auto report = replayRun(earlier, earlier.request(), models(), device);
        QVERIFY2(report, report ? "" : report.error().line().c_str());
        QVERIFY2(!report->difference, report->difference ? report->difference->field.c_str() : "");
        QCOMPARE(report->tokens, static_cast<std::int64_t>(run.trace.points().size()));
        QVERIFY(!replayRun(storedAs("0.2.0"), written, models(), device));
    }
    // A version that did not know a token as an end went on behind it, and so does the repetition of its run.
    void whatEndsARunTodayDidNotEndAnEarlierOne_data() {
        QTest::addColumn<QString>("draft");
        QTest::newRow("plain") << "none";
        QTest::newRow("drafted") << "ngram:length=3";
    }
    void whatEndsARunTodayDidNotEndAnEarlierOne() {
        QFETCH(QString, draft);
        RandomShape shape;
        shape.vocab = 160;
        RandomModel model = makeRandomModel(shape);
        const std::string before = folder_.filePath("before.gguf").toStdString(),
                          today = folder_.filePath("today.gguf").toStdString();
        model.write(before);
        RunRequest request = requestFor(before);
        request.raw = true;
        request.max_tokens = 40;
        request.draft.method = parseMethodChoice(draft.toStdString()).value();
        const RunTrace run = wholeRun(request).trace;
        QCOMPARE(run.points().size(), std::size_t(40));
        const auto middle = std::find_if(run.points().begin() + 10, run.points().begin() + 30,
                                         [](const TracePoint& point) { return point.token.id >= 128; });
        QVERIFY(middle != run.points().begin() + 30);
        // The same weights in a file in which that token is an end.
        const auto id = static_cast<std::size_t>(middle->token.id);
        for (auto& [key, value] : model.keys) {
            if (key == "tokenizer.ggml.tokens") std::get<std::vector<std::string>>(value)[id] = "<eos>";
            if (key == "tokenizer.ggml.token_type") std::get<std::vector<std::int32_t>>(value)[id] = 3;
        }
        model.write(today);
        request.model_path = today;
        const WholeRun now = wholeRun(request);
        QVERIFY(now.trace.points().size() < run.points().size());
        QCOMPARE(now.trace.points().back().token.id, middle->token.id);
        RunProvenance old = run.provenance();
        old.model_hash = now.provenance.model_hash;
        RunTrace stored(request);
        stored.apply(old);
        for (const TracePoint& point : run.points()) stored.apply(point.token);
        CpuDevice device(1);
        const auto report = replayRun(stored, request, models(), device);
        QVERIFY2(report, report ? "" : report.error().line().c_str());
        QVERIFY2(!report->difference, report->difference ? report->difference->field.c_str() : "");
        QCOMPARE(report->tokens, std::int64_t{40});
        // What ended there repeats as it was, too.
        RunTrace ended(request);
        ended.apply(now.provenance);
        for (const TracePoint& point : now.trace.points()) ended.apply(point.token);
        const auto again = replayRun(ended, request, models(), device);
        QVERIFY(again && !again->difference);
        QCOMPARE(again->tokens, static_cast<std::int64_t>(now.trace.points().size()));
    }
    void aBranchStandsOnTheTokensOfItsParent() {
        const RunTrace parent = runOfThatDay();
        const TracePoint& at = parent.points()[7];
        const RunRequest same = branchRequest(parent, RunId{3}, at.token.pos, at.token.id);
        QCOMPARE(same.branch.parent, RunId{3});
        QCOMPARE(same.branch.prefix.size(), std::size_t(8));
        const WholeRun branch = wholeRun(same);
        QCOMPARE(branch.provenance.prompt_tokens, parent.provenance().prompt_tokens);
        QVERIFY(branch.provenance.clock == kThatDay);
        QVERIFY(branch.provenance.thinking_open);
        // The token that stood there anyway repeats the parent, bit for bit.
        QCOMPARE(branch.trace.points().size() + 7, parent.points().size());
        for (std::size_t i = 0; i < branch.trace.points().size(); ++i) {
            const TokenRecord &own = branch.trace.points()[i].token, &before = parent.points()[i + 7].token;
            QCOMPARE(own.pos, before.pos);
            QCOMPARE(own.id, before.id);
            QCOMPARE(own.entropy, before.entropy);
        }
        // A branch of the branch, and a replay of it.
        RunTrace whole(same);
        whole.inherit(parent, at.token.pos);
        whole.apply(branch.provenance);
        for (const TracePoint& point : branch.trace.points()) whole.apply(point.token);
        const RunRequest again = branchRequest(whole, RunId{4}, parent.points()[9].token.pos, at.token.id);
        QVERIFY(again.recorded_prompt == same.recorded_prompt);
        QCOMPARE(again.branch.prefix.size(), std::size_t(10));
        CpuDevice device(2);
        const auto report = replayRun(whole, same, models(), device);
        QVERIFY2(report && !report->difference, report ? "" : report.error().line().c_str());
        QCOMPARE(report->tokens, static_cast<std::int64_t>(branch.trace.points().size()));
    }
    void anotherModelIsNamedBeforeItsTokens() {
        const RunTrace stored = runOfThatDay();
        RunRequest elsewhere = stored.request();
        elsewhere.model_path = shippedModel().string();
        CpuDevice device(1);
        const auto report = replayRun(stored, elsewhere, models(), device);
        QVERIFY(!report && report.error().what.find("is not the one that made the run") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestRecordedPrompt)
#include "tst_recorded_prompt.moc"
