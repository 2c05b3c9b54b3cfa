// Rows of one run -> RunRequest, RunTrace. Everything is validated. Internal to data/store.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <SQLiteCpp/SQLiteCpp.h>

#include "engine/values/result.h"
#include "engine/values/run_request.h"
#include "engine/values/run_trace.h"

namespace quibble {

/// All functions here may let SQLite::Exception out: call them inside guarded().
[[nodiscard]] Result<RunRequest> readRequest(SQLite::Database& db, RunId run);
/// With the tokens that a branch inherits. A run that did not finish gives a trace without finished(): in state Running
/// while its writer is on it, else Finished.
[[nodiscard]] Result<RunTrace> readTrace(SQLite::Database& db, RunId run);

/// Strict JSON text -> request; FileCorrupt names the run.
[[nodiscard]] Result<RunRequest> parseRequest(const std::string& json, RunId run);

[[nodiscard]] std::optional<FinishReason> finishReasonFrom(std::string_view text);

}  // namespace quibble
