// What was measured at one position. One struct per measurement; units: nats unless the name says otherwise.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/values/ids.h"

namespace quibble {

inline constexpr float kNotMeasured = std::numeric_limits<float>::quiet_NaN();

/// A divergence as it is recorded. It is never negative; a sum that rounding leaves below zero is 0. NaN stays.
[[nodiscard]] inline float recordedDivergence(double kl) { return kl < 0 ? 0.0F : static_cast<float>(kl); }

/// One candidate of a distribution over the vocabulary at temperature 1.
struct Alternative {
    TokenId id = kNoToken;
    float logprob = kNotMeasured;  // ln p
    bool operator==(const Alternative&) const = default;
};

/// One position of the sequence, measured on the quantized model. Every figure is of the raw logits at temperature 1,
/// before the penalty, over the whole vocabulary, unless it says otherwise.
struct TokenRecord {
    Position pos = 0;                       // where this token stands, prompt included
    TokenId id = kNoToken;                  // the token that was appended
    TokenId without_penalty_id = kNoToken;  // what the same noise would have chosen without the penalty
    float logprob = kNotMeasured;           // ln q(id)
    std::int32_t rank = 0;                  // 1 + number of tokens with a larger logit
    float entropy = kNotMeasured;           // H(q) = -sum q ln q
    float varentropy = kNotMeasured;        // variance of -ln q under q, nat^2
    float marker_mass = 0;                  // sum of q over the marker set
    float marker_mass_after = 0;            // the same after the penalty
    float penalty = 0;                      // lambda in force at this token, logits
    std::int64_t time_ns = 0;               // when it was appended, since the run started
    bool thinking = false;                  // inside the reasoning span
    bool marker = false;                    // id is a member of the marker set
    bool penalized = false;                 // the penalty changed at least one logit here
    bool injected = false;                  // put there by the user or a method, not sampled
    std::vector<Alternative> top;           // largest first, before the penalty
    std::vector<Alternative> top_after;     // largest first, after the penalty; empty when nothing was penalized

    /// The model said this marker. Where a marker is counted, underlined or gone to, it is one of these.
    [[nodiscard]] bool sampledMarker() const { return marker && !injected; }
    /// The penalty changed the outcome: with the same noise another token would stand here.
    [[nodiscard]] bool intervened() const { return !injected && without_penalty_id != id; }

    bool operator==(const TokenRecord&) const = default;
};

/// The likeliest candidates behind one stage of choosing a token.
struct TokenStage {
    std::string name;  // "raw", the id of a logits rule, "temperature", "top_k", "top_p", "min_p", "chosen"
    std::vector<Alternative> candidates;  // largest first; ln p of the distribution that this stage leaves
    std::int64_t dropped = 0;             // tokens that this stage took out
    bool operator==(const TokenStage&) const = default;
};

/// All stages of one token, for those who ask to see them; nobody stores them.
struct TokenStages {
    Position pos = 0;
    std::vector<TokenStage> stages;
    bool operator==(const TokenStages&) const = default;
};

/// What the reference says at the same position on the identical prefix. Arrives in blocks, behind the text.
struct ReferenceRecord {
    Position pos = 0;
    float kl =
        kNotMeasured;  // D_KL(p_ref || q) = sum p (ln p - ln q), whole vocabulary; at least 0 (recordedDivergence)
    float entropy = kNotMeasured;
    float varentropy = kNotMeasured;
    float logprob = kNotMeasured;  // ln p_ref of the token that the quantized model appended
    std::int32_t rank = 0;
    std::vector<Alternative> top;  // of the reference, largest first

    bool operator==(const ReferenceRecord&) const = default;
};

inline constexpr double kBitsPerNat = 1.4426950408889634;

}  // namespace quibble
