// One run as a handful of numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/values/run_trace.h"

namespace quibble {

/// Counts are of the text's generated tokens; a branch has those of its parent before its own. Means are over sampled
/// tokens (injected ones excluded) whose figure was measured; nats.
struct RunSummaryNumbers {
    std::int64_t prompt_tokens = 0;
    std::int64_t tokens = 0;     // generated, injected ones included
    std::int64_t inherited = 0;  // of these, taken over from the parent of a branch
    std::int64_t injected = 0;
    std::int64_t thinking_tokens = 0;
    std::int64_t markers = 0;        // sampled markers
    std::int64_t penalized = 0;      // tokens at which the penalty changed a logit
    std::int64_t interventions = 0;  // tokens at which it changed the outcome
    std::int64_t referenced = 0;     // tokens that have their KL
    std::optional<double> mean_entropy;
    std::optional<double> mean_varentropy;
    std::optional<double> mean_logprob;
    std::optional<double> mean_marker_mass;
    std::optional<double> mean_kl;
    std::optional<double> mean_ref_entropy;
    std::optional<double> max_kl;
    Position max_kl_pos = 0;                  // of max_kl
    std::optional<double> tokens_per_second;  // decodingSpeed()
    bool operator==(const RunSummaryNumbers&) const = default;
};

[[nodiscard]] RunSummaryNumbers summarize(const RunTrace& trace);

/// Tokens that this run decoded itself: neither inherited nor injected.
[[nodiscard]] std::int64_t decodedTokens(const RunTrace& trace);

/// Positions that this run computed before its first token: the prompt and, in a branch, the beginning of its text,
/// without what it took from an earlier run.
[[nodiscard]] std::int64_t prefilledTokens(const RunTrace& trace);

enum class SpeedOf { Decoding, DecodingAndReference };

/// Decoded tokens a second of the time that these parts took. Empty while the run goes on, and where nothing was
/// decoded.
[[nodiscard]] std::optional<double> decodingSpeed(const RunTrace& trace, SpeedOf parts = SpeedOf::Decoding);

/// How often a marker word was sampled, and what the penalty kept out.
struct MarkerCount {
    std::string word;
    TokenId id = kNoToken;
    std::int64_t count = 0;    // sampled
    std::int64_t avoided = 0;  // positions where it would have been chosen without the penalty and was not
    double mass = 0;           // sum over positions of q(id) before the penalty, as far as it is among the recorded
                               // alternatives: a lower bound
    double mass_after = 0;     // the same after the penalty
    bool operator==(const MarkerCount&) const = default;
};

/// In the order of provenance().markers. Two words that share an id get equal rows.
[[nodiscard]] std::vector<MarkerCount> countMarkers(const RunTrace& trace);

}  // namespace quibble
