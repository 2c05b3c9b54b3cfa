// Bringing a schema up to date, and comparing it with the one this program writes. A file from outside can declare
// other tables, views or triggers under our names; it is refused before anything of it is used. Internal to data/store.
#pragma once

#include <filesystem>
#include <span>

#include <SQLiteCpp/SQLiteCpp.h>

#include "data/schema/schema.h"
#include "engine/values/result.h"

namespace quibble {

/// Runs the steps above user_version, each in one transaction with the new version. Before the first step a file that
/// already holds data is copied to "<file>.v<N>.backup". Statements that find their work done are passed over, so a
/// step may be repeated.
[[nodiscard]] Result<void> migrate(SQLite::Database& db, const std::filesystem::path& path,
                                   std::span<const Migration> migrations);

/// Every table and index as a fresh file of that version has them, and no view, trigger or virtual table.
[[nodiscard]] Result<void> checkSchema(SQLite::Database& db, const std::filesystem::path& path,
                                       std::span<const Migration> migrations);

}  // namespace quibble
