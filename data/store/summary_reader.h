// Rows of table run -> RunSummary, rows of table session -> SessionSummary. Internal to data/store.
#pragma once

#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "data/store/store_types.h"
#include "engine/values/result.h"

namespace quibble {

/// "SELECT ... FROM ", with the columns that sessionsFrom reads; behind it comes what is called s. Runs and their
/// tokens are counted over index run_list, for as many sessions as s has.
[[nodiscard]] std::string selectSessions();
/// All rows that the query still gives. `models` is read where the query has a further column with it.
[[nodiscard]] Result<std::vector<SessionSummary>> sessionsFrom(SQLite::Statement& query);

enum class SummaryDetail {
    Whole,
    Listed,  // without prompt and notes, so that index run_list answers alone
};

/// "SELECT ... FROM run r ", with the columns that summariesFrom reads.
[[nodiscard]] std::string selectSummaries(SummaryDetail detail = SummaryDetail::Whole);
/// All rows that the query still gives.
[[nodiscard]] Result<std::vector<RunSummary>> summariesFrom(SQLite::Statement& query);
/// The row on which the query stands.
[[nodiscard]] Result<RunSummary> summaryFrom(SQLite::Statement& row);

}  // namespace quibble
