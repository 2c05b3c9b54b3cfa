// SIGKILL at 50 random moments of a real run (QUIBBLE_KILLS=500: at so many): the database opens, is whole, and lacks
// at most the last second.
#include <QElapsedTimer>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <random>

#include "data/store/store.h"
#include "tests/cli/cli_process.h"
#include "tests/support/golden.h"
#include "tests/support/kills_wanted.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

constexpr qint64 kAllowedLossMs = 1000;
constexpr int kPatienceMs = 120'000;  // until the model is loaded; the machine may be busy

}  // namespace

class TestKillRun : public QObject {
    Q_OBJECT
private slots:
    void killedRunsLackAtMostOneSecond() {
        QTemporaryDir folder;
        const int kills = killsWanted(50);
        std::mt19937 random(20);
        int with_tokens = 0;
        qint64 worst_ms = 0;
        for (int kill = 0; kill < kills; ++kill) {
            // Every fifth file is new; the others gather several killed runs.
            const QString db = folder.filePath(QString("killed-%1.db").arg(kill / 5));
            QProcess process;
            // At this temperature the end token is rare; a block of 1 makes the run long enough to be killed in the
            // middle.
            process.start(cliProgram(), {"run",           QString::fromStdString(shippedModel().string()),
                                         "--prompt",      "What is 1 + 2?",
                                         "--quant",       "rtn:bits=3,group=64",
                                         "--temperature", "3",
                                         "--top-p",       "1",
                                         "--max-tokens",  "1900",
                                         "--block",       "1",
                                         "--threads",     "1",
                                         "--seed",        QString::number(kill),
                                         "--db",          db,
                                         "--jsonl",       "-"});
            QVERIFY(process.waitForStarted());
            // The clock starts with the first token, which is when there is something to lose.
            QVERIFY(process.waitForReadyRead(kPatienceMs));
            QElapsedTimer clock;
            clock.start();
            QTest::qSleep(static_cast<int>(random() % 900));
            const qint64 running_ms = clock.elapsed();
            const bool was_running = process.state() == QProcess::Running;
            process.kill();
            process.waitForFinished();

            auto store = Store::open(db.toStdString());
            QVERIFY2(store, store ? "" : store.error().line().c_str());
            const auto whole = (*store)->runIntegrityCheck();
            QVERIFY2(whole, whole ? "" : whole.error().line().c_str());
            auto sessions = (*store)->listSessions();
            QVERIFY(sessions && sessions->size() == 1);
            auto runs = (*store)->listRuns(sessions->front().id);
            QVERIFY(runs && !runs->empty());
            QVERIFY(runs->back().status != RunStatus::Running);
            auto trace = (*store)->loadRun(runs->back().id);
            QVERIFY2(trace, trace ? "" : trace.error().line().c_str());
            if (trace->points().empty()) {
                QVERIFY2(running_ms <= kAllowedLossMs, qPrintable(QString::number(running_ms)));
                continue;
            }
            ++with_tokens;
            if (!was_running || trace->finished()) continue;
            const qint64 span_ms =
                (trace->points().back().token.time_ns - trace->points().front().token.time_ns) / 1000000;
            worst_ms = std::max(worst_ms, running_ms - span_ms);
            QVERIFY2(running_ms - span_ms <= kAllowedLossMs,
                     qPrintable(QString("%1 ms written of %2").arg(span_ms).arg(running_ms)));
        }
        qInfo("%d of %d killed runs had tokens on disk; at most %lld ms were lost", with_tokens, kills,
              static_cast<long long>(worst_ms));
        QVERIFY(with_tokens > kills / 4);
    }
};

QTEST_APPLESS_MAIN(TestKillRun)
#include "tst_kill_run.moc"
