// The codebook and three-level formats, split from dequantize.cpp for length.
#pragma once

#include "kernels/formats/iq1.h"
#include "kernels/formats/iq2.h"
#include "kernels/formats/iq3.h"
#include "kernels/formats/tq.h"

namespace quibble::kernels::reference {

// y: 256 floats
void dequantize(const BlockIQ1_S& b, float* y);
void dequantize(const BlockIQ1_M& b, float* y);
void dequantize(const BlockIQ2_XXS& b, float* y);
void dequantize(const BlockIQ2_XS& b, float* y);
void dequantize(const BlockIQ2_S& b, float* y);
void dequantize(const BlockIQ3_XXS& b, float* y);
void dequantize(const BlockIQ3_S& b, float* y);
void dequantize(const BlockTQ1_0& b, float* y);
void dequantize(const BlockTQ2_0& b, float* y);

}  // namespace quibble::kernels::reference
