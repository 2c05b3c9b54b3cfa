// Quantized weights rearranged once, at load, for the 8-bit products: panels of 16 outputs, in the bits of the file
// (nibbles stay nibbles), read from end to end in one stream. Layout: packing/layout.h. It is the same for every
// instruction set.
//
// The activations, which are the other side of the product, have one layout for all types: a row is cols / 32 blocks of
// Q8Block (Ops::quantizeQ8).
#pragma once

#include "kernels/weight_view.h"

#include <cstddef>
#include <cstdint>

namespace quibble::kernels {

inline constexpr int64_t kPanelOutputs = 16;

// data: packedBytes(type, rows, cols) bytes on a 64-byte boundary, written by packPanels.
struct PackedView {
    TensorType type = TensorType::F32;
    int64_t rows = 0;  // outputs
    int64_t cols = 0;  // inputs
    const std::byte* data = nullptr;
};

// 32 activations with one scale. minus_sum and minus_half are sums of the codes with the sign changed, so that a
// product adds what a weight's offset takes away.
struct Q8Block {
    int8_t q[32];
    float d;
    int32_t minus_sum;
    int32_t minus_half[2];  // of the first and the last 16
};
static_assert(sizeof(Q8Block) == 48 && offsetof(Q8Block, q) == 0 && offsetof(Q8Block, d) == 32 &&
              offsetof(Q8Block, minus_sum) == 36 && offsetof(Q8Block, minus_half) == 40);

// True for the types that can be packed, which are those with an 8-bit product: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL,
// MXFP4, Q2_K to Q6_K, IQ4_XS.
bool hasPacked(TensorType type);

inline int64_t panelCount(int64_t rows) { return (rows + kPanelOutputs - 1) / kPanelOutputs; }

// Bytes of the packed matrix. 0 for a type that cannot be packed, and for a size that does not fit size_t. cols: a
// multiple of the type's block.
size_t packedBytes(TensorType type, int64_t rows, int64_t cols);

// Writes panels [panel_begin, panel_end) of w to their places in out, which is where panel 0 begins. Different panels
// may be written by different threads. The outputs that the last panel lacks become zeros. w.type must be one that
// hasPacked.
void packPanels(const WeightView& w, int64_t panel_begin, int64_t panel_end, std::byte* out);

// Writes the weights of one output: the floats that dequantizeRow gives for its row in the file. This is slow, and made
// for the reference and for tests.
void unpackRow(const PackedView& w, int64_t output, float* dst);

// Bytes of one row of activations, cols a multiple of 32: the blocks, and padding so that rows which lie this far apart
// start in different sets of the first-level cache.
size_t q8RowBytes(int64_t cols);

}  // namespace quibble::kernels
