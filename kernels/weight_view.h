// A weight matrix as the kernels see it: a type, a shape and bytes that somebody else owns.
#pragma once

#include "kernels/tensor_type.h"

#include <cstddef>
#include <cstdint>

namespace quibble::kernels {

// Round-to-nearest weights, quantized in memory. Row r has ceil(cols / group) groups (the last may be short), and
//   w[r][c] = scale[r][c / group] * (float(codes[r][c]) - zero[r][c / group])      (each operation rounded to float)
struct RtnGroupView {
    const uint8_t* codes = nullptr;  // [rows, cols], one byte a weight
    const float* scale = nullptr;    // [rows, ceil(cols / group)]
    const float* zero = nullptr;     // same shape; an integer in [0, 255]
    uint32_t group = 0;              // weights that share a scale; >= 1
};

// data: `rows` rows of row_bytes bytes each, any alignment (mmapped files give none). row_bytes is at least
// cols / block_elements * block_bytes; cols is a multiple of block_elements.
// For TensorType::RtnGroup data and row_bytes are unused and rtn is set.
struct WeightView {
    TensorType type = TensorType::F32;
    int64_t rows = 0;  // outputs
    int64_t cols = 0;  // inputs
    const std::byte* data = nullptr;
    size_t row_bytes = 0;
    RtnGroupView rtn;
};

}  // namespace quibble::kernels
