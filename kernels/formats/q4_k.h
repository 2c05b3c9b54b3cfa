// Q4_K: 256 weights in 8 groups of 32, w = d * sc * q - dmin * m.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockQ4_K {
    uint16_t d;          // F16
    uint16_t dmin;       // F16
    uint8_t scales[12];  // eight 6-bit sc and eight 6-bit m. Groups 0..3: sc in byte j, m in byte j + 4 (low six
                         // bits). Groups 4..7: low halves in byte j + 4 (sc low, m high), top two bits in the top
                         // bits of bytes j - 4 (sc) and j (m)
    uint8_t q[128];      // four runs of 32 bytes: low halves are group 2r, high halves group 2r + 1
};
static_assert(sizeof(BlockQ4_K) == 144 && alignof(BlockQ4_K) <= 2);
inline constexpr int kQ4_KElements = 256;

}  // namespace quibble::kernels
