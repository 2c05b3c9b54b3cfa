// Q2_K: 256 weights in 16 groups of 16, w = d * sc * q - dmin * m.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ2_K {
    uint8_t scales[16];  // low half: sc of the group, high half: m
    uint8_t q[64];       // two runs of 32 bytes; bits 2j..2j+1 of byte l of run h: weight 128 h + 32 j + l
    uint16_t d;          // F16
    uint16_t dmin;       // F16
};
static_assert(sizeof(BlockQ2_K) == 84 && alignof(BlockQ2_K) <= 2);
inline constexpr int kQ2_KElements = 256;

}  // namespace quibble::kernels
