// Sessions and runs of the store as rows of the browser.
#pragma once

#include "data/store/store_types.h"
#include "views/sessions/session_items.h"

namespace quibble {

[[nodiscard]] SessionItem sessionRow(const SessionSummary& session);
[[nodiscard]] SessionItem runRow(const RunSummary& run);
/// "today", "yesterday", "3 Nov", in the user's locale.
[[nodiscard]] QString dayText(std::int64_t unix_ms);

}  // namespace quibble
