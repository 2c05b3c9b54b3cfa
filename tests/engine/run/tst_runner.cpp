// The state machine on its own thread: run, pause, step, resume, stop, controls, errors, destruction in the middle.
#include <QTest>

#include <chrono>
#include <mutex>

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
            const std::lock_guard lock(mutex_);
            for (const RunEvent& event : batch->events) trace_.apply(event);
            runs_.push_back(batch->run);
        };
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
    std::vector<RunId> runs_;
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
    void everyActionAnswersSoon() {
        Collector collector(longRequest());
        Runner runner(std::make_shared<ModelCache>(), collector.sink());
        QVERIFY(runner.start({.run = RunId{1}, .request = longRequest(), .paused = false, .replayed = {}}));
        QVERIFY(eventually([&] { return collector.tokens() > 5; }));
        const auto started = std::chrono::steady_clock::now();
        runner.pause();
        QVERIFY(eventually([&] { return runner.state() != RunState::Running; }));
        const auto paused = std::chrono::steady_clock::now();
        runner.stop();
        runner.wait();
        const auto stopped = std::chrono::steady_clock::now();
        qInfo("pause %.1f ms, stop %.1f ms", std::chrono::duration<double, std::milli>(paused - started).count(),
              std::chrono::duration<double, std::milli>(stopped - paused).count());
        QVERIFY(runner.state() == RunState::Finished);
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
        for (int delay = 0; delay < 40; delay += 5) {
            Collector collector(longRequest());
            {
                Runner runner(std::make_shared<ModelCache>(), collector.sink());
                QVERIFY(runner.start({.run = RunId{1}, .request = longRequest(), .paused = false, .replayed = {}}));
                QTest::qSleep(delay);
            }
            const RunTrace trace = collector.trace();
            if (!trace.provenance().model_hash.empty()) QVERIFY(trace.finished());
        }
    }
};

QTEST_APPLESS_MAIN(TestRunner)
#include "tst_runner.moc"
