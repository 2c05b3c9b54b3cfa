// Opening a database file the one right way, and turning SQLite's exceptions into Errors at the border of the store.
// Internal to data/store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include <SQLiteCpp/SQLiteCpp.h>

#include "data/schema/schema.h"
#include "data/store/store_types.h"
#include "engine/values/result.h"

namespace quibble {

/// What SQLite said, as an Error. `doing`: "listing sessions".
[[nodiscard]] Error databaseError(const SQLite::Exception& exception, std::string_view doing);

/// Runs `body`, which returns a Result and may let SQLite::Exception out.
template <typename Body>
[[nodiscard]] auto guarded(std::string_view doing, Body&& body) -> decltype(body()) {
    try {
        return body();
    } catch (const SQLite::Exception& exception) {
        return tl::unexpected<Error>(databaseError(exception, doing));
    }
}

/// While this lives, a statement of the connection ends soon after `stop` was asked for, and guarded() then says
/// Cancelled. Not for COMMIT and ROLLBACK, which would leave a transaction open.
class Interruptible {
public:
    Interruptible(SQLite::Database& db, const std::stop_token& stop);
    ~Interruptible();
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

private:
    SQLite::Database& db_;
    std::stop_token stop_;
};

/// BEGIN IMMEDIATE, so that a wait for another writer happens here and not at the first write. Rolls back unless
/// committed.
class WriteTransaction {
public:
    explicit WriteTransaction(SQLite::Database& db);
    ~WriteTransaction();
    WriteTransaction(const WriteTransaction&) = delete;
    WriteTransaction& operator=(const WriteTransaction&) = delete;
    void commit();

private:
    SQLite::Database& db_;
    bool open_ = true;
};

[[nodiscard]] std::int64_t pragmaInteger(SQLite::Database& db, const std::string& pragma);
[[nodiscard]] std::int64_t nowMs();
/// A stamp for session.updated_ms, given nowMs() as ?1: later than every other, so that two changes of one millisecond
/// (or of a clock that went back) still have an order.
inline constexpr char kNextUpdate[] = "(SELECT MAX(?1, COALESCE(MAX(updated_ms), 0) + 1) FROM session)";
/// file:... form that opens the file read only, for ATTACH.
[[nodiscard]] std::string readOnlyUri(const std::filesystem::path& path);

/// Opens, identifies, sets up and migrates. The caller holds the DatabaseLock for ReadWrite. `migrations` is a
/// parameter for the tests.
[[nodiscard]] Result<std::unique_ptr<SQLite::Database>> openDatabase(
    const std::filesystem::path& path, OpenMode mode, std::span<const Migration> migrations = schemaMigrations());
/// Whether a session file was written by an earlier version. Errors: as of openDatabase.
[[nodiscard]] Result<bool> isOlder(const std::filesystem::path& path);
/// A second connection of the writer's to a file that openDatabase has brought up to date.
[[nodiscard]] Result<std::unique_ptr<SQLite::Database>> openConnection(const std::filesystem::path& path);

/// Whether the file that the connection has open is still where it was opened.
[[nodiscard]] FilePlace placeOf(SQLite::Database& db);
/// Moves what stands in the -wal into the database file and empties the -wal. Waits for nobody: false when a reader or
/// a writer was in the way, and some of it is still to be moved.
[[nodiscard]] Result<bool> foldLog(SQLite::Database& db);

/// integrity_check and foreign_key_check of the main database.
[[nodiscard]] Result<void> checkIntegrity(SQLite::Database& db, const std::string& name);

}  // namespace quibble
