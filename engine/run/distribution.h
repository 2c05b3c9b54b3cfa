// Figures of one row of logits that the token records need, beside kernels::LogitStats.
#pragma once

#include <span>
#include <vector>

#include "engine/values/token_record.h"

namespace quibble {

/// The `count` largest logits as log-probabilities, largest first, ties by id.
[[nodiscard]] std::vector<Alternative> topAlternatives(std::span<const float> logits, double log_sum_exp, int count);

/// 1 + number of tokens with a strictly larger logit than `id`.
[[nodiscard]] std::int32_t rankOf(std::span<const float> logits, TokenId id);

/// Total probability of `ids` at temperature 1.
[[nodiscard]] double massOf(std::span<const float> logits, double log_sum_exp, std::span<const TokenId> ids);

}  // namespace quibble
