// Draft rounds and experts of a run as JSON; the keys are told in trace_export.h. Internal to data/export.
#pragma once

#include <string>

#include "engine/values/run_trace.h"

namespace quibble {

/// {"draft_round": {...}}; `number` is its place in trace.draftRounds().
[[nodiscard]] std::string roundJson(const RunTrace& trace, std::size_t number);
/// {"expert_pass": {...}}
[[nodiscard]] std::string passJson(const ExpertPass& pass, std::size_t number);
/// [[expert, expert], ...] a layer; -1: truncated away.
[[nodiscard]] std::string expertsJson(const TokenExperts& experts);
/// The objects of the summary; empty when the run had none.
[[nodiscard]] std::string speculationSummaryJson(const RunTrace& trace);
[[nodiscard]] std::string expertsSummaryJson(const RunTrace& trace);

}  // namespace quibble
