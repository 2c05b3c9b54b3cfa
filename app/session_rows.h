// Sessions and runs of the store as rows of the browser.
#pragma once

#include <vector>

#include "data/store/store_types.h"
#include "views/sessions/session_items.h"

namespace quibble {

/// The session and, behind it, its runs. Where these are of several models, each says which.
[[nodiscard]] std::vector<SessionItem> sessionRows(const SessionSummary& session, const std::vector<RunSummary>& runs);
/// "today", "yesterday", "3 Nov", in the user's locale.
[[nodiscard]] QString dayText(std::int64_t unix_ms);

}  // namespace quibble
