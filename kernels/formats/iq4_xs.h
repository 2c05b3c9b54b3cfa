// IQ4_XS: 256 weights in 8 groups of 32, w = d * (ls - 32) * table[q] with the table of kIq4Values.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockIQ4_XS {
    uint16_t d;           // F16
    uint16_t scales_h;    // bits 2g..2g+1: top two bits of ls of group g
    uint8_t scales_l[4];  // low four bits of ls: groups 2i (low half) and 2i + 1 (high half)
    uint8_t q[128];       // 16 bytes a group, as in Q4_0
};
static_assert(sizeof(BlockIQ4_XS) == 136 && alignof(BlockIQ4_XS) <= 2);
inline constexpr int kIQ4_XSElements = 256;

}  // namespace quibble::kernels
