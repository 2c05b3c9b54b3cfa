#include "app/evaluation/run_store.h"

#include <utility>

namespace quibble {

Result<SessionId> sessionNamed(Store& store, const std::string& name) {
    auto sessions = store.listSessions();  // newest first
    if (!sessions) return tl::unexpected(sessions.error());
    SessionId found = kNoSession;
    for (const SessionSummary& candidate : *sessions) {
        if (candidate.name == name) found = candidate.id;
    }
    if (found != kNoSession) return found;
    return store.createSession(name);
}

Result<RunStore> keepRunsIn(std::unique_ptr<Store> store, const std::string& session,
                            StoreWriter::ErrorCallback on_error, StoreWriter::SavedCallback on_saved) {
    auto id = sessionNamed(*store, session);
    if (!id) return tl::unexpected(id.error());
    auto writer = StoreWriter::open(*store, std::move(on_error), std::move(on_saved));
    if (!writer) return tl::unexpected(writer.error());
    return RunStore{.store = std::move(store), .writer = std::move(*writer), .session = *id};
}

}  // namespace quibble
