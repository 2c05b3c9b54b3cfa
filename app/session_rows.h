// Sessions and runs of the store as rows of the browser.
#pragma once

#include <vector>

#include "data/store/store_types.h"
#include "views/sessions/session_items.h"

namespace quibble {

[[nodiscard]] SessionItem sessionRow(const SessionSummary& session);
/// `says_model`: the runs of its session are of several models, so each says which.
[[nodiscard]] SessionItem runRow(const RunSummary& run, bool says_model);
/// The row that stands for the runs that have not been read.
[[nodiscard]] SessionItem earlierRunsRow(SessionId session, std::int64_t count);
/// The session and, behind it, its runs. Where these are of several models, each says which.
[[nodiscard]] std::vector<SessionItem> sessionRows(const SessionSummary& session, const std::vector<RunSummary>& runs);

/// What the tooltip of a row says; `run` with its prompt and notes.
[[nodiscard]] QString runTooltip(const RunSummary& run);
[[nodiscard]] QString sessionTooltip(const SessionSummary& session);

/// "today", "yesterday", "3 Nov", in the user's locale.
[[nodiscard]] QString dayText(std::int64_t unix_ms);

}  // namespace quibble
