// Makes the events of a plausible run without a model: arithmetic that is thought through, doubted and answered, with
// measurements that hang together (entropy and marker mass follow from the alternatives, KL from both distributions).
// The same settings give the same events. For tests of whatever reads a RunTrace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/values/run_event.h"
#include "engine/values/run_request.h"
#include "engine/values/run_trace.h"

namespace quibble::testing {

struct RunSettings {
    int tokens = 120;  // generated, about: whole sentences, and the answer behind them
    std::uint64_t seed = 7;
    bool reference = true;
    int unscored = 0;    // tokens at the end that the reference has not reached
    double penalty = 0;  // from `penalty_from` on
    int penalty_from = 0;
    bool finished = true;
    bool odd_bytes = false;  // characters spread over tokens, bytes that are no character, tabs, an unnamed id
    int injected_at = -1;    // this token counts as put there by the user
};

/// The request that belongs to the run: a shipped-like problem with its answer.
[[nodiscard]] RunRequest makeRequest(const RunSettings& settings);
/// Everything the engine would tell, in order: provenance, states, texts, tokens, references, control changes, the end.
[[nodiscard]] std::vector<RunEvent> makeEvents(const RunSettings& settings);
/// The same, applied.
[[nodiscard]] RunTrace makeTrace(const RunSettings& settings);
/// The events cut into batches of `events_each`.
[[nodiscard]] std::vector<EventBatch> makeBatches(const RunSettings& settings, std::size_t events_each);

}  // namespace quibble::testing
