// Q5_0: 32 weights of 5 bits, w = d * (q - 16).
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ5_0 {
    uint16_t d;     // F16
    uint8_t qh[4];  // little-endian word: bit i is the fifth bit of weight i
    uint8_t q[16];  // low four bits, as in Q4_0
};
static_assert(sizeof(BlockQ5_0) == 22 && alignof(BlockQ5_0) <= 2);
inline constexpr int kQ5_0Elements = 32;

}  // namespace quibble::kernels
