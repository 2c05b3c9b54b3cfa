// Q6_K: 256 weights of 6 bits in 16 groups of 16, w = d * sc * (q - 32).
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ6_K {
    uint8_t ql[128];  // 64 bytes for each half of 128 weights: byte l holds weight l (low half) and weight l + 64 (high
                      // half)
    uint8_t qh[64];   // 32 bytes for each half: bits 2j..2j+1 of byte l are the top bits of weight 32 j + l
    int8_t scales[16];
    uint16_t d;  // F16
};
static_assert(sizeof(BlockQ6_K) == 210 && alignof(BlockQ6_K) <= 2);
inline constexpr int kQ6_KElements = 256;

}  // namespace quibble::kernels
