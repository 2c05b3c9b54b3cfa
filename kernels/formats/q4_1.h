// Q4_1: 32 weights, w = d * q + m.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ4_1 {
    uint16_t d;     // F16
    uint16_t m;     // F16
    uint8_t q[16];  // as in Q4_0
};
static_assert(sizeof(BlockQ4_1) == 20 && alignof(BlockQ4_1) <= 2);
inline constexpr int kQ4_1Elements = 32;

}  // namespace quibble::kernels
