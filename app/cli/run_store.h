// The session database that a command keeps its runs in.
#pragma once

#include <string>

#include "app/evaluation/run_store.h"

namespace quibble::cli {

/// Opens the database and the session of that name, and makes them where they are missing. An empty path opens nothing.
/// Errors: those of Store::open; NotFound when the folder is not there.
[[nodiscard]] Result<RunStore> openRunStore(const std::string& database, const std::string& session);

}  // namespace quibble::cli
