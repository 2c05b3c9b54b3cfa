// What the parts of class Store share. Internal to data/store.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "data/store/database.h"
#include "data/store/database_lock.h"
#include "data/store/store.h"

namespace quibble {

/// session.deleted_ms of a session that is being taken in. Whoever opens the database for writing removes what a killed
/// import left.
inline constexpr std::int64_t kBeingImported = -1;
void removeHalfImported(SQLite::Database& db);

struct Store::Impl {
    std::filesystem::path path;
    OpenMode mode = OpenMode::ReadOnly;
    std::shared_ptr<DatabaseLock> lock;  // of a writing store
    std::unique_ptr<SQLite::Database> db;
    std::vector<RecoveredRun> recovered;
    mutable std::int64_t rows_read = 0;

    /// An Error for a store that is open read only.
    [[nodiscard]] Result<void> writable() const;
    /// Runs one UPDATE or DELETE whose last parameter is the id of what it changes; NotFound when nothing was changed.
    [[nodiscard]] Result<void> change(std::string_view doing, std::string_view what, std::int64_t id,
                                      SQLite::Statement& statement);
    /// As change(), preparing `sql` with `text` as ?1 and the id as ?2.
    [[nodiscard]] Result<void> setText(std::string_view doing, std::string_view what, const char* sql,
                                       std::string_view text, std::int64_t id);
    /// Runs `body`, which reads and then writes, as one transaction that begins as a writing one: a read that becomes a
    /// write does not wait for another writer, it fails.
    [[nodiscard]] Result<void> changeAfterReading(std::string_view doing, const std::function<Result<void>()>& body);
    /// A time of deletion that no deletion before had.
    [[nodiscard]] std::int64_t deletionStamp();
};

}  // namespace quibble
