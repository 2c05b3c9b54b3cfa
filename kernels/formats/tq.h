// TQ: 256 weights of three levels, w = d * (-1, 0 or 1).
#pragma once

#include <cstdint>

namespace quibble::kernels {

// TQ1_0: a byte holds five weights. It is about 256 times a fraction in base three, whose first digit is the first
// weight.
struct BlockTQ1_0 {
    uint8_t q[48];  // 32 bytes: digit n of byte m is weight 32 n + m; 16 bytes: weight 160 + 16 n + m
    uint8_t qh[4];  // four digits each: weight 240 + 4 n + m
    uint16_t d;     // F16
};
static_assert(sizeof(BlockTQ1_0) == 54 && alignof(BlockTQ1_0) <= 2);

struct BlockTQ2_0 {
    uint8_t q[64];  // bits 2n of byte 32 h + m: weight 128 h + 32 n + m, plus one
    uint16_t d;     // F16
};
static_assert(sizeof(BlockTQ2_0) == 66 && alignof(BlockTQ2_0) <= 2);
inline constexpr int kTQElements = 256;

}  // namespace quibble::kernels
