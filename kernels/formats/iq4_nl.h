// IQ4_NL: 32 weights, w = d * table[q] with the table of kIq4Values.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockIQ4_NL {
    uint16_t d;     // F16
    uint8_t q[16];  // as in Q4_0
};
static_assert(sizeof(BlockIQ4_NL) == 18 && alignof(BlockIQ4_NL) <= 2);
inline constexpr int kIQ4_NLElements = 32;

}  // namespace quibble::kernels
