// Titles of runs: two runs of a session that have different settings never have the same one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "engine/values/ids.h"
#include "engine/values/run_request.h"

namespace quibble {

/// What in `request` differs from `other`, in a few words each: "seed 7", "λ 2". Every field that a stored request has
/// is compared. Empty: they are the same.
[[nodiscard]] std::vector<std::string> settingsThatDiffer(const RunRequest& request, const RunRequest& other);

/// What a run is called until somebody names it: its problem, or the beginning of its prompt.
[[nodiscard]] std::string firstTitle(const RunRequest& request);

/// `wanted`, and behind it whatever tells the run from a run of its session that is called so and has other settings.
/// `self` is the run's own row, which does not count. Throws SQLite::Exception.
[[nodiscard]] std::string distinctTitle(SQLite::Database& db, SessionId session, RunId self, std::string_view wanted,
                                        const RunRequest& request);

}  // namespace quibble
