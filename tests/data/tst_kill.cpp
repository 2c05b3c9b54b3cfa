#include <QProcess>

#include <chrono>
#include <random>

#include "tests/data/store_fixture.h"
#include "tests/support/kills_wanted.h"
#include "tests/support/sanitized.h"

using namespace quibble;
using namespace quibble::test;

// SIGKILL at 50 random moments of a run (QUIBBLE_KILLS=500: at so many): the database opens, is sound, and lacks at
// most the last second.
class TestKill : public QObject {
    Q_OBJECT

    static std::int64_t nowMs() {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }

    // What the writer said it had pushed, and when.
    struct Log {
        RunId run = kNoRun;
        std::vector<std::pair<std::int64_t, Position>> pushed;  // ms, position
        static Log parse(const QByteArray& text) {
            Log log;
            for (const QByteArray& line : text.split('\n')) {
                const QList<QByteArray> words = line.split(' ');
                if (words.size() != 2 || !line.size()) continue;
                if (words[0] == "run")
                    log.run = RunId{words[1].toLongLong()};
                else
                    log.pushed.emplace_back(words[0].toLongLong(), words[1].toInt());
            }
            // The kill may have cut the last line short.
            if (!text.endsWith('\n') && !log.pushed.empty()) log.pushed.pop_back();
            return log;
        }
    };

    static void check(const std::filesystem::path& path, const Log& log, std::uint64_t seed, std::int64_t killed_ms) {
        const auto store = need(Store::open(path));
        VERIFY_OK(store->runIntegrityCheck());
        if (log.run == kNoRun) return;  // killed before there was a run
        QCOMPARE(store->recovered().size(), std::size_t(1));
        QVERIFY(store->recovered()[0].id == log.run);
        const RunSummary summary = need(store->runSummary(log.run));
        QVERIFY(summary.status == RunStatus::Interrupted);
        const RunTrace trace = need(store->loadRun(log.run));
        QCOMPARE(summary.tokens, static_cast<std::int64_t>(trace.points().size()));
        const Position kept = trace.points().empty() ? trace.firstPosition() - 1 : trace.points().back().token.pos;
        for (const auto& [when, position] : log.pushed) {
            if (when > killed_ms - 1000) break;
            QVERIFY2(position <= kept, qPrintable(QString("position %1 was pushed %2 ms before the kill and is lost")
                                                      .arg(position)
                                                      .arg(killed_ms - when)));
        }
        // What is there is what was written.
        const auto events = eventsOf({.seed = seed, .tokens = 20000, .drafts = true, .experts = 8});
        const RunTrace whole = test::traceOf(fullRequest(seed), events);
        for (std::size_t i = 0; i < trace.points().size(); ++i) {
            QCOMPARE(trace.points()[i].token.id, whole.points()[i].token.id);
            QCOMPARE(trace.text(trace.points()[i].token.id), whole.text(whole.points()[i].token.id));
        }
        // What belongs to a token came before it, so all of it is there; the last round may have lost its end.
        std::size_t rounds = 0, passes = 0;
        for (const DraftRound& round : whole.draftRounds()) rounds += round.pos <= kept;
        for (const ExpertPass& pass : whole.expertPasses()) passes += pass.pos < kept && !trace.points().empty();
        QCOMPARE(trace.draftRounds().size(), rounds);
        QCOMPARE(trace.expertPasses().size(), passes);
        for (Position pos = 0; pos < kept && !trace.points().empty(); ++pos) QVERIFY(trace.expertsAt(pos) != nullptr);
        if (!log.pushed.empty()) worst_ = std::max(worst_, lostMs(log, kept, killed_ms));
    }

    static std::int64_t lostMs(const Log& log, Position kept, std::int64_t killed_ms) {
        for (const auto& [when, position] : log.pushed) {
            if (position > kept) return killed_ms - when;
        }
        return 0;
    }

    inline static std::int64_t worst_ = 0;

private slots:
    void kills() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        // A sanitizer makes the start of a process alone take a second.
        const auto kills = static_cast<std::uint64_t>(testing::killsWanted(testing::kSanitized ? 15 : 50));
        std::mt19937 random(static_cast<std::uint32_t>(20260662 + kills));
        constexpr unsigned kLongestMs = testing::kSanitized ? 4000 : 1500;
        for (std::uint64_t round = 0; round < kills; ++round) {
            QProcess process;
            process.start(QUIBBLE_KILL_WRITER, {QString::fromStdString(path.string()), QString::number(round)});
            QVERIFY2(process.waitForStarted(), qPrintable(process.errorString()));
            // From before the run is there to some commits into it.
            QThread::msleep(static_cast<unsigned long>(random() % kLongestMs));
            const std::int64_t killed_ms = nowMs();
            process.kill();
            QVERIFY(process.waitForFinished());
            QVERIFY2(process.exitStatus() == QProcess::CrashExit, process.readAllStandardError().constData());
            const Log log = Log::parse(process.readAllStandardOutput());
            check(path, log, round, killed_ms);
            if (QTest::currentTestFailed()) return;
        }
        const auto store = need(Store::open(path));
        const auto sessions = need(store->listSessions());
        QCOMPARE(sessions.size(), std::size_t(1));
        QVERIFY2(sessions[0].tokens > (testing::kSanitized ? 300 : 5000),
                 "too few tokens came through for the kills to prove anything");
        qInfo("%lld kills, %lld runs, %lld tokens kept, at most %lld ms lost", static_cast<long long>(kills),
              static_cast<long long>(sessions[0].runs), static_cast<long long>(sessions[0].tokens),
              static_cast<long long>(worst_));
    }
};

QTEST_GUILESS_MAIN(TestKill)
#include "tst_kill.moc"
