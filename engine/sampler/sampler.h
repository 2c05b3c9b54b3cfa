// From a distribution to a token: temperature -> top-k -> top-p -> min-p -> Gumbel-max with positional noise. Ties go to the
// lowest id, so the outcome is a function of logits, settings, seed and position alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/values/ids.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

class Sampler {
public:
    /// Logits without NaN, at least one finite. temperature 0: the largest logit.
    [[nodiscard]] TokenId choose(std::span<const float> logits, const SamplerSettings& settings, std::uint64_t seed, Position pos);

private:
    struct Candidate {
        TokenId id;
        float logit;
    };
    std::vector<Candidate> candidates_;  // kept between calls
};

/// Errors: InvalidArgument naming the setting and its range.
[[nodiscard]] Result<void> checkSampler(const SamplerSettings& settings);

}  // namespace quibble
