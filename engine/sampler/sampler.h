// From a distribution to a token: temperature -> top-k -> top-p -> min-p -> Gumbel-max with positional noise. Ties go
// to the lowest id, so the outcome is a function of logits, settings, seed and position alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sampler/noise.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

struct TokenProbability {
    TokenId id = kNoToken;
    double p = 0;
    bool operator==(const TokenProbability&) const = default;
};
/// A distribution over tokens: only those with p > 0, by rising id. Sums to 1 within rounding.
using TokenDistribution = std::vector<TokenProbability>;

[[nodiscard]] double probabilityOf(const TokenDistribution& distribution, TokenId id);
/// A draw by Gumbel-max with the noise of (seed, pos, id, stream). Ties go to the lowest id. The distribution is not
/// empty.
[[nodiscard]] TokenId drawToken(const TokenDistribution& distribution, std::uint64_t seed, Position pos,
                                NoiseStream stream);

class Sampler {
public:
    /// Logits without NaN, at least one finite. temperature 0: the largest logit.
    [[nodiscard]] TokenId choose(std::span<const float> logits, const SamplerSettings& settings, std::uint64_t seed,
                                 Position pos);
    /// What choose() draws from. temperature 0: all of it on the largest logit.
    [[nodiscard]] TokenDistribution distribution(std::span<const float> logits, const SamplerSettings& settings);

private:
    struct Candidate {
        TokenId id;
        float logit;
    };
    // Fills candidates_ with what the filters leave and returns the largest logit. temperature > 0.
    double filter(std::span<const float> logits, TokenId best, const SamplerSettings& settings);
    std::vector<Candidate> candidates_;  // kept between calls
};

/// Errors: InvalidArgument naming the setting and its range.
[[nodiscard]] Result<void> checkSampler(const SamplerSettings& settings);

}  // namespace quibble
