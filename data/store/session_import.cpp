// Taking in a session file from elsewhere. It is untrusted: its schema, its structure and every run are checked before the first row
// of it is written, and all of it is written in one transaction.

#include <map>
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

// A file of an earlier version as it would be today, in a copy beside `database` that goes when this goes; else the file itself.
class UpToDateFile {
public:
    UpToDateFile() = default;
    ~UpToDateFile() { remove(); }
    UpToDateFile(const UpToDateFile&) = delete;
    UpToDateFile& operator=(const UpToDateFile&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] Result<void> take(const std::filesystem::path& file, const std::filesystem::path& database) {
        path_ = file;
        const auto older = isOlder(file);
        if (!older) return tl::unexpected(older.error());
        if (!*older) return {};
        copy_ = database.string() + ".import" + std::to_string(::getpid());
        remove();
        const auto copied = guarded("reading " + file.string(), [&]() -> Result<void> {
            SQLite::Database old(readOnlyUri(file), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
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
        for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(copy_.string() + suffix, ignored);
        for (int version = 1; version < schemaMigrations().back().version; ++version) {
            std::filesystem::remove(copy_.string() + ".v" + std::to_string(version) + ".backup", ignored);
        }
    }
    std::filesystem::path path_, copy_;
};

Result<void> checkFile(const std::filesystem::path& path) {
    auto db = openDatabase(path, OpenMode::ReadOnly);
    if (!db) return tl::unexpected(db.error());
    if (auto sound = checkIntegrity(**db, path.string()); !sound) return sound;
    return guarded("reading " + path.string(), [&]() -> Result<void> {
        const std::int64_t sessions = (*db)->execAndGet("SELECT COUNT(*) FROM session").getInt64();
        if (sessions != 1) {
            return fail(ErrorCode::Unsupported, path.string() + " holds " + std::to_string(sessions) + " sessions, not one",
                        "Open it as it is, and export the session that you want");
        }
        SQLite::Statement runs(**db, "SELECT id FROM run ORDER BY id");
        while (runs.executeStep()) {
            const auto trace = readTrace(**db, RunId{runs.getColumn(0).getInt64()});
            if (trace) continue;
            return fail(trace.error().code, path.string() + ": " + trace.error().what, "The file is damaged; ask for it again");
        }
        return {};
    });
}

class Importer {
public:
    explicit Importer(SQLite::Database& db) : db_(db) {}

    Result<SessionId> all() {
        run("INSERT INTO main.session (name, notes, created_ms, updated_ms, opened_ms) SELECT name, notes, created_ms, updated_ms,"
            " (SELECT MAX(" + std::to_string(nowMs()) + ", COALESCE(MAX(opened_ms), 0) + 1) FROM main.session) FROM src.session");
        session_ = db_.getLastInsertRowid();
        if (auto texts = addVocab(); !texts) return tl::unexpected(texts.error());
        addRuns();
        if (auto linked = linkRuns(); !linked) return tl::unexpected(linked.error());
        return SessionId{session_};
    }

private:
    // Parameters ?1, ?2 as far as the statement has them.
    int run(const std::string& sql, std::int64_t first = 0, std::int64_t second = 0) {
        SQLite::Statement statement(db_, sql);
        if (statement.getBindParameterCount() > 0) statement.bind(1, first);
        if (statement.getBindParameterCount() > 1) statement.bind(2, second);
        return statement.exec();
    }

    Result<void> addVocab() {
        run("INSERT INTO main.tokenizer (hash) SELECT hash FROM src.tokenizer WHERE TRUE ON CONFLICT (hash) DO NOTHING");
        const std::string joined = " FROM src.vocab v JOIN src.tokenizer t ON t.id = v.tokenizer JOIN main.tokenizer mine ON mine.hash = t.hash ";
        SQLite::Statement differing(db_, "SELECT t.hash, v.token" + joined +
                                             "JOIN main.vocab known ON known.tokenizer = mine.id AND known.token = v.token WHERE known.bytes <> v.bytes LIMIT 1");
        if (differing.executeStep()) {
            return fail(ErrorCode::FileCorrupt,
                        "the file has another text for token " + differing.getColumn(1).getString() + " of tokenizer " + differing.getColumn(0).getString(),
                        "The file is damaged; ask for it again");
        }
        run("INSERT INTO main.vocab (tokenizer, token, bytes) SELECT mine.id, v.token, v.bytes" + joined + "WHERE TRUE ON CONFLICT DO NOTHING");
        return {};
    }

    void addRuns() {
        constexpr const char* kCopied =
            "title, notes, created_ms, deleted_ms, request, provenance, prompt, known_answer, seed, penalty, model_name, model_hash, weight_format,"
            " tokens, thinking_tokens, markers, interventions, finish_reason, message, prefill_ns, decode_ns, reference_ns, wall_ns,"
            " peak_memory_bytes, mean_entropy, mean_kl, answer, correct, branch_pos";
        std::vector<std::int64_t> found;
        SQLite::Statement query(db_, "SELECT id FROM src.run ORDER BY id");
        while (query.executeStep()) found.push_back(query.getColumn(0).getInt64());
        for (const std::int64_t old : found) {
            run(std::string("INSERT INTO main.run (session, state, tokenizer, ") + kCopied +
                    ") SELECT ?1, CASE state WHEN 'running' THEN 'interrupted' ELSE state END, (SELECT mine.id FROM main.tokenizer mine"
                    " JOIN src.tokenizer t ON t.hash = mine.hash WHERE t.id = tokenizer), " + kCopied + " FROM src.run WHERE id = ?2",
                session_, old);
            const std::int64_t fresh = db_.getLastInsertRowid();
            new_id_[old] = fresh;
            copyRows("token", "pos, id, without_penalty_id, logprob, rank, entropy, varentropy, marker_mass, marker_mass_after, penalty, time_ns,"
                              " thinking, marker, penalized, injected, top, top_after", fresh, old);
            copyRows("reference", "pos, kl, entropy, varentropy, logprob, rank, top", fresh, old);
            copyRows("draft_round", "pos, accepted, added, corrected, rows, draft_ns, verify_ns, other_ns, nodes", fresh, old);
            copyRows("token_experts", "pos, layers, per_token, experts", fresh, old);
            copyRows("expert_pass", "seq, pos, rows, verify, budget, expert_bytes, total_bytes, time_ns, layers, coverage", fresh, old);
            copyRows("control_change", "seq, pos, key, value", fresh, old);
            copyRows("note", "from_pos, to_pos, text, created_ms", fresh, old);
        }
    }

    void copyRows(const std::string& table, const std::string& columns, std::int64_t fresh, std::int64_t old) {
        run("INSERT INTO main." + table + " (run, " + columns + ") SELECT ?1, " + columns + " FROM src." + table + " WHERE run = ?2", fresh, old);
    }

    // A branch names its parent twice: in its row, and in the request that repeats it.
    Result<void> linkRuns() {
        SQLite::Statement query(db_, "SELECT id, parent, request FROM src.run");
        while (query.executeStep()) {
            const std::int64_t old = query.getColumn(0).getInt64();
            auto request = parseRequest(query.getColumn(2).getString(), RunId{old});
            if (!request) return tl::unexpected(request.error());
            std::int64_t parent = 0;
            if (!query.isColumnNull(1)) {
                const auto found = new_id_.find(query.getColumn(1).getInt64());
                if (found == new_id_.end()) return fail(ErrorCode::FileCorrupt, "table run, run " + std::to_string(old) + ": its parent is not in the file");
                parent = found->second;
                run("UPDATE main.run SET parent = ?1 WHERE id = ?2", parent, new_id_[old]);
            }
            request->branch.parent = RunId{parent};
            SQLite::Statement update(db_, "UPDATE main.run SET request = ? WHERE id = ?");
            update.bind(1, toJson(*request).dump());
            update.bind(2, new_id_[old]);
            update.exec();
        }
        return {};
    }

    SQLite::Database& db_;
    std::int64_t session_ = 0;
    std::map<std::int64_t, std::int64_t> new_id_;
};

}  // namespace

Result<SessionId> Store::importSession(const std::filesystem::path& path) {
    if (const auto allowed = impl_->writable(); !allowed) return tl::unexpected(allowed.error());
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return fail(ErrorCode::NotFound, path.string() + " is not there", "Check the name");
    if (std::filesystem::equivalent(path, impl_->path, error)) {
        return fail(ErrorCode::InvalidArgument, path.string() + " is the open session file itself", "Choose another file");
    }
    UpToDateFile file;
    if (const auto taken = file.take(path, impl_->path); !taken) return tl::unexpected(taken.error());
    if (const auto sound = checkFile(file.path()); !sound) return tl::unexpected(sound.error());
    return guarded("importing " + path.string(), [&]() -> Result<SessionId> {
        const Attachment attachment(*impl_->db, file.path());
        WriteTransaction transaction(*impl_->db);
        auto session = Importer(*impl_->db).all();
        if (session) transaction.commit();
        return session;
    });
}

}  // namespace quibble
