// Stored weights to floats, per instruction set (decode_body.h): what dequantizeRow and the chunked matmul share.
#pragma once

#include "kernels/op_table.h"

namespace quibble::kernels {

#if defined(__AVX512F__)
namespace avx512 {
#elif defined(__AVX2__)
namespace avx2 {
#else
namespace portable {
#endif

// Same values as reference::dequantizeRow, bit for bit.
void dequantizeRow(TensorType type, const std::byte* src, int64_t cols, float* dst);

// Columns [begin, begin + n) of row `row`; begin is a multiple of 256. dst: 64-byte aligned, n floats.
void decodeChunk(const WeightView& w, int64_t row, int64_t begin, int64_t n, float* dst);

}

#if defined(__AVX512F__)
using avx512::decodeChunk;
#elif defined(__AVX2__)
using avx2::decodeChunk;
#else
using portable::decodeChunk;
#endif

}  // namespace quibble::kernels
