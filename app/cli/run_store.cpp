#include "app/cli/run_store.h"

#include <utility>

#include "app/cli/cli.h"
#include "app/database_log.h"

namespace quibble::cli {

Result<RunStore> openRunStore(const std::string& database, const std::string& session) {
    if (database.empty()) return RunStore{};
    if (auto there = requireFolder(database); !there) return tl::unexpected(there.error());
    auto store = Store::open(database);
    if (!store) return tl::unexpected(store.error());
    logOpened(**store);
    return keepRunsIn(std::move(*store), session);
}

}  // namespace quibble::cli
