// Activation rows rounded to 8 bits, laid out for the avx512 products. 64-byte units, so that an aligned row never splits a cache line.
#pragma once

#include "kernels/op_table.h"

namespace quibble::kernels::avx512 {

// Four blocks of 32 for Q8_0 and Q4_0. Byte 16 j + i of `low` is activation i (0..15) of block j, of `high` activation 16 + i, so
// that 32-bit lanes 4 j .. 4 j + 3 of a dot product belong to block j. A row is all its codes, then all sums, then all scales: small, since
// it must stay in the first-level cache while the weights stream through. The last unit is padded with zeros.
struct Codes128 {
    int8_t low[64];
    int8_t high[64];
};
struct Sums128 {
    int16_t minus_sum[16];  // minus the sum of the eight activations that meet in a lane
};
struct Scales128 {
    float d[4];  // of each block
};
constexpr int64_t kUnitBytes = sizeof(Codes128) + sizeof(Sums128) + sizeof(Scales128);
static_assert(kUnitBytes == 176);

// One block of 256 for a K type.
//   Q4_K: q holds groups of 32 in the order 0 2 1 3 4 6 5 7; sums[4..7] and [12..15] are the sums of groups 0..3 and 4..7, the rest 0.
//   Q6_K: q in order; sums[g] is the sum of the 16 activations of group g.
struct alignas(64) Act256 {
    int8_t q[256];
    int16_t sums[16];
    float d;
    float unused[7];
};
static_assert(sizeof(Act256) == 320);

}  // namespace quibble::kernels::avx512
