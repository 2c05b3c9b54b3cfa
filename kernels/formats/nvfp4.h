// NVFP4: 64 weights in 4 groups of 16, w = scale * e2m1.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockNVFP4 {
    uint8_t scales[4];  // E4M3 without sign, bias 7; 0x7F counts as 0
    uint8_t q[32];      // 8 bytes a group: weights 0..7 in the low halves, 8..15 in the high ones
};
static_assert(sizeof(BlockNVFP4) == 36 && alignof(BlockNVFP4) == 1);
inline constexpr int kNVFP4Elements = 64;

}  // namespace quibble::kernels
