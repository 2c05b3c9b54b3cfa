// F16 and BF16 <-> float in software, exact, round to nearest even. NaN stays NaN (quiet), infinities stay.
#pragma once

#include <cstdint>

namespace quibble::kernels {

float f16ToF32(uint16_t bits);
uint16_t f32ToF16(float value);  // overflow gives infinity, tiny values give subnormals
float bf16ToF32(uint16_t bits);
uint16_t f32ToBf16(float value);

}  // namespace quibble::kernels
