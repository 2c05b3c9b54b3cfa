// Random weights in the bytes of a tensor type: codes are drawn directly, scales are set so that the weights spread as
// trained ones do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/tensor_type.h"

namespace quibble {

/// Standard deviation that the weights of every type come near.
inline constexpr double kSynthSpread = 0.02;

/// Types that fillRandomWeights makes.
[[nodiscard]] bool canSynthesize(kernels::TensorType type);

/// Fills `out`, a whole number of blocks of `type`. Same seed, same bytes. Only for types that canSynthesize.
void fillRandomWeights(kernels::TensorType type, std::uint64_t seed, std::span<std::byte> out);

}  // namespace quibble
