// The state machine on its own thread: run, pause, step, resume, stop, controls, errors, destruction in the middle.
#include <QTest>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/run/runner.h"
#include "engine/values/run_trace.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

class Collector {
public:
    explicit Collector(RunRequest request) : trace_(std::move(request)) {}
    Runner::Sink sink() {
        return [this](EventBatchPtr batch) {
            {
                const std::lock_guard lock(mutex_);
                for (const RunEvent& event : batch->events) {
                    trace_.apply(event);
                    events_.push_back(event);
                }
                runs_.push_back(batch->run);
            }
            if (between_) between_(*this);
        };
    }
    /// Called on the engine thread behind each batch, which is between two tokens.
    void between(std::function<void(const Collector&)> call) { between_ = std::move(call); }
    std::vector<RunEvent> events() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }
    RunState state() const {
        const std::lock_guard lock(mutex_);
        return trace_.state();
    }
    std::size_t tokens() const {
        const std::lock_guard lock(mutex_);
        return trace_.points().size();
    }
    RunTrace trace() const {
        const std::lock_guard lock(mutex_);
        return trace_;
    }
    bool allFrom(RunId run) const {
        const std::lock_guard lock(mutex_);
        return std::all_of(runs_.begin(), runs_.end(), [run](RunId id) { return id == run; });
    }

private:
    mutable std::mutex mutex_;
    RunTrace trace_;
    std::vector<RunEvent> events_;
    std::vector<RunId> runs_;
    std::function<void(const Collector&)> between_;
};

RunRequest longRequest() {
    RunRequest r;
    r.model_path = shippedModel().string();
    r.weight_quant = *parseMethodChoice("rtn:bits=3,group=64");
    r.prompt = "Tom has 57 coins. Then gets 68 more. How many coins now?";
    r.max_tokens = 1900;
    r.sampler = {2.0, 0, 1.0, 0};  // at this temperature the end token is rare
    r.seed = 3;
    return r;
}

template <typename Condition>
bool eventually(const Condition& condition) {
    for (int i = 0; i < 3000; ++i) {
        if (condition()) return true;
        QTest::qSleep(2);
    }
    return false;
}

}  // namespace

class TestRunner : public QObject {
    Q_OBJECT
private slots:
    void pauseStepResumeStop() {
        Collector collector(longRequest());
        Runner runner(std::make_shared<ModelCache>(), collector.sink());
        QVERIFY(runner.start({.run = RunId{5}, .request = longRequest(), .paused = true, .replayed = {}}));
        QVERIFY(!runner.start({.run = RunId{6}, .request = longRequest(), .paused = false, .replayed = {}}));
        QVERIFY(eventually([&] { return runner.state() == RunState::Paused; }));
        QCOMPARE(collector.tokens(), std::size_t{0});
        for (std::size_t n = 1; n <= 3; ++n) {
            runner.step();
            QVERIFY(eventually([&] { return collector.tokens() == n; }));
            QVERIFY(eventually([&] { return runner.state() == RunState::Paused; }));
        }
        QTest::qSleep(30);
        QCOMPARE(collector.tokens(), std::size_t{3});
        QVERIFY(eventually([&] { return collector.trace().referenced() == 3; }));  // the curve caught up while paused
        runner.resume();
        QVERIFY(eventually([&] { return collector.tokens() > 20; }));
        runner.pause();
        QVERIFY(eventually([&] { return runner.state() == RunState::Paused || runner.state() == RunState::Finished; }));
        runner.setControl("penalty", 2.5);
        runner.setControl("nonsense", 1);
        runner.resume();
        QVERIFY(
            eventually([&] { return !collector.trace().controls().empty() || runner.state() == RunState::Finished; }));
        runner.stop();
        runner.wait();
        const RunTrace trace = collector.trace();
        QVERIFY(trace.finished());
        QCOMPARE(trace.controls().size(), std::size_t{1});
        QVERIFY(collector.allFrom(RunId{5}));
    }
    // Soon means: before the next token. The actions come from the engine thread itself, between two tokens, so that
    // the tokens behind them can be counted whatever the machine does meanwhile.
    void everyActionAnswersSoon() {
        for (const RunState moment : {RunState::Loading, RunState::Prefilling, RunState::Running}) {
            for (const char* action : {"pause", "stop"}) {
                const bool pauses = std::string_view(action) == "pause";
                const std::size_t wanted = moment == RunState::Running ? 6 : 0;
                Collector collector(longRequest());
                Runner runner(std::make_shared<ModelCache>(), collector.sink());
                std::optional<std::size_t> tokens;  // that were there when the action was taken
                collector.between([&](const Collector& now) {
                    if (tokens || now.state() != moment || now.tokens() < wanted) return;
                    tokens = now.tokens();
                    pauses ? runner.pause() : runner.stop();
                });
                QVERIFY(runner.start({.run = RunId{1}, .request = longRequest(), .paused = false, .replayed = {}}));
                if (pauses) {
                    QVERIFY(eventually([&] { return runner.state() == RunState::Paused; }));
                    runner.stop();
                }
                runner.wait();
                QVERIFY(tokens.has_value());
                QCOMPARE(collector.tokens(), *tokens);
                QCOMPARE(collector.trace().finished()->reason, FinishReason::Stopped);
            }
        }
        Collector collector(longRequest());
        Runner runner(std::make_shared<ModelCache>(), collector.sink());
        std::optional<Position> next;
        collector.between([&](const Collector& now) {
            if (next || now.tokens() < 6) return;
            next = now.trace().points().back().token.pos + 1;
            runner.setControl("penalty", 2.5);
        });
        QVERIFY(runner.start({.run = RunId{1}, .request = longRequest(), .paused = false, .replayed = {}}));
        QVERIFY(eventually([&] { return !collector.trace().controls().empty(); }));
        runner.stop();
        runner.wait();
        QCOMPARE(collector.trace().controls().front().pos, *next);
    }
    void paceHoldsTokensBackAndNothingElse() {
        RunRequest r = longRequest();
        r.max_tokens = 12;
        Collector free(r), paced(r);
        {
            Runner runner(std::make_shared<ModelCache>(), free.sink());
            QVERIFY(runner.start({.run = RunId{1}, .request = r, .paused = false, .replayed = {}}));
            runner.wait();
        }
        Runner runner(std::make_shared<ModelCache>(), paced.sink());
        runner.setPace(50);
        const auto started = std::chrono::steady_clock::now();
        QVERIFY(runner.start({.run = RunId{1}, .request = r, .paused = false, .replayed = {}}));
        runner.wait();
        const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
        const std::size_t n = free.tokens();
        QCOMPARE(paced.tokens(), n);
        QVERIFY(spent >= 0.02 * static_cast<double>(n - 1));
        for (std::size_t i = 0; i < n; ++i)
            QCOMPARE(paced.trace().points()[i].token.id, free.trace().points()[i].token.id);
        // Pausing and stopping do not wait for the next token.
        runner.setPace(0.1);
        QVERIFY(runner.start({.run = RunId{2}, .request = longRequest(), .paused = false, .replayed = {}}));
        QVERIFY(eventually([&] { return runner.state() == RunState::Running; }));
        QTest::qSleep(50);
        runner.pause();
        QVERIFY(eventually([&] { return runner.state() == RunState::Paused; }));
        runner.resume();
        runner.stop();
        runner.wait();
    }
    void stoppedRunKeepsItsTokensAndAnotherStarts() {
        Collector collector(longRequest());
        Runner runner(std::make_shared<ModelCache>(), collector.sink());
        QVERIFY(runner.start({.run = RunId{1}, .request = longRequest(), .paused = false, .replayed = {}}));
        QVERIFY(eventually([&] { return collector.tokens() > 5; }));
        runner.stop();
        runner.wait();
        QVERIFY(collector.trace().finished()->reason == FinishReason::Stopped ||
                collector.trace().finished()->reason == FinishReason::EndOfText);
        QVERIFY(collector.tokens() > 5);
        QVERIFY(runner.start({.run = RunId{2}, .request = longRequest(), .paused = true, .replayed = {}}));
        QVERIFY(eventually([&] { return runner.state() == RunState::Paused; }));
    }
    void failureIsAnEventWithTheReason() {
        RunRequest r = longRequest();
        r.model_path = "no/such/model.gguf";
        Collector collector(r);
        Runner runner(std::make_shared<ModelCache>(), collector.sink());
        QVERIFY(runner.start({.run = RunId{1}, .request = r, .paused = false, .replayed = {}}));
        runner.wait();
        QVERIFY(collector.trace().finished()->reason == FinishReason::Failed);
        QVERIFY(collector.trace().finished()->message.find("no/such/model.gguf") != std::string::npos);
    }
    void destructionInTheMiddleReportsTheEnd() {
        // Idle: at once, when the thread may not even have seen the run.
        for (const RunState moment :
             {RunState::Idle, RunState::Loading, RunState::Prefilling, RunState::Running, RunState::Paused}) {
            const bool paused = moment == RunState::Paused;
            Collector collector(longRequest());
            std::atomic<bool> reached = moment == RunState::Idle;
            collector.between([&](const Collector& now) {
                if (reached || now.state() != moment || (moment == RunState::Running && now.tokens() < 6)) return;
                reached = true;
                QTest::qSleep(20);  // lets the destruction begin right here
            });
            {
                Runner runner(std::make_shared<ModelCache>(), collector.sink());
                runner.setPace(20);  // left to itself the run would take seconds, and end by itself
                QVERIFY(runner.start({.run = RunId{1}, .request = longRequest(), .paused = paused, .replayed = {}}));
                QVERIFY(eventually([&] { return reached.load(); }));
            }
            const std::vector<RunEvent> events = collector.events();
            QCOMPARE(std::count_if(events.begin(), events.end(),
                                   [](const RunEvent& event) { return std::holds_alternative<RunFinished>(event); }),
                     std::ptrdiff_t{1});
            QCOMPARE(collector.trace().finished()->reason, FinishReason::Stopped);
            QVERIFY(events.back() == RunEvent(StateChanged{RunState::Finished}));
        }
    }
};

QTEST_APPLESS_MAIN(TestRunner)
#include "tst_runner.moc"
