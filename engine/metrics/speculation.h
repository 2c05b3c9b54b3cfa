// What drafting brought in a run: how much was drafted, tested, accepted and ignored, where, and what it cost.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "engine/values/run_trace.h"

namespace quibble {

/// Nodes at one depth of the drafted trees; depth 1 is the first drafted token.
struct PositionAcceptance {
    std::int64_t drafted = 0, tested = 0, accepted = 0;
    [[nodiscard]] std::int64_t rejected() const { return tested - accepted; }
    [[nodiscard]] std::int64_t ignored() const { return drafted - tested; }
    bool operator==(const PositionAcceptance&) const = default;
};

struct SpeculationNumbers {
    std::int64_t rounds = 0;        // verify steps: rounds in which something was drafted
    std::int64_t plain_steps = 0;   // rounds without a draft
    std::int64_t tokens = 0;        // of the text, made by the verify steps
    PositionAcceptance all;         // every node
    std::vector<PositionAcceptance> by_position;
    std::vector<std::int64_t> accepted_lengths;  // [k]: verify steps that accepted exactly k
    std::int64_t draft_ns = 0, verify_ns = 0, other_ns = 0;  // of the verify steps
    std::int64_t plain_ns = 0;      // of the plain steps

    /// Share of the verify steps that accepted a token at this depth (the denominator of vLLM and llama.cpp). 0 for no step.
    [[nodiscard]] double rate(std::size_t position) const;
    /// Accepted drafted tokens a verify step. 0 for no step.
    [[nodiscard]] double meanAccepted() const;
    /// Tokens of the text a verify step: meanAccepted + the target's own. 0 for no step.
    [[nodiscard]] double tokensPerStep() const;
    /// Time that a token costs, ns. 0 for no token.
    [[nodiscard]] double nsPerToken() const;
    /// tokensPerStep x (time of a plain step / time of a verify step), from the plain steps of the same run; empty without any.
    [[nodiscard]] std::optional<double> speedUp() const;
    /// Target efficiency (MoESD, arXiv 2505.19645): time of a plain step / time of the verify pass alone; empty without plain steps.
    [[nodiscard]] std::optional<double> targetEfficiency() const;
};

/// Of the rounds whose first token stands in [begin, end).
[[nodiscard]] SpeculationNumbers speculationNumbers(const RunTrace& trace, Position begin = 0, Position end = std::numeric_limits<Position>::max());

}  // namespace quibble
