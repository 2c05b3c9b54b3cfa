#include "data/store/database.h"

#include <array>
#include <chrono>
#include <thread>

#include <sqlite3.h>
#include <sys/vfs.h>

#include "data/store/schema_check.h"

namespace quibble {

namespace {

constexpr int kBusyTimeoutMs = 5000;
// No text or blob of ours comes near this; a length field in a damaged file may.
constexpr int kMaxValueBytes = 256 << 20;
constexpr int kStepsBetweenLooks = 10'000;  // of SQLite's virtual machine, a fraction of a millisecond

ErrorCode errorCode(int sqlite_code) {
    switch (sqlite_code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return ErrorCode::Busy;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_TOOBIG:
        case SQLITE_MISMATCH:
        case SQLITE_CONSTRAINT:
        case SQLITE_ERROR: return ErrorCode::FileCorrupt;  // our SQL is tested; what fails at run time is the file
        case SQLITE_NOMEM: return ErrorCode::OutOfMemory;
        case SQLITE_INTERRUPT: return ErrorCode::Cancelled;
        default: return ErrorCode::Io;
    }
}

const char* hintFor(int sqlite_code) {
    switch (sqlite_code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return "Another program is using the file; try again";
        case SQLITE_FULL: return "The disk is full: free some space";
        case SQLITE_READONLY: return "The file or its folder cannot be written";
        case SQLITE_NOTADB: return "This is not a session file";
        case SQLITE_CORRUPT:
        case SQLITE_TOOBIG:
        case SQLITE_MISMATCH:
        case SQLITE_ERROR: return "The file is damaged: restore a backup, or open another file";
        default: return "";
    }
}

// A -wal needs memory that processes share, which network file systems do not have. The numbers are those of statfs(2).
bool onNetworkFileSystem(const std::filesystem::path& path) {
    constexpr std::array<std::uint32_t, 6> kNetwork = {0x6969 /* NFS */, 0xFF534D42 /* CIFS */, 0xFE534D42 /* SMB2 */,
                                                       0x517B /* SMB */, 0x01021997 /* 9P */,   0x00C36400 /* Ceph */};
    struct statfs info {};
    if (::statfs(path.c_str(), &info) != 0) return false;
    for (const std::uint32_t magic : kNetwork) {
        if (static_cast<std::uint32_t>(info.f_type) == magic) return true;
    }
    return false;
}

// Looks every millisecond whether the other writer is done. SQLite's own waiting sleeps for longer and longer, and
// misses the pauses between the small transactions of an import.
void waitForWriters(sqlite3* handle) {
    sqlite3_busy_handler(
        handle,
        [](void*, int looks) {
            if (looks >= kBusyTimeoutMs) return 0;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return 1;
        },
        nullptr);
}

std::unique_ptr<SQLite::Database> connect(const std::filesystem::path& path, int flags) {
    auto db = std::make_unique<SQLite::Database>(path.string(), flags | SQLITE_OPEN_URI, kBusyTimeoutMs);
    sqlite3* handle = db->getHandle();
    waitForWriters(handle);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
    // A file from outside must not run code through its schema.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    db->exec("PRAGMA foreign_keys = ON");
    db->exec("PRAGMA cell_size_check = ON");
    return db;
}

// What is committed survives the death of the process. A power cut may cost the last transactions, but never the file.
void setUpForWriting(SQLite::Database& db, const std::filesystem::path& path) {
    SQLite::Statement journal(db,
                              onNetworkFileSystem(path) ? "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL");
    journal.executeStep();
    const bool wal = journal.getColumn(0).getString() == "wal";
    db.exec(wal ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
}

// Finds out whose file it is, before anything in it is changed. True: the file is new and empty.
Result<bool> identify(SQLite::Database& db, const std::filesystem::path& path, int newest) {
    const std::int64_t application = pragmaInteger(db, "application_id");
    const std::int64_t version = pragmaInteger(db, "user_version");
    const std::int64_t objects = db.execAndGet("SELECT COUNT(*) FROM sqlite_schema").getInt64();
    if (application == 0 && version == 0 && objects == 0) return true;
    if (application != kApplicationId) {
        return fail(ErrorCode::Unsupported, path.string() + " is a database of another program",
                    "Choose a session file of Quibble");
    }
    if (version > newest) {
        return fail(ErrorCode::Unsupported,
                    path.string() + " has schema version " + std::to_string(version) + ", this program knows up to " +
                        std::to_string(newest),
                    "Open it with a newer version of Quibble");
    }
    if (version < 1) {
        return fail(ErrorCode::FileCorrupt, path.string() + " has schema version " + std::to_string(version),
                    "Restore a backup of the file");
    }
    return false;
}

}  // namespace

Error databaseError(const SQLite::Exception& exception, std::string_view doing) {
    const int code = exception.getErrorCode();
    return {errorCode(code), std::string(doing) + ": " + exception.what(), hintFor(code)};
}

Interruptible::Interruptible(SQLite::Database& db, const std::stop_token& stop) : db_(db), stop_(stop) {
    if (!stop_.stop_possible()) return;
    sqlite3_progress_handler(
        db_.getHandle(), kStepsBetweenLooks,
        [](void* wanted) { return static_cast<std::stop_token*>(wanted)->stop_requested() ? 1 : 0; }, &stop_);
}

Interruptible::~Interruptible() { sqlite3_progress_handler(db_.getHandle(), 0, nullptr, nullptr); }

WriteTransaction::WriteTransaction(SQLite::Database& db) : db_(db) { db_.exec("BEGIN IMMEDIATE"); }

WriteTransaction::~WriteTransaction() {
    // SQLite may have rolled back by itself (disk full); a second ROLLBACK then reports that there is nothing to do.
    if (open_) db_.tryExec("ROLLBACK");
}

void WriteTransaction::commit() {
    db_.exec("COMMIT");
    open_ = false;
}

std::int64_t pragmaInteger(SQLite::Database& db, const std::string& pragma) {
    return db.execAndGet("PRAGMA " + pragma).getInt64();
}

std::int64_t nowMs() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string readOnlyUri(const std::filesystem::path& path) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string uri = "file:";
    for (const char c : std::filesystem::absolute(path).string()) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                           c == '-' || c == '_' || c == '.';
        if (plain)
            uri += c;
        else
            uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
    return uri + "?mode=ro";
}

Result<std::unique_ptr<SQLite::Database>> openDatabase(const std::filesystem::path& path, OpenMode mode,
                                                       std::span<const Migration> migrations) {
    return guarded("opening " + path.string(), [&]() -> Result<std::unique_ptr<SQLite::Database>> {
        const bool writing = mode == OpenMode::ReadWrite;
        auto db = connect(path, writing ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
        const int newest = migrations.back().version;
        const auto fresh = identify(*db, path, newest);
        if (!fresh) return tl::unexpected(fresh.error());
        const std::int64_t version = *fresh ? 0 : pragmaInteger(*db, "user_version");
        if (!writing && version < newest) {
            return fail(
                ErrorCode::Unsupported,
                path.string() + (*fresh ? " is empty" : " has the older schema version " + std::to_string(version)),
                *fresh ? "Choose a session file" : "Open it for writing once, so that it is brought up to date");
        }
        if (writing) {
            setUpForWriting(*db, path);
            if (const auto done = migrate(*db, path, migrations); !done) return tl::unexpected(done.error());
        }
        if (const auto checked = checkSchema(*db, path, migrations); !checked) return tl::unexpected(checked.error());
        return db;
    });
}

Result<bool> isOlder(const std::filesystem::path& path) {
    return guarded("opening " + path.string(), [&]() -> Result<bool> {
        const auto db = connect(path, SQLITE_OPEN_READONLY);
        const int newest = schemaMigrations().back().version;
        const auto fresh = identify(*db, path, newest);
        if (!fresh) return tl::unexpected(fresh.error());
        return !*fresh && pragmaInteger(*db, "user_version") < newest;
    });
}

Result<std::unique_ptr<SQLite::Database>> openConnection(const std::filesystem::path& path) {
    return guarded("opening " + path.string(), [&]() -> Result<std::unique_ptr<SQLite::Database>> {
        auto db = connect(path, SQLITE_OPEN_READWRITE);
        setUpForWriting(*db, path);
        return db;
    });
}

FilePlace placeOf(SQLite::Database& db) {
    int moved = 0;
    const int asked = sqlite3_file_control(db.getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return asked == SQLITE_OK && moved != 0 ? FilePlace::Elsewhere : FilePlace::InPlace;
}

Result<bool> foldLog(SQLite::Database& db) {
    sqlite3* handle = db.getHandle();
    sqlite3_busy_timeout(handle, 0);
    // The first call moves most of it and lets others write meanwhile. The second call keeps them waiting, but has
    // little left to move.
    int code = sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code == SQLITE_OK)
        code = sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    waitForWriters(handle);
    if (code == SQLITE_OK) return true;
    if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) return false;
    return tl::unexpected<Error>(databaseError(SQLite::Exception(handle, code), "gathering the database in one file"));
}

Result<void> checkIntegrity(SQLite::Database& db, const std::string& name) {
    return guarded("checking " + name, [&]() -> Result<void> {
        SQLite::Statement integrity(db, "PRAGMA integrity_check(5)");
        std::string findings;
        while (integrity.executeStep()) {
            const std::string line = integrity.getColumn(0).getString();
            if (line != "ok") findings += (findings.empty() ? "" : "; ") + line;
        }
        SQLite::Statement keys(db, "PRAGMA foreign_key_check");
        while (findings.empty() && keys.executeStep())
            findings = "a row of " + keys.getColumn(0).getString() + " points at a missing row of " +
                       keys.getColumn(2).getString();
        if (findings.empty()) return {};
        return fail(ErrorCode::FileCorrupt, name + " is damaged: " + findings,
                    "Restore a backup, or export the sessions that still open");
    });
}

}  // namespace quibble
