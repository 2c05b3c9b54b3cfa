// IQ1: 256 weights, w = d * (2 s + 1) * (point +- 1/8), the points from one grid of 2048.
#pragma once

#include <cstdint>

namespace quibble::kernels {

// IQ1_S: one scale serves 32 weights.
struct BlockIQ1_S {
    uint16_t d;      // F16
    uint8_t q[32];   // low eight bits of a point's index, one byte for 8 weights
    uint16_t qh[8];  // for 32 weights: top three bits of four indices, s in bits 12..14, bit 15: minus 1/8
};
static_assert(sizeof(BlockIQ1_S) == 50 && alignof(BlockIQ1_S) <= 2);

// IQ1_M: one scale serves 16 weights.
struct BlockIQ1_M {
    uint8_t q[32];   // as above
    uint8_t qh[16];  // for 16 weights, a half byte for each point: top three bits of its index, then the sign of 1/8
    uint16_t
        scales[4];  // four times s in bits 0..11; the top four bits of the words, joined, are d (F16), lowest first
};
static_assert(sizeof(BlockIQ1_M) == 56 && alignof(BlockIQ1_M) <= 2);
inline constexpr int kIQ1Elements = 256;

}  // namespace quibble::kernels
