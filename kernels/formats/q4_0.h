// Q4_0: 32 weights, w = d * (q - 8).
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ4_0 {
    uint16_t d;     // F16
    uint8_t q[16];  // weight i in the low half of byte i, weight i + 16 in the high half
};
static_assert(sizeof(BlockQ4_0) == 18 && alignof(BlockQ4_0) <= 2);
inline constexpr int kQ4_0Elements = 32;

}  // namespace quibble::kernels
