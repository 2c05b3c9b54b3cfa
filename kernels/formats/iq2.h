// IQ2: 256 weights, w = +- d * (0.5 + s) / 4 * point, eight weights a point.
#pragma once

#include <cstdint>

namespace quibble::kernels {

// IQ2_XXS: a grid of 256 points, one s for 32 weights. Eight weights have seven sign bits; the eighth sign makes the
// number of minus signs even.
struct BlockIQ2_XXS {
    uint16_t d;  // F16
    uint16_t
        q[32];  // for 32 weights, 8 bytes: four indices; then 32 bits: four times seven signs, s in the top four bits
};
static_assert(sizeof(BlockIQ2_XXS) == 66 && alignof(BlockIQ2_XXS) <= 2);

// IQ2_XS: a grid of 512 points, one s for 16 weights.
struct BlockIQ2_XS {
    uint16_t d;         // F16
    uint16_t q[32];     // index in the low nine bits, seven signs above
    uint8_t scales[8];  // s of 16 weights in each half, low half first
};
static_assert(sizeof(BlockIQ2_XS) == 74 && alignof(BlockIQ2_XS) <= 2);

// IQ2_S: a grid of 1024 points, one s for 16 weights.
struct BlockIQ2_S {
    uint16_t d;         // F16
    uint8_t q[32];      // low eight bits of the index
    uint8_t signs[32];  // one bit a weight
    uint8_t qh[8];      // top two bits of four indices
    uint8_t scales[8];  // as in IQ2_XS
};
static_assert(sizeof(BlockIQ2_S) == 82 && alignof(BlockIQ2_S) <= 2);
inline constexpr int kIQ2Elements = 256;

}  // namespace quibble::kernels
