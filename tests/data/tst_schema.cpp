// Opening, migrating and refusing database files. The fixtures folder keeps a file of every schema version that was
// ever written.

#include <SQLiteCpp/SQLiteCpp.h>

#include "data/schema/schema.h"
#include "data/store/database.h"
#include "tests/data/store_fixture.h"

using namespace quibble;
using namespace quibble::test;

namespace {

void execute(const std::filesystem::path& path, const std::string& sql) {
    SQLite::Database db(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(sql);
}

std::int64_t ask(const std::filesystem::path& path, const std::string& sql) {
    return SQLite::Database(path.string(), SQLite::OPEN_READONLY).execAndGet(sql).getInt64();
}

// The real steps and two more, of the kind that later versions will have.
std::vector<Migration> withLaterSteps() {
    const auto real = schemaMigrations();
    std::vector<Migration> steps(real.begin(), real.end());
    const int newest = steps.back().version;
    steps.push_back({newest + 1,
                     "ALTER TABLE run ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'; -- a comment; with a semicolon\n"
                     "CREATE TABLE IF NOT EXISTS draft (run INTEGER NOT NULL, step INTEGER NOT NULL, note TEXT DEFAULT "
                     "';', PRIMARY KEY (run, step)) STRICT, WITHOUT ROWID;"});
    steps.push_back(
        {newest + 2, "UPDATE run SET mood = 'old';\nCREATE INDEX IF NOT EXISTS draft_by_step ON draft (step);\n"});
    return steps;
}

}  // namespace

class TestSchema : public QObject {
    Q_OBJECT

    static std::filesystem::path fixture() { return QUIBBLE_SOURCE_DIR "/tests/data/fixtures/schema_1.qbl"; }
    static void copyFixture(const std::filesystem::path& to) { std::filesystem::copy_file(fixture(), to); }

private slots:
    void newFile() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        { VERIFY_OK(Store::open(path)); }
        QCOMPARE(ask(path, "PRAGMA application_id"), std::int64_t{0x5162626c});
        QCOMPARE(ask(path, "PRAGMA user_version"), std::int64_t{schemaMigrations().back().version});
        QCOMPARE(ask(path, "PRAGMA foreign_keys"), 0);  // of this connection: the store must switch it on for its own
        SQLite::Database db(path.string(), SQLite::OPEN_READONLY);
        QCOMPARE(db.execAndGet("PRAGMA journal_mode").getString(), std::string("wal"));
    }

    void stepsAreNumberedWithoutGaps() {
        int expected = 0;
        for (const Migration& step : schemaMigrations()) QCOMPARE(step.version, ++expected);
    }

    // What the request of a file of version 1 says: it has no words for drafts and experts.
    static RunRequest versionOneRequest() {
        RunRequest request = fullRequest();
        request.draft = {};
        request.experts = RunRequest{}.experts;
        return request;
    }

    // Run with QUIBBLE_WRITE_FIXTURE=path to make the file of a new version; the committed ones are never made again.
    void writeFixture() {
        const QByteArray path = qgetenv("QUIBBLE_WRITE_FIXTURE");
        if (path.isEmpty()) QSKIP("only on request");
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("A session of version 6"));
        const RunId root = open.add(session, ruledRequest(),
                                    eventsOf({.seed = 1, .tokens = 12, .drafts = true, .experts = 8, .rules = true}));
        open.add(session, branchRequest(root, 9),
                 eventsOf({.seed = 2, .tokens = 5, .first = 9, .drafts = true, .experts = 8}));
        open.add(session, ruledRequest(), eventsOf({.seed = 3, .tokens = 20, .rules = true, .rewrites = 2}));
        need(open.store->addNote(root, 6, 8, "remember"));
        VERIFY_OK(open.store->exportSession(session, path.toStdString()));
    }

    void versionOneOpens() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        copyFixture(path);
        const auto store = need(Store::open(path));
        const auto runs = need(store->listRuns(need(store->lastSession())));
        QCOMPARE(runs.size(), std::size_t(2));
        QCOMPARE(differenceBetween(need(store->loadRun(runs[0].id)),
                                   test::traceOf(versionOneRequest(), eventsOf({.seed = 1, .tokens = 12}))),
                 std::string());
        QCOMPARE(need(store->loadRun(runs[1].id)).points().size(), std::size_t(9));
        QCOMPARE(need(store->listNotes(runs[0].id)).at(0).text, std::string("remember"));
        VERIFY_OK(store->runIntegrityCheck());
    }

    // What the next version keeps can be written into it at once, and what it held stays as it was.
    void versionOneTakesDraftsAndExperts() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        copyFixture(path);
        auto open = OpenStore::at(path);
        const auto old = need(open.store->listRuns(need(open.store->lastSession()))).at(0).id;
        const auto events = eventsOf({.seed = 5, .drafts = true, .experts = 4, .rules = true});
        const RunId fresh = open.add(need(open.store->lastSession()), ruledRequest(), events);
        QCOMPARE(differenceBetween(need(open.store->loadRun(fresh)), test::traceOf(ruledRequest(), events)),
                 std::string());
        QVERIFY(need(open.store->loadRun(old)).draftRounds().empty());
        VERIFY_OK(open.store->runIntegrityCheck());
    }

    // What the first version graded is graded by today's rules, in the background.
    void versionOneIsGradedAgain() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        copyFixture(path);
        const auto open = OpenStore::at(path);
        QCOMPARE(ask(path, "SELECT COUNT(*) FROM run WHERE graded_by = 0"), 2);
        QTRY_COMPARE_WITH_TIMEOUT(ask(path, "SELECT COUNT(*) FROM run WHERE graded_by = 0"), std::int64_t{0}, 20000);
    }

    // A session that somebody exported with the first version.
    void versionOneIsImported() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const auto runs = need(open.store->listRuns(need(open.store->importSession(fixture()))));
        QCOMPARE(runs.size(), std::size_t(2));
        QCOMPARE(differenceBetween(need(open.store->loadRun(runs[0].id)),
                                   test::traceOf(versionOneRequest(), eventsOf({.seed = 1, .tokens = 12}))),
                 std::string());
        QCOMPARE(ask(fixture(), "PRAGMA user_version"), 1);  // left as it was
        for (const auto& entry : std::filesystem::directory_iterator(folder.path().toStdString())) {
            QVERIFY2(entry.path().string().find(".import") == std::string::npos, entry.path().c_str());
        }
        VERIFY_OK(open.store->runIntegrityCheck());
    }

    void laterVersionsOpen_data() {
        QTest::addColumn<int>("version");
        for (int version = 2; version <= schemaMigrations().back().version; ++version)
            QTest::addRow("version %d", version) << version;
    }
    void laterVersionsOpen() {
        QFETCH(int, version);
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        std::filesystem::copy_file(QUIBBLE_SOURCE_DIR "/tests/data/fixtures/schema_" + std::to_string(version) + ".qbl",
                                   path);
        const auto store = need(Store::open(path));
        const auto runs = need(store->listRuns(need(store->lastSession())));
        QCOMPARE(runs.size(), std::size_t(version >= 6 ? 3 : 2));
        const RunTrace root = need(store->loadRun(runs[0].id)), branch = need(store->loadRun(runs[1].id));
        QVERIFY(!root.draftRounds().empty() && !root.expertPasses().empty() && !branch.draftRounds().empty());
        const bool ruled = version >= 5;
        QCOMPARE(
            differenceBetween(
                root, test::traceOf(ruled ? ruledRequest() : fullRequest(),
                                    eventsOf({.seed = 1, .tokens = 12, .drafts = true, .experts = 8, .rules = ruled}))),
            std::string());
        if (version >= 6) {
            const RunTrace rewritten = need(store->loadRun(runs[2].id));
            const auto events = eventsOf({.seed = 3, .tokens = 20, .rules = true, .rewrites = 2});
            QCOMPARE(differenceBetween(rewritten, test::traceOf(ruledRequest(), withTextsOf(events, rewritten))),
                     std::string());
        }
        VERIFY_OK(store->runIntegrityCheck());
    }

    void stepsAreTakenOnceAndBackedUp() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        copyFixture(path);
        const auto steps = withLaterSteps();
        { VERIFY_OK(openDatabase(path, OpenMode::ReadWrite, steps)); }
        QCOMPARE(ask(path, "PRAGMA user_version"), std::int64_t{steps.back().version});
        QCOMPARE(ask(path, "SELECT COUNT(*) FROM run WHERE mood = 'old'"), 2);
        const auto backup = path.string() + ".v1.backup";
        QCOMPARE(ask(backup, "PRAGMA user_version"), 1);
        QCOMPARE(ask(backup, "SELECT COUNT(*) FROM token"), 17);
        std::filesystem::remove(backup);
        { VERIFY_OK(openDatabase(path, OpenMode::ReadWrite, steps)); }
        QVERIFY(!std::filesystem::exists(backup));                // nothing to do, nothing to save
        VERIFY_FAILS(Store::open(path), ErrorCode::Unsupported);  // the program of the version before
    }

    // A step that finds its work done goes on: an ADD COLUMN that failed has cost other programs their history.
    void stepsMayBeRepeated() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        copyFixture(path);
        const auto steps = withLaterSteps();
        { VERIFY_OK(openDatabase(path, OpenMode::ReadWrite, steps)); }
        execute(path, "PRAGMA user_version = 1");
        { VERIFY_OK(openDatabase(path, OpenMode::ReadWrite, steps)); }
        QCOMPARE(ask(path, "PRAGMA user_version"), std::int64_t{steps.back().version});
    }

    void aFailingStepChangesNothing() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        copyFixture(path);
        auto steps = withLaterSteps();
        steps.back().sql = "UPDATE run SET mood = 'half'; UPDATE nowhere SET x = 1;";
        const auto opened = openDatabase(path, OpenMode::ReadWrite, steps);
        QVERIFY(!opened.has_value());
        QVERIFY(opened.error().what.find("version " + std::to_string(steps.back().version)) != std::string::npos);
        QCOMPARE(ask(path, "PRAGMA user_version"), std::int64_t{steps.back().version - 1});  // the step before it held
        QCOMPARE(ask(path, "SELECT COUNT(*) FROM run WHERE mood = 'half'"), 0);
    }

    void readOnlyDoesNotMigrate() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        copyFixture(path);
        const auto opened = openDatabase(path, OpenMode::ReadOnly, withLaterSteps());
        VERIFY_FAILS(opened, ErrorCode::Unsupported);
        QVERIFY(opened.error().hint.find("for writing") != std::string::npos);
        QCOMPARE(ask(path, "PRAGMA user_version"), 1);
    }

    void newerVersionIsLeftAlone() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        copyFixture(path);
        execute(path, "PRAGMA user_version = 99");
        for (const OpenMode mode : {OpenMode::ReadWrite, OpenMode::ReadOnly}) {
            const auto opened = Store::open(path, mode);
            VERIFY_FAILS(opened, ErrorCode::Unsupported);
            QVERIFY(opened.error().line().find("99") != std::string::npos);
            QVERIFY(opened.error().hint.find("newer version") != std::string::npos);
        }
        QCOMPARE(ask(path, "PRAGMA user_version"), 99);
    }

    void otherProgramsAreLeftAlone() {
        const QTemporaryDir folder;
        const auto path = pathIn(folder);
        execute(path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
        VERIFY_FAILS(Store::open(path), ErrorCode::Unsupported);
        execute(path, "PRAGMA application_id = 7; PRAGMA user_version = 1");
        VERIFY_FAILS(Store::open(path), ErrorCode::Unsupported);
        QCOMPARE(ask(path, "SELECT COUNT(*) FROM sqlite_schema"), 1);
        SQLite::Database db(path.string(), SQLite::OPEN_READONLY);
        QCOMPARE(db.execAndGet("PRAGMA journal_mode").getString(), std::string("delete"));  // not even that
    }
};

QTEST_APPLESS_MAIN(TestSchema)
#include "tst_schema.moc"
