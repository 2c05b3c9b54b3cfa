// IQ3: 256 weights, four weights a point, a scale for 32 weights.
#pragma once

#include <cstdint>

namespace quibble::kernels {

// IQ3_XXS: w = +- d * (0.5 + s) / 2 * point, from a grid of 256 points.
struct BlockIQ3_XXS {
    uint16_t d;         // F16
    uint8_t q[64];      // indices
    uint8_t signs[32];  // 32 bits for 32 weights: four times seven signs as in IQ2_XXS, s in the top four bits
};
static_assert(sizeof(BlockIQ3_XXS) == 98 && alignof(BlockIQ3_XXS) <= 2);

// IQ3_S: w = +- d * (2 s + 1) * point, from a grid of 512 points.
struct BlockIQ3_S {
    uint16_t d;         // F16
    uint8_t q[64];      // low eight bits of the index
    uint8_t qh[8];      // the ninth bits
    uint8_t signs[32];  // one bit a weight
    uint8_t scales[4];  // s of 32 weights in each half, low half first
};
static_assert(sizeof(BlockIQ3_S) == 110 && alignof(BlockIQ3_S) <= 2);
inline constexpr int kIQ3Elements = 256;

}  // namespace quibble::kernels
