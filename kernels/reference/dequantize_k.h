// The 256-wide formats, split from dequantize.cpp for length.
#pragma once

#include "kernels/formats/q2_k.h"
#include "kernels/formats/q3_k.h"
#include "kernels/formats/q4_k.h"
#include "kernels/formats/q5_k.h"
#include "kernels/formats/q6_k.h"

namespace quibble::kernels::reference {

// y: 256 floats
void dequantize(const BlockQ2_K& b, float* y);
void dequantize(const BlockQ3_K& b, float* y);
void dequantize(const BlockQ4_K& b, float* y);
void dequantize(const BlockQ5_K& b, float* y);
void dequantize(const BlockQ6_K& b, float* y);

// The 6-bit scale and minimum of group g (0..7) of a Q4_K or Q5_K block.
struct ScaleMin {
    int scale;
    int minimum;
};
ScaleMin scaleMin(const uint8_t (&scales)[12], int g);

}  // namespace quibble::kernels::reference
