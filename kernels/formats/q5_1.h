// Q5_1: 32 weights of 5 bits, w = d * q + m.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ5_1 {
    uint16_t d;     // F16
    uint16_t m;     // F16
    uint8_t qh[4];  // as in Q5_0
    uint8_t q[16];
};
static_assert(sizeof(BlockQ5_1) == 24 && alignof(BlockQ5_1) <= 2);
inline constexpr int kQ5_1Elements = 32;

}  // namespace quibble::kernels
