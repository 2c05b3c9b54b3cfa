#include "app/cli/run_store.h"

#include "app/cli/cli.h"
#include "app/database_log.h"

namespace quibble::cli {

Result<RunStore> openRunStore(const std::string& database, const std::string& session) {
    RunStore open;
    if (database.empty()) return open;
    if (auto there = requireFolder(database); !there) return tl::unexpected(there.error());
    auto store = Store::open(database);
    if (!store) return tl::unexpected(store.error());
    open.store = std::move(*store);
    logOpened(*open.store);
    auto sessions = open.store->listSessions();
    if (!sessions) return tl::unexpected(sessions.error());
    for (const SessionSummary& candidate : *sessions) {
        if (candidate.name == session) open.session = candidate.id;
    }
    if (open.session == kNoSession) {
        auto created = open.store->createSession(session);
        if (!created) return tl::unexpected(created.error());
        open.session = *created;
    }
    auto writer = StoreWriter::open(*open.store);
    if (!writer) return tl::unexpected(writer.error());
    open.writer = std::move(*writer);
    return open;
}

}  // namespace quibble::cli
