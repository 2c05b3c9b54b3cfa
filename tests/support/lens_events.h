// Drafting and experts for a run without a model: rounds that make exactly the tokens of a trace, and experts that were
// plausibly chosen. The same settings give the same events.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/values/run_event.h"
#include "engine/values/run_trace.h"

namespace quibble::testing {

struct DraftShape {
    std::vector<int> widths{1, 1, 1, 1, 1, 1};  // children of each node at each depth; all 1: a chain
    int most_nodes = 64;
    bool greedy = false;        // match rule: nothing is drawn
    bool probabilities = true;  // false: look-up drafts have none
    std::uint64_t seed = 5;
};
/// Rounds that cover the tokens of the trace from `first` on, in order.
[[nodiscard]] std::vector<DraftRound> makeDraftRounds(const RunTrace& trace, const DraftShape& shape, int first = 0);

struct ExpertShape {
    int layers = 4, experts = 16, per_token = 2;
    int budget = 0;  // 0: all
    std::uint64_t seed = 5;
};
/// One record a token of the trace and one pass for each draft round (else for each token).
[[nodiscard]] std::vector<RunEvent> makeExpertEvents(const RunTrace& trace, const ExpertShape& shape);

/// makeTrace with both of them and the provenance that says so.
[[nodiscard]] RunTrace withLenses(const RunTrace& trace, const DraftShape* drafts, const ExpertShape* experts);

}  // namespace quibble::testing
