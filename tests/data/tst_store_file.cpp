// The database as a file among others: copied while the program is idle, moved, replaced and removed while it is open.
#include <atomic>
#include <fstream>

#include "data/file_kind.h"
#include "tests/data/store_fixture.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::test;

namespace {

std::string bytesOf(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::uintmax_t logSize(const std::filesystem::path& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path.string() + "-wal", error);
    return error ? 0 : size;
}

void write(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

class TestStoreFile : public QObject {
    Q_OBJECT

    // What a copy of that one file holds, opened in another folder.
    static std::vector<RunSummary> runsInCopyOf(const std::filesystem::path& file) {
        const QTemporaryDir folder;
        std::filesystem::copy_file(file, pathIn(folder, "copy.db"));
        const auto store = need(Store::open(pathIn(folder, "copy.db")));
        need(store->runIntegrityCheck());
        std::vector<RunSummary> runs;
        for (const SessionSummary& session : need(store->listSessions())) {
            for (RunSummary& run : need(store->listRuns(session.id))) runs.push_back(std::move(run));
        }
        return runs;
    }

private slots:
    void aCopyMadeWhileIdleIsComplete() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        RunId run{};
        for (int i = 0; i < 3; ++i) run = open.add(session, fullRequest(), eventsOf({.seed = 1, .tokens = 300}));
        QTRY_COMPARE(logSize(pathIn(folder)), std::uintmax_t(0));  // while both connections are open
        auto runs = runsInCopyOf(pathIn(folder));
        QCOMPARE(runs.size(), std::size_t(3));
        QCOMPARE(runs[2].tokens, std::int64_t{300});
        // What the writer does not write itself is found as well.
        need(open.store->renameRun(run, "another name"));
        QVERIFY(logSize(pathIn(folder)) > 0);
        QTRY_COMPARE(logSize(pathIn(folder)), std::uintmax_t(0));
        QCOMPARE(runsInCopyOf(pathIn(folder)).at(2).title, std::string("another name"));
    }

    void aMovedFileGetsEverything() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        open.add(session, fullRequest(), eventsOf({.seed = 1, .tokens = 40}));
        const RunId live = need(open.writer->beginRun(session, fullRequest(2)));
        QVERIFY(open.store->place() == FilePlace::InPlace);
        std::filesystem::rename(pathIn(folder), pathIn(folder, "elsewhere.db"));
        QVERIFY(open.store->place() == FilePlace::Elsewhere);
        for (const EventBatchPtr& batch : batchesOf(live, eventsOf({.seed = 2, .tokens = 50})))
            open.writer->push(batch);
        VERIFY_OK(open.writer->flush());
        QTRY_COMPARE(logSize(pathIn(folder)), std::uintmax_t(0));
        const auto runs = runsInCopyOf(pathIn(folder, "elsewhere.db"));
        QCOMPARE(runs.size(), std::size_t(2));
        QCOMPARE(runs[1].tokens, std::int64_t{50});
        std::filesystem::rename(pathIn(folder, "elsewhere.db"), pathIn(folder));  // and back
        QVERIFY(open.store->place() == FilePlace::InPlace);
    }

    void aReplacedFileIsLeftAlone() {
        const QTemporaryDir folder;
        { need(need(Store::open(pathIn(folder, "other.db")))->createSession("theirs")); }
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        open.add(session, fullRequest(), eventsOf({.seed = 1, .tokens = 40}));
        const RunId live = need(open.writer->beginRun(session, fullRequest(2)));
        const std::string theirs = bytesOf(pathIn(folder, "other.db"));
        std::filesystem::rename(pathIn(folder, "other.db"), pathIn(folder));
        QVERIFY(open.store->place() == FilePlace::Elsewhere);
        for (const EventBatchPtr& batch : batchesOf(live, eventsOf({.seed = 2, .tokens = 50})))
            open.writer->push(batch);
        VERIFY_OK(open.writer->flush());
        // Nothing of ours is left beside the other database that SQLite would play into it.
        QTRY_COMPARE(logSize(pathIn(folder)), std::uintmax_t(0));
        VERIFY_OK(open.store->saveCopy(pathIn(folder, "saved.db")));
        VERIFY_OK(open.writer->close());
        open = {};
        QCOMPARE(bytesOf(pathIn(folder)), theirs);
        QCOMPARE(runsInCopyOf(pathIn(folder, "saved.db")).size(), std::size_t(2));
        QCOMPARE(need(need(Store::open(pathIn(folder)))->listSessions()).at(0).name, std::string("theirs"));
    }

    void aRemovedFileCanBeSaved() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        open.add(need(open.store->createSession("s")), fullRequest(), eventsOf({.seed = 1, .tokens = 40}));
        VERIFY_FAILS(open.store->saveCopy(pathIn(folder)), ErrorCode::InvalidArgument);
        std::filesystem::remove(pathIn(folder));
        QVERIFY(open.store->place() == FilePlace::Elsewhere);
        VERIFY_OK(open.store->saveCopy(pathIn(folder)));  // at its old place
        QCOMPARE(runsInCopyOf(pathIn(folder)).size(), std::size_t(1));
        VERIFY_FAILS(open.store->saveCopy(pathIn(folder, "no/folder/x.db")), ErrorCode::Io);
    }

    // The database is gone and its -wal is not: a new database there would overwrite the last copy of its runs.
    void nothingBeginsOverTheLogOfAnother() {
        const QTemporaryDir folder;
        const auto orphan = pathIn(folder, "orphan.db");
        {
            auto open = OpenStore::at(pathIn(folder));
            need(open.store->createSession("s"));
            QVERIFY(logSize(pathIn(folder)) > 0);
            std::filesystem::copy_file(pathIn(folder).string() + "-wal", orphan.string() + "-wal");
            std::filesystem::copy_file(pathIn(folder), pathIn(folder, "kept.db"));
        }
        const std::string log = bytesOf(orphan.string() + "-wal");
        for (const char* content : {"missing", "empty"}) {
            if (content == std::string("empty")) write(orphan, "");
            const auto opened = Store::open(orphan);
            VERIFY_FAILS(opened, ErrorCode::NotFound);
            QVERIFY2(opened.error().what.find("orphan.db-wal") != std::string::npos, opened.error().line().c_str());
            QVERIFY(!opened.error().hint.empty());
            QCOMPARE(bytesOf(orphan.string() + "-wal"), log);
        }
        std::filesystem::rename(pathIn(folder, "kept.db"), orphan);  // as the hint says
        QCOMPARE(need(need(Store::open(orphan))->listSessions()).at(0).name, std::string("s"));
    }

    void theWriterKnowsWhatIsSaved() {
        const QTemporaryDir folder;
        const auto store = need(Store::open(pathIn(folder)));
        std::atomic<std::int64_t> saved{0};
        const auto writer = need(StoreWriter::open(*store, {}, [&](RunId run) { saved = raw(run); }));
        const RunId run = need(writer->beginRun(need(store->createSession("s")), fullRequest()));
        QVERIFY(!writer->saveState().last_commit && !writer->saveState().waiting_since);
        const auto batches = batchesOf(run, eventsOf({.seed = 1, .tokens = 20}), 1000);
        QCOMPARE(batches.size(), std::size_t(1));
        EventBatch unfinished = *batches.front();
        unfinished.events.pop_back();  // the end
        const auto before = SaveState::Clock::now();
        writer->push(std::make_shared<EventBatch>(unfinished));
        const SaveState waiting = writer->saveState();
        QVERIFY(waiting.pending > 0 && waiting.waiting_since && *waiting.waiting_since >= before);
        VERIFY_OK(writer->flush());
        QVERIFY(writer->saveState().pending == 0 && !writer->saveState().waiting_since);
        QVERIFY(writer->saveState().last_commit && *writer->saveState().last_commit >= before);
        QCOMPARE(saved.load(), std::int64_t{0});
        writer->push(std::make_shared<EventBatch>(EventBatch{run, {batches.front()->events.back()}}));
        QTRY_COMPARE(saved.load(), raw(run));
        QVERIFY(need(store->runSummary(run)).status == RunStatus::Finished);
    }

    void contentSaysWhatAFileIs() {
        const QTemporaryDir folder;
        const auto at = [&](const char* name) { return pathIn(folder, name); };
        { VERIFY_OK(Store::open(at("any.name at.all"))); }
        QVERIFY(fileKindOf(at("any.name at.all")) == FileKind::Session);
        write(at("theirs.session"), bytesOf(at("any.name at.all")).replace(68, 4, "abcd"));
        QVERIFY(fileKindOf(at("theirs.session")) == FileKind::OtherDatabase);
        std::filesystem::copy_file(quibble::testing::goldenDirectory() / "models" / "llama-d64-F16.gguf",
                                   at("weights.txt"));
        QVERIFY(fileKindOf(at("weights.txt")) == FileKind::Model);
        write(at("part"), std::string("\x10\0\0\0\0\0\0\0{\"a\":{}        }", 24));
        QVERIFY(fileKindOf(at("part")) == FileKind::Model);
        write(at("long.safetensors"),
              std::string("\x11\0\0\0\0\0\0\0{\"a\":{}        }", 24));  // its header ends behind the file
        QVERIFY(fileKindOf(at("long.safetensors")) == FileKind::Unknown);
        write(at("index"), "\n {\"metadata\": {}, \"weight_map\": {}}");
        QVERIFY(fileKindOf(at("index")) == FileKind::Model);
        write(at("page.gguf"), "<html>not found</html>");
        write(at("empty.session"), "");
        for (const char* name : {"page.gguf", "empty.session", "missing"})
            QVERIFY(fileKindOf(at(name)) == FileKind::Unknown);
        std::filesystem::create_directory(at("folder.gguf"));
        QVERIFY(fileKindOf(at("folder.gguf")) == FileKind::Unknown);
        write(at("folder.gguf/config.json"), "{}");
        QVERIFY(fileKindOf(at("folder.gguf")) == FileKind::Model);
    }
};

QTEST_APPLESS_MAIN(TestStoreFile)
#include "tst_store_file.moc"
