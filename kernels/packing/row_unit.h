// One unit of one output on its way from the file's blocks to a panel. The numbers stand here one by one, before their
// bits are packed.
#pragma once

#include "kernels/packing/layout.h"

namespace quibble::kernels {

// Up to 256 weights. Only the fields that the format has are set.
struct RowUnit {
    uint8_t codes[256];   // low and high bits joined; before the table and the offset
    uint16_t d[8];        // F16: of each block of 32, or d[0] of the unit
    uint16_t minimum[8];  // F16, likewise (dmin)
    uint8_t scales[16];   // of each group of sub_width; e of MXFP4
    uint8_t minima[16];
};

// Reads `blocks` blocks of 32 weights (8 for the 256-wide types) that begin at src, any alignment. type: one that
// hasPacked.
void readRowUnit(TensorType type, const std::byte* src, int64_t blocks, RowUnit& out);

}  // namespace quibble::kernels
