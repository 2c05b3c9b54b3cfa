#include <chrono>
#include <fstream>
#include <thread>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/data/store_fixture.h"

using namespace quibble;
using namespace quibble::test;

namespace {

// A session with a run, a branch of it, a deleted run whose branch is live, and one that is deleted for its own sake.
struct Laboratory {
    QTemporaryDir folder;
    OpenStore open = OpenStore::at(pathIn(folder));
    SessionId session = need(open.store->createSession("Mine"));
    SessionId other = need(open.store->createSession("Other"));
    RunId root = open.add(session, fullRequest(1), eventsOf({.seed = 1, .tokens = 40, .drafts = true, .experts = 8}));
    RunId branch = open.add(session, branchRequest(root, 9),
                            eventsOf({.seed = 2, .tokens = 10, .first = 9, .drafts = true, .experts = 8}));
    RunId gone = open.add(session, fullRequest(3), eventsOf({.seed = 3, .drafts = true, .experts = 4}));
    RunId elsewhere = open.add(other, fullRequest(4), eventsOf({.seed = 4, .tokenizer_hash = "tokenizer-b"}));

    Laboratory() {
        need(open.store->addNote(root, 7, 9, "look"));
        need(open.store->setSessionNotes(session, "notes"));
        need(open.store->deleteRun(gone));
    }
    [[nodiscard]] std::filesystem::path file(const char* name = "mine.qbl") const { return pathIn(folder, name); }
};

std::string text(const std::filesystem::path& path, const std::string& sql) {
    return SQLite::Database(path.string(), SQLite::OPEN_READONLY).execAndGet(sql).getString();
}

}  // namespace

class TestSessionFile : public QObject {
    Q_OBJECT
private slots:
    void exportHoldsTheSessionAndNothingElse() {
        const Laboratory lab;
        VERIFY_OK(lab.open.store->exportSession(lab.session, lab.file()));
        QCOMPARE(text(lab.file(), "PRAGMA application_id"), std::to_string(0x5162626c));
        QCOMPARE(text(lab.file(), "PRAGMA journal_mode"), std::string("delete"));  // one file
        QCOMPARE(text(lab.file(), "SELECT GROUP_CONCAT(name) FROM session"), std::string("Mine"));
        QCOMPARE(text(lab.file(), "SELECT COUNT(*) FROM run"), std::string("2"));
        QCOMPARE(text(lab.file(), "SELECT GROUP_CONCAT(hash) FROM tokenizer"), std::string("tokenizer-a"));
        QCOMPARE(text(lab.file(), "SELECT COUNT(*) FROM token"), std::string("50"));
        for (const char* table : {"draft_round", "token_experts", "expert_pass"}) {
            QCOMPARE(text(lab.file(), "SELECT GROUP_CONCAT(DISTINCT run) FROM " + std::string(table)),
                     std::to_string(raw(lab.root)) + "," + std::to_string(raw(lab.branch)));
        }
        for (const auto& entry : std::filesystem::directory_iterator(lab.file().parent_path())) {
            QVERIFY2(entry.path().string().find(".part") == std::string::npos, "a temporary file stayed");
        }
        // It is a database like any other.
        const auto store = need(Store::open(lab.file(), OpenMode::ReadOnly));
        QCOMPARE(differenceBetween(need(store->loadRun(lab.branch)), need(lab.open.store->loadRun(lab.branch))),
                 std::string());
    }

    void roundTripIntoAnotherFile() {
        const Laboratory lab;
        VERIFY_OK(lab.open.store->exportSession(lab.session, lab.file()));
        auto there = OpenStore::at(pathIn(lab.folder, "there.qbl"));
        need(there.store->createSession("already here"));
        there.add(need(there.store->lastSession()), fullRequest(),
                  eventsOf({.seed = 8, .tokenizer_hash = "tokenizer-c"}));
        const SessionId session = need(there.store->importSession(lab.file()));
        QCOMPARE(need(there.store->lastSession()), session);
        QCOMPARE(need(there.store->listSessions("Mine")).at(0).notes, std::string("notes"));
        const auto runs = need(there.store->listRuns(session));
        QCOMPARE(runs.size(), std::size_t(2));
        QVERIFY(runs[0].id != lab.root);  // given anew
        QCOMPARE(runs[1].parent, runs[0].id);
        QVERIFY(need(there.store->loadRequest(runs[1].id)).branch.parent == runs[0].id);
        QCOMPARE(differenceBetween(need(there.store->loadRun(runs[0].id)), need(lab.open.store->loadRun(lab.root))),
                 std::string());
        const RunTrace here = need(lab.open.store->loadRun(lab.branch)),
                       imported = need(there.store->loadRun(runs[1].id));
        QCOMPARE(imported.points().size(), here.points().size());
        QCOMPARE(imported.texts(), here.texts());
        QVERIFY(!here.draftRounds().empty() && !here.expertPasses().empty());
        QVERIFY(imported.draftRounds().size() == here.draftRounds().size() &&
                imported.expertPasses().size() == here.expertPasses().size());
        QCOMPARE(need(there.store->listNotes(runs[0].id)).at(0).text, std::string("look"));
        RunSummary a = runs[0], b = need(lab.open.store->runSummary(lab.root));
        a.id = b.id;
        a.session = b.session;
        QVERIFY(a == b);
        need(there.store->importSession(lab.file()));  // once more, as a session of its own
        QCOMPARE(need(there.store->listSessions("Mine")).size(), std::size_t(2));
        VERIFY_OK(there.store->runIntegrityCheck());
    }

    void aBranchTakesItsDeletedParentAlong() {
        const Laboratory lab;
        need(lab.open.store->deleteRun(lab.root));
        need(lab.open.store->restoreRun(lab.branch));
        VERIFY_OK(lab.open.store->exportSession(lab.session, lab.file()));
        QCOMPARE(text(lab.file(), "SELECT COUNT(*) FROM run"), std::string("2"));
    }

    void runningRunIsInterruptedInTheCopy() {
        const Laboratory lab;
        const RunId run = need(lab.open.writer->beginRun(lab.session, fullRequest()));
        VERIFY_OK(lab.open.store->exportSession(lab.session, lab.file()));
        QVERIFY(need(need(Store::open(lab.file(), OpenMode::ReadOnly))->runSummary(run)).status ==
                RunStatus::Interrupted);
        QVERIFY(need(lab.open.store->runSummary(run)).status == RunStatus::Running);
    }

    void replacesOrLeavesAlone() {
        const Laboratory lab;
        std::ofstream(lab.file()) << "something else";
        VERIFY_FAILS(lab.open.store->exportSession(SessionId{99}, lab.file()), ErrorCode::NotFound);
        VERIFY_FAILS(lab.open.store->exportSession(lab.session, lab.file("no/such/folder.qbl")), ErrorCode::Io);
        VERIFY_FAILS(lab.open.store->exportSession(lab.session, lab.open.store->path()), ErrorCode::InvalidArgument);
        QCOMPARE(std::filesystem::file_size(lab.file()), std::uintmax_t(14));
        VERIFY_OK(lab.open.store->exportSession(lab.session, lab.file()));
        VERIFY_OK(Store::open(lab.file(), OpenMode::ReadOnly));
    }

    void refusedImports() {
        const Laboratory lab;
        Store& store = *lab.open.store;
        const auto sessions = need(store.listSessions()).size();
        VERIFY_FAILS(store.importSession(lab.file("none.qbl")), ErrorCode::NotFound);
        VERIFY_FAILS(store.importSession(store.path()), ErrorCode::InvalidArgument);
        std::ofstream(lab.file("text.qbl")) << std::string(5000, 'x');
        VERIFY_FAILS(store.importSession(lab.file("text.qbl")), ErrorCode::FileCorrupt);
        const auto tampered = [&](const std::string& sql) {
            std::filesystem::remove(lab.file());
            need(store.exportSession(lab.session, lab.file()));
            {
                SQLite::Database db(lab.file().string(), SQLite::OPEN_READWRITE);
                db.exec("PRAGMA foreign_keys = OFF");
                db.exec("PRAGMA ignore_check_constraints = ON");
                db.exec(sql);
            }
            return store.importSession(lab.file());
        };
        VERIFY_FAILS(tampered("INSERT INTO session (name, created_ms, updated_ms, opened_ms) VALUES ('two', 1, 1, 1)"),
                     ErrorCode::Unsupported);
        VERIFY_FAILS(tampered("DELETE FROM session"), ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("UPDATE run SET parent = 77 WHERE parent IS NOT NULL"), ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("UPDATE run SET parent = id"), ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("UPDATE run SET request = '{}'"), ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("UPDATE vocab SET bytes = x'00' WHERE token = (SELECT MIN(token) FROM vocab)"),
                     ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("UPDATE token SET top = x'0102030405' WHERE pos = 7"), ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("UPDATE draft_round SET nodes = x'01'"), ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("UPDATE token_experts SET experts = x'01'"), ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("UPDATE expert_pass SET layers = x'01'"), ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM run; END"),
                     ErrorCode::FileCorrupt);
        VERIFY_FAILS(tampered("CREATE VIEW v AS SELECT 1"), ErrorCode::FileCorrupt);
        QCOMPARE(need(store.listSessions()).size(), sessions);  // whole or not at all
        QCOMPARE(text(store.path(), "SELECT COUNT(*) FROM session"), std::to_string(sessions));
        VERIFY_OK(store.runIntegrityCheck());
    }

    void whatWasAskedToStopLeavesNothing() {
        const Laboratory lab;
        std::stop_source stop;
        stop.request_stop();
        VERIFY_FAILS(lab.open.store->exportSession(lab.session, lab.file(), stop.get_token()), ErrorCode::Cancelled);
        VERIFY_FAILS(lab.open.store->saveCopy(lab.file(), stop.get_token()), ErrorCode::Cancelled);
        for (const auto& entry : std::filesystem::directory_iterator(lab.file().parent_path())) {
            QVERIFY2(entry.path().string().find("mine.qbl") == std::string::npos, entry.path().c_str());
        }
        VERIFY_OK(lab.open.store->exportSession(lab.session, lab.file(), std::stop_source().get_token()));
        const OpenStore there = OpenStore::at(pathIn(lab.folder, "there.db"));
        VERIFY_FAILS(there.store->importSession(lab.file(), stop.get_token()), ErrorCode::Cancelled);
        QCOMPARE(text(there.store->path(), "SELECT COUNT(*) FROM session"), std::string("0"));
        const std::stop_source nobody;
        need(there.store->importSession(lab.file(), nobody.get_token()));
        QCOMPARE(text(there.store->path(), "SELECT COUNT(*) FROM run"), std::string("2"));
    }

    // Another connection writes the same file, under the same lock.
    void importsOnAConnectionOfTheirOwn() {
        const Laboratory lab;
        VERIFY_OK(lab.open.store->exportSession(lab.session, lab.file()));
        const auto again = need(lab.open.store->openAgain());
        const SessionId session = need(again->importSession(lab.file()));
        QCOMPARE(need(lab.open.store->sessionSummary(session)).runs, std::int64_t(2));
        const auto reading = need(Store::open(lab.file(), OpenMode::ReadOnly));
        VERIFY_FAILS(reading->openAgain(), ErrorCode::InvalidArgument);
    }

    // Until the last of it is there, nobody lists it, brings it back, removes it or grades its runs again.
    void aHalfImportedSessionIsLeftAlone() {
        const Laboratory lab;
        Store& store = *lab.open.store;
        VERIFY_OK(store.exportSession(lab.session, lab.file()));
        const std::size_t live = need(store.listSessions()).size();
        const SessionId half = need(store.importSession(lab.file()));
        const std::string id = std::to_string(raw(half)), of_it = " FROM run WHERE graded_by = 0 AND session = " + id;
        SQLite::Database db(store.path().string(), SQLite::OPEN_READWRITE, 5000);
        db.exec("BEGIN; UPDATE session SET deleted_ms = -1 WHERE id = " + id +
                "; UPDATE run SET graded_by = 0, correct = 0, answer = 'as it came' WHERE session = " + id +
                "; COMMIT");
        QCOMPARE(text(store.path(), "SELECT COUNT(*)" + of_it), std::string("2"));
        QCOMPARE(need(store.listSessions()).size(), live);
        QCOMPARE(need(store.listSessions({}, Listed::Deleted)).size(), std::size_t(0));
        VERIFY_FAILS(store.restoreSession(half), ErrorCode::NotFound);
        VERIFY_FAILS(store.purge(), ErrorCode::Busy);
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));  // the writer looks for old grades once a second
        QCOMPARE(text(store.path(), "SELECT COUNT(*)" + of_it), std::string("2"));
        db.exec("UPDATE session SET deleted_ms = NULL WHERE id = " + id);
        QTRY_COMPARE_WITH_TIMEOUT(text(store.path(), "SELECT COUNT(*)" + of_it), std::string("0"), 20000);
        QCOMPARE(text(store.path(), "SELECT COUNT(*) FROM run WHERE answer = 'as it came'"), std::string("0"));
        VERIFY_OK(store.purge());
    }

    void whatAKilledImportLeftGoes() {
        const QTemporaryDir folder;
        SessionId half{};
        {
            const Laboratory lab;
            VERIFY_OK(lab.open.store->exportSession(lab.session, lab.file()));
            const OpenStore there = OpenStore::at(pathIn(folder));
            need(there.store->importSession(lab.file()));
            half = need(there.store->importSession(lab.file()));
        }
        SQLite::Database(pathIn(folder).string(), SQLite::OPEN_READWRITE)
            .exec("UPDATE session SET deleted_ms = -1 WHERE id = " + std::to_string(raw(half)));
        {
            const auto reading = need(Store::open(pathIn(folder), OpenMode::ReadOnly));
            QCOMPARE(need(reading->listSessions()).size(), std::size_t(1));  // whoever only reads does not see it
        }
        const auto store = need(Store::open(pathIn(folder)));
        QCOMPARE(text(store->path(), "SELECT COUNT(*) FROM session"), std::string("1"));
        QCOMPARE(text(store->path(), "SELECT COUNT(*) FROM run"), std::string("2"));
        QCOMPARE(text(store->path(), "SELECT COUNT(DISTINCT run) FROM token"), std::string("2"));
        VERIFY_OK(store->runIntegrityCheck());
    }
};

QTEST_APPLESS_MAIN(TestSessionFile)
#include "tst_session_file.moc"
