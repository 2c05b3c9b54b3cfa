// What drafting brought in a run: how much was drafted, tested, accepted and ignored, where, and what it cost.
#pragma once

#include <cstdint>
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

/// A step makes one pass of the target at most. A verify step is one in which something was drafted, a plain step one
/// in which nothing was: the drafter found nothing, or the run measures what a step without a draft costs.
struct SpeculationNumbers {
    std::int64_t rounds = 0;       // verify steps
    std::int64_t plain_steps = 0;  // each makes one token
    std::int64_t tokens = 0;       // of the text, made by the verify steps
    PositionAcceptance all;        // every node
    std::vector<PositionAcceptance> by_position;
    std::vector<std::int64_t> accepted_lengths;              // [k]: verify steps that accepted exactly k
    std::int64_t draft_ns = 0, verify_ns = 0, other_ns = 0;  // of the verify steps
    std::int64_t plain_ns = 0;  // of the plain steps, what the drafter spent on finding nothing included
    /// Medians over the one-row passes of the plain steps: T(1), the pass alone, and the step that plain decoding would
    /// make of it (the pass and what follows, without the drafter). Empty when there is no such step.
    std::optional<double> plain_pass_ns, plain_step_ns;

    [[nodiscard]] std::int64_t steps() const { return rounds + plain_steps; }
    [[nodiscard]] std::int64_t allTokens() const { return tokens + plain_steps; }
    // Each of these is empty where there is nothing to divide by.

    /// Share of the verify steps that accepted a token at this depth (the denominator of vLLM and llama.cpp).
    [[nodiscard]] std::optional<double> rate(std::size_t position) const;
    /// Drafted tokens that came into the text a verify step: the mean of accepted_lengths.
    [[nodiscard]] std::optional<double> meanAccepted() const;
    /// Tokens of the text a verify step, the "accepted length" of the literature: meanAccepted and the target's own,
    /// which the step that ends the text lacks.
    [[nodiscard]] std::optional<double> tokensPerVerify() const;
    /// Tokens of the text a step, plain steps included.
    [[nodiscard]] std::optional<double> tokensPerStep() const;
    /// Mean time of a verify step.
    [[nodiscard]] std::optional<double> nsPerVerify() const;
    /// Time that a token costs over all steps.
    [[nodiscard]] std::optional<double> nsPerToken() const;
    /// Measured: plain_step_ns / nsPerToken. Empty without plain_step_ns or verify steps.
    [[nodiscard]] std::optional<double> speedUp() const;
    /// Predicted from the passes alone (MoESD, arXiv 2505.19645): tokensPerVerify x T(1) / (draft + verify + other of a
    /// verify step).
    [[nodiscard]] std::optional<double> predictedSpeedUp() const;
    /// Target efficiency (MoESD): T(1) / mean time of the verify pass alone.
    [[nodiscard]] std::optional<double> targetEfficiency() const;
    bool operator==(const SpeculationNumbers&) const = default;
};

/// Of the run's own rounds: a branch does not count what its parent did.
[[nodiscard]] SpeculationNumbers speculationNumbers(const RunTrace& trace);
/// Of the rounds whose first token stands in [begin, end), inherited ones included; the plain steps beside them are
/// those of the whole text.
[[nodiscard]] SpeculationNumbers speculationNumbers(const RunTrace& trace, Position begin, Position end);

}  // namespace quibble
