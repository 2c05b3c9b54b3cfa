// Q3_K: 256 weights of 3 bits in 16 groups of 16, w = d * (sc - 32) * (q - 4).
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ3_K {
    uint8_t high[32];    // bit 4h + j of byte l: third bit of weight 128 h + 32 j + l
    uint8_t q[64];       // low two bits, as in Q2_K
    uint8_t scales[12];  // sixteen 6-bit scales: low halves in bytes 0..7, top two bits in bytes 8..11
    uint16_t d;          // F16
};
static_assert(sizeof(BlockQ3_K) == 110 && alignof(BlockQ3_K) <= 2);
inline constexpr int kQ3_KElements = 256;

}  // namespace quibble::kernels
