// MXFP4: 32 weights of four bits (FP4 E2M1) with a shared power of two, OCP Microscaling.
#pragma once

#include <cstdint>

namespace quibble::kernels {

struct BlockMXFP4 {
    uint8_t e;      // E8M0: the scale is 2^(e - 127)
    uint8_t q[16];  // sign, two exponent bits, one mantissa bit; order as in Q4_0
};
static_assert(sizeof(BlockMXFP4) == 17 && alignof(BlockMXFP4) <= 2);
inline constexpr int kMXFP4Elements = 32;

}  // namespace quibble::kernels
