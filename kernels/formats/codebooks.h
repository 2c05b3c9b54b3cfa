// The points of the IQ formats' codebooks, 16 bits each. Eight codes of two bits (code j in bits 2j and 2j + 1) for the
// IQ1 and IQ2 grids, four of four bits for the IQ3 grids; a code stands for
//   IQ1: code - 1     IQ2: 8, 25, 43     IQ3_XXS: 4, 12, 20, 28, 36, 44, 52, 62     IQ3_S: 2 code + 1
#pragma once

#include <cstdint>

namespace quibble::kernels {

#include "kernels/formats/codebooks.inc"

}  // namespace quibble::kernels
