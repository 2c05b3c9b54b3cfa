// Taking in a session file from elsewhere. It is untrusted: its schema, its structure and every run are checked before
// the first row of it is written. It is written in small transactions with pauses between them, so that nobody who
// writes meanwhile (a run, a rename in the window) waits for longer than one of them. Until the last one the session is
// marked as half imported, and shows up in no list.

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <sqlite3.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "data/store/store_impl.h"
#include "data/store/trace_reader.h"
#include "engine/values/run_json.h"

namespace quibble {

namespace {

// The file under the name src, for as long as this lives.
class Attachment {
public:
    Attachment(SQLite::Database& db, const std::filesystem::path& path) : db_(db) {
        SQLite::Statement attach(db, "ATTACH ? AS src");
        attach.bind(1, readOnlyUri(path));
        attach.exec();
    }
    ~Attachment() { db_.tryExec("DETACH src"); }
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

private:
    SQLite::Database& db_;
};

// A file of an earlier version as it would be today, in a copy beside `database` that goes when this goes; else the
// file itself.
class UpToDateFile {
public:
    UpToDateFile() = default;
    ~UpToDateFile() { remove(); }
    UpToDateFile(const UpToDateFile&) = delete;
    UpToDateFile& operator=(const UpToDateFile&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] Result<void> take(const std::filesystem::path& file, const std::filesystem::path& database,
                                    const std::stop_token& stop) {
        path_ = file;
        const auto older = isOlder(file);
        if (!older) return tl::unexpected(older.error());
        if (!*older) return {};
        copy_ = database.string() + ".import" + std::to_string(::getpid());
        remove();
        const auto copied = guarded("reading " + file.string(), [&]() -> Result<void> {
            SQLite::Database old(readOnlyUri(file), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
            const Interruptible interruptible(old, stop);
            SQLite::Statement vacuum(old, "VACUUM INTO ?");
            vacuum.bind(1, copy_.string());
            vacuum.exec();
            return {};
        });
        if (!copied) return copied;
        path_ = copy_;
        const auto brought = openDatabase(copy_, OpenMode::ReadWrite);
        return brought ? Result<void>{} : tl::unexpected(brought.error());
    }

private:
    void remove() {
        if (copy_.empty()) return;
        std::error_code ignored;
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            std::filesystem::remove(copy_.string() + suffix, ignored);
        for (int version = 1; version < schemaMigrations().back().version; ++version) {
            std::filesystem::remove(copy_.string() + ".v" + std::to_string(version) + ".backup", ignored);
        }
    }
    std::filesystem::path path_, copy_;
};

Result<void> checkFile(const std::filesystem::path& path, const std::stop_token& stop) {
    auto db = openDatabase(path, OpenMode::ReadOnly);
    if (!db) return tl::unexpected(db.error());
    const Interruptible interruptible(**db, stop);
    if (auto sound = checkIntegrity(**db, path.string()); !sound) return sound;
    return guarded("reading " + path.string(), [&]() -> Result<void> {
        const std::int64_t sessions = (*db)->execAndGet("SELECT COUNT(*) FROM session").getInt64();
        if (sessions != 1) {
            return fail(ErrorCode::Unsupported,
                        path.string() + " holds " + std::to_string(sessions) + " sessions, not one",
                        "Open it as it is, and export the session that you want");
        }
        SQLite::Statement runs(**db, "SELECT id FROM run ORDER BY id");
        while (runs.executeStep()) {
            const auto trace = readTrace(**db, RunId{runs.getColumn(0).getInt64()});
            if (stop.stop_requested())
                return fail(ErrorCode::Cancelled, "importing " + path.string() + " was cancelled");
            if (trace) continue;
            return fail(trace.error().code, path.string() + ": " + trace.error().what,
                        "The file is damaged; ask for it again");
        }
        return {};
    });
}

constexpr std::int64_t kRowsAtOnce = 500;  // some milliseconds
constexpr std::int64_t kRunsAtOnce = 20;
constexpr std::chrono::milliseconds kLongestPause{20};

// Tables whose rows belong to a run, and the column by which they are taken in portions. A run has few controls and
// notes.
struct RunTable {
    const char* name;
    const char* key;  // nullptr: all at once
    const char* columns;
};
constexpr RunTable kRunTables[] = {
    {"token", "pos",
     "pos, id, without_penalty_id, logprob, rank, entropy, varentropy, marker_mass, marker_mass_after, penalty, "
     "time_ns, thinking, marker, penalized,"
     " injected, top, top_after"},
    {"reference", "pos", "pos, kl, entropy, varentropy, logprob, rank, top"},
    {"draft_round", "pos", "pos, accepted, added, corrected, rows, draft_ns, verify_ns, other_ns, nodes"},
    {"token_experts", "pos", "pos, layers, per_token, experts"},
    {"expert_pass", "seq", "seq, pos, rows, verify, budget, expert_bytes, total_bytes, time_ns, layers, coverage"},
    {"control_change", nullptr, "seq, pos, key, value, text, rewrites"},
    {"rule_act", nullptr, "seq, pos, rule, kind, tokens, why"},
    {"note", nullptr, "from_pos, to_pos, text, created_ms"},
};

// Small transactions, each followed by a pause of its own length, in which others write.
class Portions {
public:
    Portions(SQLite::Database& db, const std::stop_token& stop) : db_(db), stop_(stop) {}
    ~Portions() { rollback(); }
    Portions(const Portions&) = delete;
    Portions& operator=(const Portions&) = delete;

    /// Begins a transaction where none is open. False: stop was asked for, and nothing more is to be written.
    [[nodiscard]] bool open() {
        if (stop_.stop_requested()) return false;
        if (!transaction_) {
            began_ = std::chrono::steady_clock::now();
            transaction_ = std::make_unique<WriteTransaction>(db_);
        }
        return true;
    }
    /// Ends the transaction when it holds so much that others should get their turn.
    void add(std::int64_t rows) {
        rows_ += rows;
        if (rows_ >= kRowsAtOnce) commit();
    }
    void commit() { close(true); }
    void rollback() { close(false); }

private:
    void close(bool commit) {
        rows_ = 0;
        if (!transaction_) return;
        if (commit) transaction_->commit();
        transaction_.reset();
        if (!commit || !stop_.stop_possible()) return;  // whoever cannot be stopped is alone
        std::this_thread::sleep_for(
            std::min<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - began_, kLongestPause));
    }
    SQLite::Database& db_;
    std::stop_token stop_;
    std::unique_ptr<WriteTransaction> transaction_;
    std::chrono::steady_clock::time_point began_;
    std::int64_t rows_ = 0;
};

// Parameters ?1, ?2 ... as far as the statement has them.
int execute(SQLite::Database& db, const std::string& sql, std::initializer_list<std::int64_t> parameters = {}) {
    SQLite::Statement statement(db, sql);
    int index = 0;
    for (const std::int64_t value : parameters) {
        if (++index <= statement.getBindParameterCount()) statement.bind(index, value);
    }
    return statement.exec();
}

// A session that was marked as half imported, with its runs, the newest first.
void removeSession(SQLite::Database& db, std::int64_t session, Portions& portions) {
    std::vector<std::int64_t> runs;
    SQLite::Statement query(db, "SELECT id FROM run WHERE session = ? ORDER BY id DESC");
    query.bind(1, session);
    while (query.executeStep()) runs.push_back(query.getColumn(0).getInt64());
    query.reset();
    for (const std::int64_t run : runs) {
        for (const RunTable& table : kRunTables) {
            const std::string of_run = "FROM " + std::string(table.name) + " WHERE run = ?1";
            for (int removed = 1; table.key != nullptr && removed > 0;) {
                (void)portions.open();
                removed = execute(db,
                                  "DELETE " + of_run + " AND " + table.key + " IN (SELECT " + table.key + " " + of_run +
                                      " ORDER BY " + table.key + " LIMIT ?2)",
                                  {run, kRowsAtOnce});
                portions.add(removed);
            }
        }
        (void)portions.open();
        execute(db, "UPDATE run SET parent = NULL WHERE parent = ?1", {run});
        execute(db, "DELETE FROM run WHERE id = ?1", {run});
        portions.add(kRowsAtOnce / kRunsAtOnce);
    }
    (void)portions.open();
    execute(db, "DELETE FROM session WHERE id = ?1", {session});
    portions.commit();
}

class Importer {
public:
    Importer(SQLite::Database& db, const std::stop_token& stop)
        : db_(db), pauses_(stop.stop_possible()), portions_(db, stop) {}

    Result<SessionId> all() {
        if (auto texts = checkVocab(); !texts) return tl::unexpected(texts.error());
        if (!portions_.open()) return cancelled();
        execute(db_,
                "INSERT INTO main.session (name, notes, created_ms, updated_ms, opened_ms, deleted_ms)"
                " SELECT name, notes, created_ms, updated_ms, 0, ?1 FROM src.session",
                {kBeingImported});
        session_ = db_.getLastInsertRowid();
        portions_.commit();
        auto done = fill();
        if (done && !portions_.open()) done = cancelled();
        if (!done) return tl::unexpected(done.error());
        execute(db_,
                "UPDATE main.session SET deleted_ms = NULL, opened_ms = (SELECT MAX(?1, MAX(opened_ms) + 1) FROM "
                "main.session) WHERE id = ?2",
                {nowMs(), session_});
        portions_.commit();
        return SessionId{session_};
    }
    /// After a failure: nothing stays. What an unwritable disk keeps goes when the database is opened next.
    void removeAgain() {
        portions_.rollback();
        if (session_ == 0) return;
        const std::stop_source nobody;
        Portions portions(db_, pauses_ ? nobody.get_token() : std::stop_token());
        (void)guarded("removing what was imported", [&]() -> Result<void> {
            removeSession(db_, session_, portions);
            return {};
        });
    }

private:
    static tl::unexpected<Error> cancelled() { return fail(ErrorCode::Cancelled, "the import was cancelled"); }

    Result<void> fill() {
        for (const auto part : {&Importer::addVocab, &Importer::addRuns, &Importer::linkRuns}) {
            if (auto done = (this->*part)(); !done) return done;
            portions_.commit();
        }
        return {};
    }

    static std::string joinedVocab() {
        return " FROM src.vocab v JOIN src.tokenizer t ON t.id = v.tokenizer JOIN main.tokenizer mine ON mine.hash = "
               "t.hash ";
    }

    Result<void> checkVocab() {
        SQLite::Statement differing(db_, "SELECT t.hash, v.token" + joinedVocab() +
                                             "JOIN main.vocab known ON known.tokenizer = mine.id AND known.token = "
                                             "v.token WHERE known.bytes <> v.bytes LIMIT 1");
        if (!differing.executeStep()) return {};
        return fail(ErrorCode::FileCorrupt,
                    "the file has another text for token " + differing.getColumn(1).getString() + " of tokenizer " +
                        differing.getColumn(0).getString(),
                    "The file is damaged; ask for it again");
    }

    // Texts that the database has not yet. They may stay when the import ends early: they say what is true of the
    // tokenizer.
    Result<void> addVocab() {
        if (!portions_.open()) return cancelled();
        execute(db_,
                "INSERT INTO main.tokenizer (hash) SELECT hash FROM src.tokenizer WHERE TRUE ON CONFLICT (hash) DO "
                "NOTHING");
        std::vector<std::int64_t> tokenizers;
        SQLite::Statement query(db_, "SELECT id FROM src.tokenizer");
        while (query.executeStep()) tokenizers.push_back(query.getColumn(0).getInt64());
        query.reset();
        for (const std::int64_t tokenizer : tokenizers) {
            const auto done = inPortions(
                "src.vocab WHERE tokenizer = ?1", "token", tokenizer, [&](std::int64_t first, std::int64_t end) {
                    return execute(
                        db_,
                        "INSERT INTO main.vocab (tokenizer, token, bytes) SELECT mine.id, v.token, v.bytes" +
                            joinedVocab() +
                            "WHERE v.tokenizer = ?1 AND v.token >= ?2 AND v.token < ?3 ON CONFLICT DO NOTHING",
                        {tokenizer, first, end});
                });
            if (!done) return done;
        }
        return {};
    }

    // Hands out the rows of `rows` (which has the parameter ?1) in portions of kRowsAtOnce by rising `key`.
    Result<void> inPortions(const std::string& rows, const std::string& key, std::int64_t parameter,
                            const std::function<int(std::int64_t first, std::int64_t end)>& take) {
        std::int64_t first = std::numeric_limits<std::int64_t>::min();
        const std::string boundary =
            "SELECT " + key + " FROM " + rows + " AND " + key + " >= ?2 ORDER BY " + key + " LIMIT 1 OFFSET ?3";
        while (first != std::numeric_limits<std::int64_t>::max()) {
            if (!portions_.open()) return cancelled();
            SQLite::Statement query(db_, boundary);
            query.bind(1, parameter);
            query.bind(2, first);
            query.bind(3, kRowsAtOnce);
            const std::int64_t end =
                query.executeStep() ? query.getColumn(0).getInt64() : std::numeric_limits<std::int64_t>::max();
            query.reset();
            portions_.add(take(first, end));
            first = end;
        }
        return {};
    }

    Result<void> addRuns() {
        constexpr const char* kCopied =
            "title, notes, created_ms, deleted_ms, request, provenance, prompt, known_answer, seed, penalty, "
            "model_name, model_hash, weight_format,"
            " tokens, thinking_tokens, markers, interventions, finish_reason, message, prefill_ns, decode_ns, "
            "reference_ns, wall_ns,"
            " peak_memory_bytes, mean_entropy, mean_kl, answer, correct, branch_pos";
        std::vector<std::int64_t> found;
        SQLite::Statement query(db_, "SELECT id FROM src.run ORDER BY id");
        while (query.executeStep()) found.push_back(query.getColumn(0).getInt64());
        query.reset();
        for (const std::int64_t old : found) {
            if (!portions_.open()) return cancelled();
            execute(db_,
                    std::string("INSERT INTO main.run (session, state, tokenizer, ") + kCopied +
                        ") SELECT ?1, CASE state WHEN 'running' THEN 'interrupted' ELSE state END, (SELECT mine.id "
                        "FROM main.tokenizer mine"
                        " JOIN src.tokenizer t ON t.hash = mine.hash WHERE t.id = tokenizer), " +
                        kCopied + " FROM src.run WHERE id = ?2",
                    {session_, old});
            const std::int64_t fresh = db_.getLastInsertRowid();
            new_id_[old] = fresh;
            for (const RunTable& table : kRunTables) {
                if (auto done = copyRows(table, fresh, old); !done) return done;
            }
            portions_.add(kRowsAtOnce / kRunsAtOnce);
        }
        return {};
    }

    Result<void> copyRows(const RunTable& table, std::int64_t fresh, std::int64_t old) {
        const std::string insert = "INSERT INTO main." + std::string(table.name) + " (run, " + table.columns +
                                   ") SELECT ?1, " + table.columns + " FROM src." + table.name + " WHERE run = ?2";
        if (table.key == nullptr) {
            if (!portions_.open()) return cancelled();
            portions_.add(execute(db_, insert, {fresh, old}));
            return {};
        }
        const std::string range = insert + " AND " + table.key + " >= ?3 AND " + table.key + " < ?4";
        return inPortions("src." + std::string(table.name) + " WHERE run = ?1", table.key, old,
                          [&](std::int64_t first, std::int64_t end) {
                              return execute(db_, range, {fresh, old, first, end});
                          });
    }

    // A branch names its parent twice: in its row, and in the request that repeats it.
    Result<void> linkRuns() {
        for (const auto& [old, fresh] : new_id_) {
            if (!portions_.open()) return cancelled();
            // Read to its end: a statement that is still open would hold the next transaction at what this one saw.
            SQLite::Statement query(db_, "SELECT parent, request FROM src.run WHERE id = ?");
            query.bind(1, old);
            if (!query.executeStep())
                return fail(ErrorCode::FileCorrupt,
                            "table run, run " + std::to_string(old) + " has gone while it was read");
            const std::int64_t old_parent = query.isColumnNull(0) ? 0 : query.getColumn(0).getInt64();
            auto request = parseRequest(query.getColumn(1).getString(), RunId{old});
            query.reset();
            if (!request) return tl::unexpected(request.error());
            const auto parent = new_id_.find(old_parent);
            if (old_parent != 0 && parent == new_id_.end())
                return fail(ErrorCode::FileCorrupt,
                            "table run, run " + std::to_string(old) + ": its parent is not in the file");
            if (old_parent != 0) execute(db_, "UPDATE main.run SET parent = ?1 WHERE id = ?2", {parent->second, fresh});
            request->branch.parent = old_parent != 0 ? RunId{parent->second} : kNoRun;
            SQLite::Statement update(db_, "UPDATE main.run SET request = ? WHERE id = ?");
            update.bind(1, toJson(*request).dump());
            update.bind(2, fresh);
            update.exec();
            portions_.add(kRowsAtOnce / kRunsAtOnce);
        }
        return {};
    }

    SQLite::Database& db_;
    bool pauses_;
    Portions portions_;
    std::int64_t session_ = 0;
    std::map<std::int64_t, std::int64_t> new_id_;
};

}  // namespace

void removeHalfImported(SQLite::Database& db) {
    std::vector<std::int64_t> found;
    SQLite::Statement query(db, "SELECT id FROM session WHERE deleted_ms = ?");
    query.bind(1, kBeingImported);
    while (query.executeStep()) found.push_back(query.getColumn(0).getInt64());
    query.reset();
    Portions portions(db, {});
    for (const std::int64_t session : found) removeSession(db, session, portions);
}

Result<SessionId> Store::importSession(const std::filesystem::path& path, const std::stop_token& stop) {
    if (const auto allowed = impl_->writable(); !allowed) return tl::unexpected(allowed.error());
    std::error_code error;
    if (!std::filesystem::exists(path, error))
        return fail(ErrorCode::NotFound, path.string() + " is not there", "Check the name");
    if (std::filesystem::equivalent(path, impl_->path, error)) {
        return fail(ErrorCode::InvalidArgument, path.string() + " is the open session file itself",
                    "Choose another file");
    }
    UpToDateFile file;
    if (const auto taken = file.take(path, impl_->path, stop); !taken) return tl::unexpected(taken.error());
    if (const auto sound = checkFile(file.path(), stop); !sound) return tl::unexpected(sound.error());
    std::optional<Attachment> attachment;
    const std::string doing = "importing " + path.string();
    if (const auto attached = guarded(doing,
                                      [&]() -> Result<void> {
                                          attachment.emplace(*impl_->db, file.path());
                                          return {};
                                      });
        !attached)
        return tl::unexpected(attached.error());
    Importer importer(*impl_->db, stop);
    auto session = guarded(doing, [&] { return importer.all(); });
    if (!session) importer.removeAgain();
    return session;
}

}  // namespace quibble
