// Rows of table run -> RunSummary. Internal to data/store.
#pragma once

#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "data/store/store_types.h"
#include "engine/values/result.h"

namespace quibble {

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
