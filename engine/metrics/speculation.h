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

/// A step makes one pass of the target at most. A verify step is one in which something was drafted, a plain step one in which nothing was: the drafter
/// found nothing, or the run measures what a step without a draft costs.
struct SpeculationNumbers {
    std::int64_t rounds = 0;        // verify steps
    std::int64_t plain_steps = 0;   // each makes one token
    std::int64_t tokens = 0;        // of the text, made by the verify steps
    PositionAcceptance all;         // every node
    std::vector<PositionAcceptance> by_position;
    std::vector<std::int64_t> accepted_lengths;  // [k]: verify steps that accepted exactly k
    std::int64_t draft_ns = 0, verify_ns = 0, other_ns = 0;  // of the verify steps
    std::int64_t plain_ns = 0;      // of the plain steps, what the drafter spent on finding nothing included
    /// Medians over the one-row passes of the whole run's plain steps: T(1), the pass alone, and the step that plain decoding would make of it (the pass
    /// and what follows, without the drafter). Empty when the run has no such step.
    std::optional<double> plain_pass_ns, plain_step_ns;

    [[nodiscard]] std::int64_t steps() const { return rounds + plain_steps; }
    [[nodiscard]] std::int64_t allTokens() const { return tokens + plain_steps; }
    /// Share of the verify steps that accepted a token at this depth (the denominator of vLLM and llama.cpp). 0 for no step.
    [[nodiscard]] double rate(std::size_t position) const;
    /// Accepted drafted tokens a verify step. 0 for no step.
    [[nodiscard]] double meanAccepted() const;
    /// Tokens of the text a verify step: meanAccepted + the target's own (which the step that ends the text may lack). 0 for no step.
    [[nodiscard]] double tokensPerVerify() const;
    /// Tokens of the text a step, plain steps included. 0 for no step.
    [[nodiscard]] double tokensPerStep() const;
    /// Mean time of a verify step. 0 for no step.
    [[nodiscard]] double nsPerVerify() const;
    /// Time that a token costs over all steps. 0 for no token.
    [[nodiscard]] double nsPerToken() const;
    /// Measured: plain_step_ns / nsPerToken. Empty without plain_step_ns or verify steps.
    [[nodiscard]] std::optional<double> speedUp() const;
    /// Predicted from the passes alone (MoESD, arXiv 2505.19645): tokensPerVerify x T(1) / (draft + verify + other of a verify step).
    [[nodiscard]] std::optional<double> predictedSpeedUp() const;
    /// Target efficiency (MoESD): T(1) / mean time of the verify pass alone.
    [[nodiscard]] std::optional<double> targetEfficiency() const;
};

/// Of the rounds whose first token stands in [begin, end).
[[nodiscard]] SpeculationNumbers speculationNumbers(const RunTrace& trace, Position begin = 0, Position end = std::numeric_limits<Position>::max());

}  // namespace quibble
