// Floats to blocks: the formats whose rounding rule is public and simple, and our own round-to-nearest groups.
#pragma once

#include "kernels/tensor_type.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace quibble::kernels {

// True for F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, MXFP4.
bool canQuantize(TensorType type);

// src: cols finite floats, cols a multiple of the type's block; dst: cols / block_elements * block_bytes bytes. F32,
// F16, BF16 and Q8_0 take any floats: NaN stays, and a Q8_0 block that holds a NaN or an infinity becomes NaN. Byte for
// byte the blocks that llama.cpp's reference rounding writes (goldens: tests/golden/dequant). Type must be canQuantize.
void quantizeRow(TensorType type, const float* src, int64_t cols, std::byte* dst);

// Round-to-nearest over groups of consecutive weights of a row (the baseline of weight quantization papers).
//   symmetric:  levels L = -2^(b-1) .. 2^(b-1)-1, zero = 2^(b-1) (so that w = scale * (code - zero)). The
//     scale is the better of two by squared error over the group: max|w| / (2^(b-1) - 1), which leaves the lowest level
//     unused, and max|w| / 2^(b-1) signed so that the largest weight takes the lowest level. At 2 bits the first has
//     three levels, the second four.
//   asymmetric: 2^b levels between min(w, 0) and max(w, 0), zero an integer level, so 0 stays 0.
// Scales are rounded to F16 (what a file would hold) before the weights are rounded with them, ties away from zero.
struct RtnParams {
    int bits = 4;         // 2..8
    uint32_t group = 64;  // 1..cols; the last group of a row may be short
    bool symmetric = true;
};

// Empty when the parameters can be used on rows of cols weights, else what is wrong.
std::string rtnParamsError(const RtnParams& params, int64_t cols);

// w: [rows, cols] finite floats. codes: [rows, cols]; scale, zero: [rows, ceil(cols / group)].
// Groups that are all zero get scale 0. Params must be without error.
void rtnQuantize(const float* w, int64_t rows, int64_t cols, const RtnParams& params, uint8_t* codes, float* scale,
                 float* zero);

}  // namespace quibble::kernels
