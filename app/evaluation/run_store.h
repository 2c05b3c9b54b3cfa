// The session database that runs are kept in while they are made.
#pragma once

#include <memory>
#include <string>

#include "data/store/store.h"
#include "data/store/store_writer.h"

namespace quibble {

struct RunStore {
    std::unique_ptr<Store> store;  // nullptr: the runs are kept nowhere
    std::unique_ptr<StoreWriter> writer;
    SessionId session = kNoSession;
};

/// The session of that name, the first of several; it is made where there is none. Errors: those of the store.
[[nodiscard]] Result<SessionId> sessionNamed(Store& store, const std::string& name);

/// Runs go into the session of that name. Precondition: the store is open for writing. Errors: those of the store.
[[nodiscard]] Result<RunStore> keepRunsIn(std::unique_ptr<Store> store, const std::string& session,
                                          StoreWriter::ErrorCallback on_error = {},
                                          StoreWriter::SavedCallback on_saved = {});

}  // namespace quibble
