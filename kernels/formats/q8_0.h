// Q8_0: 32 weights, w = d * q.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ8_0 {
    uint16_t d;  // F16
    int8_t q[32];
};
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) <= 2);
inline constexpr int kQ8_0Elements = 32;

}  // namespace quibble::kernels
