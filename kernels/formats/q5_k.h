// Q5_K: 256 weights of 5 bits in 8 groups of 32, w = d * sc * q - dmin * m.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ5_K {
    uint16_t d;          // F16
    uint16_t dmin;       // F16
    uint8_t scales[12];  // as in Q4_K
    uint8_t qh[32];      // bit g of byte l: fifth bit of weight l of group g
    uint8_t q[128];      // low four bits, as in Q4_K
};
static_assert(sizeof(BlockQ5_K) == 176 && alignof(BlockQ5_K) <= 2);
inline constexpr int kQ5_KElements = 256;

}  // namespace quibble::kernels
