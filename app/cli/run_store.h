// The session database that a command keeps its runs in.
#pragma once

#include <memory>
#include <string>

#include "data/store/store.h"
#include "data/store/store_writer.h"

namespace quibble::cli {

struct RunStore {
    std::unique_ptr<Store> store;  // nullptr: the runs are kept nowhere
    std::unique_ptr<StoreWriter> writer;
    SessionId session = kNoSession;
};

/// Opens the database and the session of that name, and makes them where they are missing. An empty path opens nothing.
/// Errors: those of Store::open; NotFound when the folder is not there.
[[nodiscard]] Result<RunStore> openRunStore(const std::string& database, const std::string& session);

}  // namespace quibble::cli
