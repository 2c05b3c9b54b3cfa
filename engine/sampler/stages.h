// What each stage of the sampler leaves of a distribution: for people who want to see why a token was chosen.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/sampler/sampler.h"
#include "engine/values/token_record.h"

namespace quibble {

/// The `count` likeliest candidates of logits, with ln p at temperature 1.
[[nodiscard]] TokenStage stageOf(std::string name, std::span<const float> logits, int count);

/// The stages that `settings` switch on, behind the logits rules: temperature, top_k, top_p, min_p, each with ln p of
/// what it leaves, and "chosen" with `chosen` alone. Tokens too unlikely to ever win the draw count as dropped by the
/// first filter.
[[nodiscard]] std::vector<TokenStage> samplerStages(Sampler& sampler, std::span<const float> logits,
                                                    const SamplerSettings& settings, TokenId chosen, int count);

}  // namespace quibble
