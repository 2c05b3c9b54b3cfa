#include <array>
#include <chrono>
#include <csignal>
#include <mutex>
#include <thread>

#include <sys/resource.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/data/store_fixture.h"

using namespace quibble;
using namespace quibble::test;
using namespace std::chrono_literals;

namespace {

TokenRecord plainToken(Position pos) {
    TokenRecord token;
    token.pos = pos;
    token.id = token.without_penalty_id = pos % 300;
    return token;
}

EventBatchPtr batchOf(RunId run, std::vector<RunEvent> events) {
    return std::make_shared<EventBatch>(EventBatch{run, std::move(events)});
}

std::int64_t storedTokens(const std::filesystem::path& path, RunId run) {
    SQLite::Database db(path.string(), SQLite::OPEN_READONLY);
    SQLite::Statement query(db, "SELECT COUNT(*) FROM token WHERE run = ?");
    query.bind(1, raw(run));
    query.executeStep();
    return query.getColumn(0).getInt64();
}

RunProvenance smallProvenance() {
    RunProvenance provenance;
    provenance.tokenizer_hash = "t";
    provenance.vocab_size = 300;
    provenance.prompt_tokens = {0};
    return provenance;
}

}  // namespace

class TestStoreWriter : public QObject {
    Q_OBJECT
private slots:
    void commitsInTime() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const RunId run = need(open.writer->beginRun(need(open.store->createSession("s")), fullRequest()));
        open.writer->push(batchOf(run, {smallProvenance(), plainToken(1)}));
        QCOMPARE(storedTokens(pathIn(folder), run), 0);  // gathered, not written one by one
        QCOMPARE(open.writer->pending(), std::size_t(2));
        QTRY_COMPARE_WITH_TIMEOUT(storedTokens(pathIn(folder), run), 1, 900);
        QCOMPARE(open.writer->pending(), std::size_t(0));
    }

    void commitsWhenMuchHasGathered() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const RunId run = need(open.writer->beginRun(need(open.store->createSession("s")), fullRequest()));
        std::vector<RunEvent> events = {smallProvenance()};
        for (Position pos = 1; pos <= 256; ++pos) events.emplace_back(plainToken(pos));
        open.writer->push(batchOf(run, events));
        QTRY_COMPARE_WITH_TIMEOUT(storedTokens(pathIn(folder), run), 256, 200);
    }

    void pushDoesNotWait() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const RunId run = need(open.writer->beginRun(need(open.store->createSession("s")), fullRequest()));
        open.writer->push(batchOf(run, {smallProvenance()}));
        const auto began = std::chrono::steady_clock::now();
        for (Position pos = 1; pos <= 20000; ++pos) open.writer->push(batchOf(run, {plainToken(pos)}));
        const auto took = std::chrono::steady_clock::now() - began;
        VERIFY_OK(open.writer->flush());
        QCOMPARE(storedTokens(pathIn(folder), run), 20000);
        QVERIFY2(took < 2s, "pushing 20,000 tokens took as long as writing them");
        QCOMPARE(need(open.store->runSummary(run)).tokens, 20000);
    }

    void severalThreadsAndRuns() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        std::vector<std::thread> threads;
        std::vector<RunId> runs(3);
        for (std::size_t i = 0; i < runs.size(); ++i) {
            threads.emplace_back([&, i] {
                runs[i] = need(open.writer->beginRun(session, fullRequest(i)));
                for (const EventBatchPtr& batch : batchesOf(runs[i], eventsOf({.seed = i, .tokens = 300})))
                    open.writer->push(batch);
            });
        }
        for (std::thread& thread : threads) thread.join();
        VERIFY_OK(open.writer->flush());
        for (std::size_t i = 0; i < runs.size(); ++i) {
            QCOMPARE(differenceBetween(need(open.store->loadRun(runs[i])),
                                       test::traceOf(fullRequest(i), eventsOf({.seed = i, .tokens = 300}))),
                     std::string());
        }
    }

    void runsThatCannotBegin() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s")), other = need(open.store->createSession("t"));
        VERIFY_FAILS(open.writer->beginRun(SessionId{77}, fullRequest()), ErrorCode::NotFound);
        VERIFY_FAILS(open.writer->beginRun(session, branchRequest(RunId{77}, 3)), ErrorCode::NotFound);
        const RunId run = open.add(session, fullRequest(), eventsOf({}));
        VERIFY_FAILS(open.writer->beginRun(other, branchRequest(run, 8)), ErrorCode::NotFound);
        RunRequest broken = fullRequest();
        broken.prompt = "\xff";
        VERIFY_FAILS(open.writer->beginRun(session, broken), ErrorCode::InvalidArgument);
        broken = fullRequest();
        broken.sampler.temperature = std::numeric_limits<double>::quiet_NaN();
        VERIFY_FAILS(open.writer->beginRun(session, broken), ErrorCode::InvalidArgument);
        QCOMPARE(need(open.store->listRuns(session)).size(), std::size_t(1));
        VERIFY_OK(open.writer->close());
        VERIFY_FAILS(open.writer->beginRun(session, fullRequest()), ErrorCode::InvalidArgument);
        VERIFY_OK(open.writer->close());
    }

    void refusedEventsAreTold() {
        const QTemporaryDir folder;
        auto store = need(Store::open(pathIn(folder)));
        std::mutex mutex;
        std::vector<std::optional<Error>> told;
        auto writer = need(StoreWriter::open(*store, [&](const std::optional<Error>& error) {
            const std::lock_guard guard(mutex);
            told.push_back(error);
        }));
        const RunId run = need(writer->beginRun(need(store->createSession("s")), fullRequest()));
        writer->push(batchOf(run, {smallProvenance(), plainToken(1), plainToken(1), plainToken(2)}));
        writer->push(batchOf(RunId{99}, {plainToken(1)}));
        VERIFY_FAILS(writer->flush(), ErrorCode::FileCorrupt);
        QVERIFY(writer->lastError().has_value());
        QCOMPARE(storedTokens(pathIn(folder), run), 2);  // the good ones are there
        writer->push(batchOf(run, {plainToken(3)}));
        VERIFY_OK(writer->flush());  // told once
        QCOMPARE(storedTokens(pathIn(folder), run), 3);
        QCOMPARE(need(store->runSummary(run)).tokens, 3);
        const std::lock_guard guard(mutex);
        QCOMPARE(told.size(), std::size_t(1));
        QVERIFY(told[0]->what.find("run 1") != std::string::npos);
    }

    // Another program holds the write lock for longer than SQLite waits: nothing is lost, and everybody is told.
    void lockedDatabaseIsTriedAgain() {
        const QTemporaryDir folder;
        auto store = need(Store::open(pathIn(folder)));
        std::mutex mutex;
        std::vector<std::optional<Error>> told;
        auto writer = need(StoreWriter::open(*store, [&](const std::optional<Error>& error) {
            const std::lock_guard guard(mutex);
            told.push_back(error);
        }));
        const RunId run = need(writer->beginRun(need(store->createSession("s")), fullRequest()));
        SQLite::Database other(pathIn(folder).string(), SQLite::OPEN_READWRITE);
        other.exec("BEGIN IMMEDIATE");
        writer->push(batchOf(run, {smallProvenance(), TokenText{1, "one"}, plainToken(1)}));
        VERIFY_FAILS(writer->flush(), ErrorCode::Busy);
        QVERIFY(writer->lastError().has_value());
        QCOMPARE(writer->pending(), std::size_t(3));
        writer->push(batchOf(run, {plainToken(2)}));
        other.exec("ROLLBACK");
        QTRY_COMPARE_WITH_TIMEOUT(storedTokens(pathIn(folder), run), 2, 8000);
        VERIFY_OK(writer->flush());
        QVERIFY(!writer->lastError().has_value());
        QCOMPARE(need(store->runSummary(run)).tokens, 2);  // counted once, though written twice
        QCOMPARE(std::string(need(store->loadRun(run)).text(1)), std::string("one"));
        const std::lock_guard guard(mutex);
        QCOMPARE(told.size(), std::size_t(2));
        QVERIFY(told[0].has_value() && !told[1].has_value());
    }

    // What reads before it writes waits for another writer as everything else does.
    void deletingWaitsForTheWriter() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        const RunId run = open.add(session, fullRequest(), eventsOf({.seed = 1}));
        const std::array<std::function<Result<void>()>, 5> changes{
            [&] { return open.store->deleteRun(run); }, [&] { return open.store->restoreRun(run); },
            [&] { return open.store->nameRun(run, "n"); }, [&] { return open.store->deleteSession(session); },
            [&] { return open.store->restoreSession(session); }};
        for (const auto& change : changes) {
            SQLite::Database other(pathIn(folder).string(), SQLite::OPEN_READWRITE);
            other.setBusyTimeout(5000);
            other.exec("BEGIN IMMEDIATE");
            std::thread releasing([&] {
                std::this_thread::sleep_for(100ms);
                other.exec("COMMIT");
            });
            const auto changed = change();
            releasing.join();
            VERIFY_OK(changed);
        }
    }

    // A full disk, by way of SQLite's own limit on the size of the file.
    void fullDiskIsTried() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        const RunId run = need(open.writer->beginRun(session, fullRequest()));
        open.writer->push(batchOf(run, {smallProvenance()}));
        VERIFY_OK(open.writer->flush());
        VERIFY_OK(open.writer->close());
        const struct rlimit_guard {
            rlimit_guard() {
                signal(SIGXFSZ, SIG_IGN);
                getrlimit(RLIMIT_FSIZE, &before);
                set(before.rlim_cur);
            }
            ~rlimit_guard() { set(before.rlim_cur); }
            void set(rlim_t bytes) const {
                rlimit limit = before;
                limit.rlim_cur = bytes;
                setrlimit(RLIMIT_FSIZE, &limit);
            }
            rlimit before{};
        } limits;
        open.writer = need(StoreWriter::open(*open.store));
        const RunId second = need(open.writer->beginRun(session, fullRequest()));
        limits.set(64 << 10);
        std::vector<RunEvent> events = {smallProvenance()};
        for (Position pos = 1; pos <= 5000; ++pos) events.emplace_back(plainToken(pos));
        open.writer->push(batchOf(second, events));
        const auto full = open.writer->flush();
        limits.set(limits.before.rlim_cur);
        VERIFY_FAILS(full, ErrorCode::Io);
        QCOMPARE(open.writer->pending(), std::size_t(5001));
        QTRY_COMPARE_WITH_TIMEOUT(storedTokens(pathIn(folder), second), 5000, 8000);
        VERIFY_OK(open.store->runIntegrityCheck());
    }

    void closingMidRunLeavesItInterrupted() {
        const QTemporaryDir folder;
        SessionId session{};
        RunId run{};
        {
            auto open = OpenStore::at(pathIn(folder));
            session = need(open.store->createSession("s"));
            run = need(open.writer->beginRun(session, fullRequest()));
            open.writer->push(batchOf(run, {smallProvenance(), plainToken(1)}));
            VERIFY_FAILS(open.store->deleteRun(run), ErrorCode::Busy);
            VERIFY_FAILS(open.store->deleteSession(session), ErrorCode::Busy);
            QVERIFY(need(open.store->runSummary(run)).status == RunStatus::Running);
        }
        const auto store = need(Store::open(pathIn(folder)));
        QVERIFY(store->recovered().empty());  // it was closed in order
        QVERIFY(need(store->runSummary(run)).status == RunStatus::Interrupted);
        QCOMPARE(need(store->runSummary(run)).tokens, 1);
        const RunTrace trace = need(store->loadRun(run));
        QVERIFY(!trace.finished());
        QVERIFY(trace.state() == RunState::Finished);
    }

    void failedRunWithoutModel() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const RunId run = open.add(need(open.store->createSession("s")), fullRequest(),
                                   {RunFinished{FinishReason::Failed, "no such file", 0, 0, 0, 1, 0}});
        const RunTrace trace = need(open.store->loadRun(run));
        QCOMPARE(trace.finished()->message, std::string("no such file"));
        QVERIFY(!need(open.store->runSummary(run)).correct);
    }

    // What older rules graded is graded again while nothing else is to be done; what today's rules graded, and what
    // cannot be read, is left alone.
    void oldGradesAreMadeAgain() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        std::vector<RunSummary> before;
        SessionId session{};
        {
            auto open = OpenStore::at(path);
            session = need(open.store->createSession("s"));
            for (std::uint64_t seed = 1; seed <= 4; ++seed)
                open.add(session, fullRequest(seed), eventsOf({.seed = seed, .tokens = 30}));
            before = need(open.store->listRuns(session));
        }
        const auto change = [&](std::size_t index, const std::string& what) {
            SQLite::Database(path.string(), SQLite::OPEN_READWRITE)
                .exec("UPDATE run SET " + what + " WHERE id = " + std::to_string(raw(before[index].id)));
        };
        change(0, "answer = 'as it was', correct = 1, mean_kl = -3, graded_by = 0");
        change(1, "graded_by = 0");
        change(2, "answer = 'of today'");
        change(3, "answer = 'lost', provenance = 'x', graded_by = 0");
        const auto oldGrades = [&] {
            return SQLite::Database(path.string(), SQLite::OPEN_READONLY)
                .execAndGet("SELECT COUNT(*) FROM run WHERE graded_by = 0")
                .getInt();
        };
        QCOMPARE(oldGrades(), 3);
        std::mutex mutex;
        std::vector<RunId> told;
        {
            const auto store = need(Store::open(path));
            const auto writer = need(StoreWriter::open(*store, {}, {}, [&](RunId run) {
                const std::lock_guard lock(mutex);
                told.push_back(run);
            }));
            QTRY_COMPARE_WITH_TIMEOUT(oldGrades(), 0, 20000);
            VERIFY_OK(writer->close());
        }
        QCOMPARE(told.size(), std::size_t(1));
        QVERIFY(told.front() == before[0].id);
        const auto store = need(Store::open(path));
        const auto after = need(store->listRuns(session));
        QVERIFY(after[0] == before[0] && after[1] == before[1]);
        QCOMPARE(after[2].answer, std::string("of today"));
        QCOMPARE(after[3].answer, std::string("lost"));
    }

    // A run can begin, and is written, while thousands of grades are old.
    void gradingAgainHoldsNobodyUp() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        SessionId session{};
        {
            auto open = OpenStore::at(path);
            session = need(open.store->createSession("s"));
            for (std::uint64_t seed = 1; seed <= 60; ++seed)
                open.add(session, fullRequest(seed), eventsOf({.seed = seed, .tokens = 10}));
        }
        SQLite::Database(path.string(), SQLite::OPEN_READWRITE).exec("UPDATE run SET graded_by = 0");
        auto open = OpenStore::at(path);
        std::this_thread::sleep_for(1100ms);  // now it grades
        const auto began = std::chrono::steady_clock::now();
        const RunId run = open.add(session, fullRequest(99), eventsOf({.seed = 99, .tokens = 10}));
        QVERIFY2(std::chrono::steady_clock::now() - began < 2s, "a run waited for grades");
        QVERIFY(need(open.store->runSummary(run)).status == RunStatus::Finished);
    }
};

QTEST_APPLESS_MAIN(TestStoreWriter)
#include "tst_store_writer.moc"
