// The thread beside the window's: order, the last question, stopping, and jobs that break a contract or find no memory.
#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <semaphore>
#include <vector>

#include <QAction>
#include <QCoreApplication>
#include <QTest>
#include <QThread>

#include "app/file_work.h"
#include "app/worker.h"
#include "engine/values/check.h"

using namespace quibble;

namespace {

constexpr int kPatience = 20'000;

void unexpected(const Error& error) { QFAIL(error.line().c_str()); }

}  // namespace

class TestWorker : public QObject {
    Q_OBJECT
private slots:
    void jobsRunBesideAndAnswersHere() {
        Worker worker;
        std::vector<int> answers;
        for (int i = 0; i < 20; ++i) {
            worker.ask(
                [&, i](const std::stop_token&) -> Worker::Answer {
                    const bool beside = QThread::currentThread() != worker.thread();
                    return [&, i, beside] {
                        if (beside && QThread::currentThread() == worker.thread()) answers.push_back(i);
                    };
                },
                unexpected);
        }
        QVERIFY(answers.empty());
        QTRY_COMPARE_WITH_TIMEOUT(answers.size(), std::size_t(20), kPatience);
        QVERIFY(std::is_sorted(answers.begin(), answers.end()));
    }

    void theLastQuestionWins() {
        Worker worker;
        std::binary_semaphore begun{0};
        std::vector<int> answers;
        worker.ask(
            [&](const std::stop_token& stop) -> Worker::Answer {
                begun.release();
                while (!stop.stop_requested()) QThread::msleep(1);
                return [&] { answers.push_back(1); };
            },
            unexpected);
        begun.acquire();
        worker.ask([&](const std::stop_token&) -> Worker::Answer { return [&] { answers.push_back(2); }; }, unexpected);
        worker.askOnly([&](const std::stop_token&) -> Worker::Answer { return [&] { answers.push_back(3); }; },
                       unexpected);
        QTRY_VERIFY_WITH_TIMEOUT(!answers.empty(), kPatience);
        QTest::qWait(20);
        QCOMPARE(answers, std::vector<int>{3});
    }

    void oneJobIsStopped() {
        Worker worker;
        bool stopped = false;
        std::stop_source stop = worker.ask(
            [&](const std::stop_token& wanted) -> Worker::Answer {
                while (!wanted.stop_requested()) QThread::msleep(1);
                return [&] { stopped = true; };
            },
            unexpected);
        stop.request_stop();
        QTRY_VERIFY_WITH_TIMEOUT(stopped, kPatience);
    }

    void whatABrokenJobSays() {
        Worker worker;
        std::vector<Error> errors;
        const auto broken = [&](const Error& error) { errors.push_back(error); };
        worker.ask(
            [](const std::stop_token&) -> Worker::Answer {
                QUIBBLE_CHECK(false, "made to fail");
                return {};
            },
            broken);
        worker.ask([](const std::stop_token&) -> Worker::Answer { throw std::bad_alloc(); }, broken);
        QTRY_COMPARE_WITH_TIMEOUT(errors.size(), std::size_t(2), kPatience);
        QVERIFY2(errors[0].what.find("made to fail") != std::string::npos, errors[0].what.c_str());
        QVERIFY(errors[1].code == ErrorCode::OutOfMemory);
    }

    void itsEndStopsAndDropsEverything() {
        std::atomic<int> begun = 0;
        int answers = 0;
        {
            Worker worker;
            for (int i = 0; i < 3; ++i) {
                worker.ask(
                    [&](const std::stop_token& stop) -> Worker::Answer {
                        ++begun;
                        while (!stop.stop_requested()) QThread::msleep(1);
                        return [&] { ++answers; };
                    },
                    unexpected);
            }
            QTRY_COMPARE_WITH_TIMEOUT(begun.load(), 1, kPatience);
        }
        QCoreApplication::processEvents();
        QCOMPARE(begun.load(), 1);
        QCOMPARE(answers, 0);
    }

    void workOnFilesIsNamedAndEnds() {
        FileWork work;
        Worker other;
        QVERIFY(!work.busy() && !work.cancelAction()->isEnabled());
        QStringList ended;
        const auto task = [&](const QString& name) {
            return FileWork::Task{.doing = name,
                                  .job = [&, name](const std::stop_token& stop) -> Worker::Answer {
                                      while (!stop.stop_requested()) QThread::msleep(1);
                                      return [&, name] { ended << name; };
                                  },
                                  .broken = unexpected};
        };
        work.start(task(QStringLiteral("first")));
        work.startOn(other, task(QStringLiteral("second")));
        QCOMPARE(work.doing(), QStringLiteral("first"));
        QVERIFY(work.cancelAction()->isEnabled() && work.cancelAction()->toolTip().contains(QStringLiteral("first")));
        work.cancelAction()->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(work.doing(), QStringLiteral("second"), kPatience);
        QCOMPARE(ended, QStringList{QStringLiteral("first")});
        work.cancelAll();
        QTRY_VERIFY_WITH_TIMEOUT(!work.busy(), kPatience);
        // A worker that goes takes its work along.
        auto gone = std::make_unique<Worker>();
        work.startOn(*gone, task(QStringLiteral("third")));
        QVERIFY(work.busy());
        gone.reset();
        QVERIFY(!work.busy());
        QCOMPARE(ended.size(), 2);
    }
};

QTEST_MAIN(TestWorker)
#include "tst_worker.moc"
