// Damaged and hostile database files: every one gives an Error or a valid value, none a crash (run under asan and
// ubsan).

#include <fstream>
#include <random>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/data/store_fixture.h"

using namespace quibble;
using namespace quibble::test;

namespace {

std::string bytesOf(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Reads all there is to read. How many calls failed; each error names something.
int readEverything(const std::filesystem::path& path, OpenMode mode, bool with_export = true) {
    int failures = 0;
    const auto count = [&](const auto& result) {
        if (result) return;
        ++failures;
        if (result.error().what.empty()) throw std::runtime_error("an error without words");
    };
    const auto store = Store::open(path, mode);
    count(store);
    if (!store) return failures;
    count((*store)->runIntegrityCheck());
    count((*store)->lastSession());
    const auto sessions = (*store)->listSessions();
    count(sessions);
    for (const SessionSummary& session : sessions.value_or(std::vector<SessionSummary>{})) {
        count((*store)->listRuns(session.id));
        if (with_export) count((*store)->exportSession(session.id, path.string() + ".out"));
    }
    for (std::int64_t id = 1; id <= 3; ++id) {
        count((*store)->runSummary(RunId{id}));
        count((*store)->loadRequest(RunId{id}));
        count((*store)->loadRun(RunId{id}));
        count((*store)->listNotes(RunId{id}));
    }
    return failures;
}

}  // namespace

class TestHostileDatabase : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    std::filesystem::path good_;
    std::string bytes_;

    [[nodiscard]] std::filesystem::path file() const { return pathIn(folder_, "bad.qbl"); }
    void place(const std::string& bytes) const {
        for (const char* suffix : {"-wal", "-shm", "-journal"}) std::filesystem::remove(file().string() + suffix);
        write(file(), bytes);
    }
    // The good file after `sql`, which may break every rule of the schema.
    void tamper(const std::string& sql) const {
        place(bytes_);
        SQLite::Database db(file().string(), SQLite::OPEN_READWRITE);
        db.exec("PRAGMA foreign_keys = OFF");
        db.exec("PRAGMA ignore_check_constraints = ON");
        db.exec("PRAGMA writable_schema = ON");
        db.exec(sql);
    }

private slots:
    void initTestCase() {
        const auto path = pathIn(folder_, "made.qbl");
        auto open = OpenStore::at(path);
        const SessionId session = need(open.store->createSession("s"));
        const RunId root =
            open.add(session, fullRequest(), eventsOf({.seed = 1, .tokens = 60, .drafts = true, .experts = 8}));
        open.add(session, branchRequest(root, 12),
                 eventsOf({.seed = 2, .tokens = 8, .first = 12, .drafts = true, .experts = 8}));
        open.add(session, fullRequest(), eventsOf({.seed = 3, .tokens = 5, .tokenizer_hash = "tokenizer-b"}));
        need(open.store->addNote(root, 5, 6, "n"));
        good_ = pathIn(folder_, "good.qbl");
        need(open.store->exportSession(session, good_));
        bytes_ = bytesOf(good_);
        QCOMPARE(readEverything(good_, OpenMode::ReadOnly), 0);
    }

    void truncated() {
        for (std::size_t size = 1; size < bytes_.size(); size += size < 200 ? 9 : 1711) {
            place(bytes_.substr(0, size));
            QVERIFY2(readEverything(file(), OpenMode::ReadOnly) > 0,
                     qPrintable(QString("%1 bytes passed for a database").arg(size)));
        }
    }

    // A flipped bit may fall into a text or into free space and be a valid file; it must never be worse than an error.
    void flippedBits() {
        std::mt19937 random(1);
        int noticed = 0;
        constexpr int kRounds = 400;
        for (int round = 0; round < kRounds; ++round) {
            std::string damaged = bytes_;
            // Half of them in the header and the schema, where they do most.
            const std::size_t at =
                random() % (round % 2 == 0 ? std::min<std::size_t>(8192, damaged.size()) : damaged.size());
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
            place(damaged);
            noticed +=
                readEverything(file(), round % 8 == 0 ? OpenMode::ReadWrite : OpenMode::ReadOnly, round % 5 == 0) > 0;
        }
        qInfo("%d of %d flipped bits gave an error", noticed, kRounds);
        QVERIFY(noticed > kRounds / 20);  // most hit free space or figures that any float may be
    }

    void overwrittenPages() {
        std::mt19937 random(2);
        for (int round = 0; round < 60; ++round) {
            std::string damaged = bytes_;
            const std::size_t page = random() % (damaged.size() / 4096);
            for (std::size_t i = 0; i < 4096; ++i)
                damaged[page * 4096 + i] = static_cast<char>(round % 3 == 0 ? 0 : round % 3 == 1 ? 0xff : random());
            place(damaged);
            (void)readEverything(file(), OpenMode::ReadOnly, round % 5 == 0);
        }
    }

    void badRows_data() {
        QTest::addColumn<QByteArray>("sql");
        QTest::addColumn<QByteArray>("says");
        const auto row = [](const char* name, const char* sql, const char* says) {
            QTest::newRow(name) << QByteArray(sql) << QByteArray(says);
        };
        row("blob length", "UPDATE token SET top = x'01020304050607' WHERE run = 1 AND pos = 9",
            "table token, run 1, position 9: top has 7 bytes");
        row("blob huge", "UPDATE token SET top = zeroblob(8 * 5000) WHERE run = 1 AND pos = 9", "top has 5000 entries");
        row("blob absurd", "UPDATE token SET top_after = zeroblob(200000000) WHERE run = 1 AND pos = 9",
            "position 9: top_after");
        row("reference blob", "UPDATE reference SET top = x'01' WHERE run = 1 AND pos = 9",
            "table reference, run 1, position 9: top");
        row("alternative id", "UPDATE token SET top = x'ffffff7f00000000' WHERE run = 1 AND pos = 9",
            "names token 2147483647");
        row("negative alternative", "UPDATE token SET top = x'ffffffff00000000' WHERE run = 1 AND pos = 9",
            "names token -1");
        row("token id", "UPDATE token SET id = 300 WHERE run = 1 AND pos = 9", "id is 300, outside 0 to 299");
        row("negative id", "UPDATE token SET id = -2 WHERE run = 1 AND pos = 9", "id is -2");
        row("wide id", "UPDATE token SET without_penalty_id = 4294967296 WHERE run = 1 AND pos = 9",
            "without_penalty_id is 4294967296");
        row("rank", "UPDATE token SET rank = -1 WHERE run = 1 AND pos = 9", "rank is -1");
        row("flag", "UPDATE token SET marker = 2 WHERE run = 1 AND pos = 9", "marker is 2");
        row("time", "UPDATE token SET time_ns = -1 WHERE run = 1 AND pos = 9", "time_ns is -1");
        row("float too large", "UPDATE token SET entropy = 1e300 WHERE run = 1 AND pos = 9", "entropy is too large");
        row("float too exact", "UPDATE token SET entropy = 0.1 WHERE run = 1 AND pos = 9", "entropy has more digits");
        row("gap", "DELETE FROM token WHERE run = 1 AND pos = 9", "position 10: pos does not follow 8");
        row("negative position", "UPDATE token SET pos = -1 WHERE run = 1 AND pos = 9",
            "table token, run 1: pos is -1");
        row("far position", "UPDATE token SET pos = 2147483646 WHERE run = 1 AND pos = 64", "position 2147483646");
        row("reference without token", "UPDATE reference SET pos = 500 WHERE run = 1 AND pos = 9",
            "position 500: pos has no token");
        row("control", "UPDATE control_change SET pos = -5 WHERE run = 1", "table control_change, run 1: pos is -5");
        row("vocabulary", "UPDATE vocab SET token = -5 WHERE token = 11 AND tokenizer = 1",
            "table vocab, tokenizer 1: token is -5");
        row("request", "UPDATE run SET request = '{\"a\":' WHERE id = 1", "table run, run 1: request is not JSON");
        row("request type", "UPDATE run SET request = replace(request, '\"seed\":', '\"speed\":') WHERE id = 1",
            "\"seed\" is missing");
        row("request deep", "UPDATE run SET request = replace(hex(zeroblob(100000)), '0', '[') WHERE id = 1",
            "request is not JSON");
        row("provenance", "UPDATE run SET provenance = '[]' WHERE id = 1",
            "run 1: stored run provenance: not an object");
        row("no provenance", "UPDATE run SET provenance = NULL WHERE id = 1", "has tokens but no provenance");
        row("vocabulary size",
            "UPDATE run SET provenance = replace(provenance, '\"vocab_size\":300', '\"vocab_size\":-1') WHERE id = 1",
            "negative size");
        row("small vocabulary",
            "UPDATE run SET provenance = replace(provenance, '\"vocab_size\":300', '\"vocab_size\":2') WHERE id = 1",
            "not in the vocabulary");
        // Nodes of 25 bytes: parent, id, four floats, fate. The round that stands first is replaced by one node.
        const auto round = [&](const char* name, const char* set, const char* says) {
            row(name,
                ("UPDATE draft_round SET " + std::string(set) +
                 " WHERE run = 1 AND pos = (SELECT MIN(pos) FROM draft_round WHERE run = 1)")
                    .c_str(),
                says);
        };
        round("node length", "nodes = x'0102'", "nodes has 2 bytes, not a multiple of 25");
        round("nodes huge", "nodes = zeroblob(25 * 5000)", "nodes has 5000 nodes, more than 4096");
        round("nodes absurd", "nodes = zeroblob(200000000)", "nodes has ");
        round("node parent", "accepted = 0, nodes = x'00000000050000000000000000000000000000000000000000'",
              "node 0 hangs under node 0");
        round("node before the text", "accepted = 0, nodes = x'feffffff050000000000000000000000000000000000000000'",
              "node 0 hangs under node -2");
        round("node id", "accepted = 0, nodes = x'ffffffff2c0100000000000000000000000000000000000000'",
              "names token 300");
        round("negative node id", "accepted = 0, nodes = x'ffffffffffffffff0000000000000000000000000000000000'",
              "names token -1");
        round("fate", "accepted = 0, nodes = x'ffffffff050000000000000000000000000000000000000003'",
              "has a node of fate 3");
        round("accepted without nodes", "accepted = 1, nodes = x''", "accepted is 1, but 0 nodes were");
        round("accepted negative", "accepted = -1", "accepted is -1");
        round("accepted twice at one place",
              "accepted = 2, nodes = "
              "x'ffffffff050000000000000000000000000000000000000002ffffffff060000000000000000000000000000000000000002'",
              "accepted node 1 does not follow the accepted path");
        round("other tokens",
              "accepted = 0, nodes = x'', added = (SELECT (id + 1) % 300 FROM token WHERE run = 1 AND pos = "
              "draft_round.pos)",
              "nodes has other tokens than the text");
        round("added", "added = 300", "names token 300");
        round("added in the middle",
              "accepted = 0, corrected = 0, added = 5, nodes = x'ffffffff050000000000000000000000000000000000000002'",
              "in the middle of the accepted path");
        round("corrected by nothing", "corrected = 1, added = -1", "a correction without a token");
        round("round in the prompt", "pos = 2", "position 2: pos lies before position 5");
        round("round times", "verify_ns = -1", "verify_ns is -1");
        round("round rows", "rows = -3", "rows is -3");
        row("rounds overlap",
            "INSERT INTO draft_round SELECT run, pos + 1, 0, -1, 0, 1, 0, 0, 0, x'' FROM draft_round WHERE run = 1 AND "
            "accepted > 1 LIMIT 1",
            "where a round may begin");
        row("experts length", "UPDATE token_experts SET experts = x'00' WHERE run = 1 AND pos = 9",
            "table token_experts, run 1, position 9: experts has 1 bytes, not 36 or 48");
        row("expert id",
            "UPDATE token_experts SET experts = "
            "x'080000000000000000000000000000000000000000000000000000000000000000000000' WHERE run = 1 AND pos = 9",
            "names expert 8 of 8");
        row("negative expert",
            "UPDATE token_experts SET experts = "
            "x'feff00000000000000000000000000000000000000000000000000000000000000000000' WHERE run = 1 AND pos = 9",
            "names expert -2 of 8");
        row("expert layers", "UPDATE token_experts SET layers = 4, experts = zeroblob(48) WHERE run = 1 AND pos = 9",
            "has 4 layers, the model has 3");
        row("expert layers absurd", "UPDATE token_experts SET layers = 2147483647 WHERE run = 1 AND pos = 9",
            "layers is 2147483647");
        row("experts a token",
            "UPDATE token_experts SET per_token = 9, experts = zeroblob(162) WHERE run = 1 AND pos = 9",
            "has 9 experts a token of 8");
        row("experts nowhere", "UPDATE token_experts SET pos = -9 WHERE run = 1 AND pos = 9",
            "table token_experts, run 1: pos is -9");
        row("pass layers", "UPDATE expert_pass SET layers = zeroblob(16) WHERE run = 1 AND seq = 2",
            "layers has 2 layers, the model has 3");
        row("pass length", "UPDATE expert_pass SET layers = x'00' WHERE run = 1 AND seq = 2",
            "layers has 1 bytes, not a multiple of 8");
        row("pass union",
            "UPDATE expert_pass SET layers = x'090000000000000000000000000000000000000000000000' WHERE run = 1 AND seq "
            "= 2",
            "counts more experts than the model's 8");
        row("pass curve", "UPDATE expert_pass SET coverage = zeroblob(28) WHERE run = 1 AND seq = 2",
            "has a coverage curve of 7 budgets");
        row("pass curve length", "UPDATE expert_pass SET coverage = x'000000' WHERE run = 1 AND seq = 2",
            "coverage has 3 bytes, not a multiple of 4");
        row("pass bytes", "UPDATE expert_pass SET expert_bytes = -1 WHERE run = 1 AND seq = 2", "expert_bytes is -1");
        row("pass budget", "UPDATE expert_pass SET budget = -1 WHERE run = 1 AND seq = 2", "budget is -1");
        row("number of experts",
            "UPDATE run SET provenance = replace(provenance, '\"experts\":8', '\"experts\":40000') WHERE id = 1",
            "a number of experts that cannot be");
        row("fewer experts",
            "UPDATE run SET provenance = replace(provenance, '\"experts\":8', '\"experts\":2') WHERE id = 1", "of 2");
        row("dense model",
            "UPDATE run SET provenance = replace(replace(provenance, '\"expert_layers\":3', '\"expert_layers\":0'), "
            "'\"experts_used\":2', '\"experts_used\":0') WHERE id = 1",
            "the model has 0");
        row("draft slot", "UPDATE run SET request = replace(request, '\"second_path\":', '\"path_2\":') WHERE id = 1",
            "\"second_path\" is missing");
        row("state", "UPDATE run SET state = 'odd', finish_reason = 'because' WHERE id = 1",
            "finish_reason is \"because\"");
        row("times", "UPDATE run SET decode_ns = -1 WHERE id = 1", "decode_ns is -1");
        row("parent circle", "UPDATE run SET parent = 1 WHERE id = 1", "its chain of parents does not end");
        row("parent lost", "UPDATE run SET parent = 99 WHERE id = 1", "its parent: there is no run 99");
        row("branch position", "UPDATE run SET branch_pos = -4 WHERE id = 1", "branch_pos is -4");
    }
    void badRows() {
        QFETCH(QByteArray, sql);
        QFETCH(QByteArray, says);
        tamper(sql.toStdString());
        const auto store = need(Store::open(file(), OpenMode::ReadOnly));
        const auto trace = store->loadRun(RunId{1});
        VERIFY_FAILS(trace, ErrorCode::FileCorrupt);
        QVERIFY2(trace.error().what.find(says.toStdString()) != std::string::npos, trace.error().line().c_str());
        VERIFY_OK(store->loadRun(RunId{3}));  // the rest still opens
    }

    void badLists() {
        tamper("UPDATE session SET created_ms = -1");
        auto store = need(Store::open(file(), OpenMode::ReadOnly));
        const auto sessions = store->listSessions();
        VERIFY_FAILS(sessions, ErrorCode::FileCorrupt);
        QVERIFY2(sessions.error().what.find("table session, session 1: created_ms") != std::string::npos,
                 sessions.error().line().c_str());
        store.reset();
        tamper("UPDATE run SET tokens = 9223372036854775807");
        store = need(Store::open(file(), OpenMode::ReadOnly));
        VERIFY_FAILS(store->listSessions(), ErrorCode::FileCorrupt);  // the sum overflows
        store.reset();
        tamper("UPDATE run SET state = 'odd' WHERE id = 2");
        store = need(Store::open(file(), OpenMode::ReadOnly));
        const auto runs = store->listRuns(SessionId{1});
        VERIFY_FAILS(runs, ErrorCode::FileCorrupt);
        QVERIFY(runs.error().what.find("table run, run 2: state") != std::string::npos);
    }

    // Other tables, views and triggers under our names.
    void badSchemas_data() {
        QTest::addColumn<QByteArray>("sql");
        QTest::newRow("table gone") << QByteArray("DROP TABLE note");
        QTest::newRow("other columns") << QByteArray("DROP TABLE note; CREATE TABLE note (x)");
        QTest::newRow("view") << QByteArray("DROP TABLE note; CREATE VIEW note AS SELECT 1 AS id");
        QTest::newRow("trigger") << QByteArray("CREATE TRIGGER t AFTER UPDATE ON run BEGIN DELETE FROM token; END");
        QTest::newRow("not strict") << QByteArray(
            "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'session'");
        QTest::newRow("virtual table") << QByteArray("CREATE VIRTUAL TABLE f USING fts5(x)");
        QTest::newRow("index gone") << QByteArray("DROP INDEX run_by_parent");
    }
    void badSchemas() {
        QFETCH(QByteArray, sql);
        for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite}) {
            tamper(sql.toStdString());
            VERIFY_FAILS(Store::open(file(), mode), ErrorCode::FileCorrupt);
        }
    }
};

QTEST_APPLESS_MAIN(TestHostileDatabase)
#include "tst_hostile_database.moc"
