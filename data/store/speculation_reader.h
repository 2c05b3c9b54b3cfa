// Rows of draft_round, token_experts and expert_pass -> a trace. Everything is validated. Internal to data/store.
#pragma once

#include <unordered_set>

#include <SQLiteCpp/SQLiteCpp.h>

#include "data/store/speculation_blob.h"
#include "engine/values/result.h"
#include "engine/values/run_trace.h"

namespace quibble {

/// One run of a chain, and what it may say.
struct SpeculationSource {
    RunId run = kNoRun;
    ModelShape shape;    // of the model that this run used
    Position begin = 0;  // of the text that is generated
    Position end = 0;    // of the text that the trace has by now
};

/// Reads the rounds of the run at positions below `end`, in order and without overlap. A round that goes on behind
/// `end` is cut there: the process was killed between its tokens, or a branch left the run in the middle of the round.
/// The tokens must be those of the trace. Names what it finds in `ids`.
[[nodiscard]] Result<void> addDraftRounds(SQLite::Database& db, const SpeculationSource& source, RunTrace& trace,
                                          std::unordered_set<TokenId>& ids);
/// Experts and passes at positions below `end`.
[[nodiscard]] Result<void> addTokenExperts(SQLite::Database& db, const SpeculationSource& source, RunTrace& trace);
[[nodiscard]] Result<void> addExpertPasses(SQLite::Database& db, const SpeculationSource& source, RunTrace& trace);

}  // namespace quibble
