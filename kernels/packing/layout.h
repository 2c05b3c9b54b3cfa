// The bytes of packed weights (packed.h), described by a few numbers per type so that one piece of code serves all
// types.
//
// A matrix is panels of 16 outputs, each a multiple of 64 bytes long. A panel is units of 256 inputs (the last may be
// shorter, by whole blocks of 32). A unit is
//   head    types with scales of scales: F16 d of the 16 outputs, then F16 dmin of the 16 outputs if there are minima
//   scales  per block of 32 inputs: one entry per output for each group of sub_width inputs, first all scales, then all
//   minima codes   per block: the low bits, then the high bits
// Code bits of a block are registers of 64 bytes: byte 4 o + t of register j holds input 4 j + t of output o, j = 0 ..
// 7, which is what dot-product instructions with four bytes a lane want. Of 8-bit codes there are eight such registers;
// of fewer bits b, register i of the 8 / (8 / b) stored holds:
//   4 bits: register i in the low half, register i + 4 in the high half                (i = 0 .. 3)
//   2 bits: registers 4 i .. 4 i + 3 from the low bits up                              (i = 0, 1)
//   1 bit : registers 0 .. 7 from the low bits up                                      (i = 0)
// A weight is scale * (code - 2^offset_shift) (+ or - minimum), where the code first goes through the table of the type
// if it has one.
#pragma once

#include "kernels/packed.h"

namespace quibble::kernels {

enum class ScaleKind : uint8_t {
    Half,        // F16
    PowerOfTwo,  // one byte e: 2^(e - 128), half of what E8M0 says, because the table of MXFP4 holds doubled values;
                 // 255 is NaN
    Byte,        // one unsigned byte, times d
    SignedByte,  // one signed byte, times d
    Nibbles,     // one byte: scale in the low half (times d), minimum in the high half (times dmin)
};

enum class CodeTable : uint8_t { None, Iq4, Fp4 };

struct PackedFormat {
    int low_bits;
    int high_bits;  // 0, 1 or 2
    int sub_width;  // 32 or 16
    ScaleKind scale;
    bool minimum;
    CodeTable table;
    int offset_shift;  // 0: no offset

    constexpr bool hasHead() const { return scale != ScaleKind::Half && scale != ScaleKind::PowerOfTwo; }
    constexpr int subs() const { return 32 / sub_width; }
    constexpr int headBytes() const { return hasHead() ? (minimum ? 64 : 32) : 0; }
    constexpr int scaleEntryBytes() const { return scale == ScaleKind::Half ? 2 : 1; }
    constexpr int minimumAt() const { return 16 * subs() * scaleEntryBytes(); }  // from the scales of a block
    constexpr int scaleBytes() const { return minimumAt() * (minimum && scale != ScaleKind::Nibbles ? 2 : 1); }
    constexpr int lowBytes() const { return 64 * low_bits; }
    constexpr int codeBytes() const { return 64 * (low_bits + high_bits); }
    constexpr int64_t unitBytes(int64_t blocks) const { return headBytes() + blocks * (scaleBytes() + codeBytes()); }
    // The minimum of the file is subtracted by the types with scales of scales, added by the others.
    constexpr bool minimumIsSubtracted() const { return hasHead(); }
};

inline constexpr int64_t kUnitBlocks = 8;
inline constexpr int kIq4Offset = 128;  // makes the levels of kIq4Values positive
inline constexpr int kFp4Offset = 16;

inline constexpr PackedFormat kPackedQ8_0{8, 0, 32, ScaleKind::Half, false, CodeTable::None, 7};
inline constexpr PackedFormat kPackedQ4_0{4, 0, 32, ScaleKind::Half, false, CodeTable::None, 3};
inline constexpr PackedFormat kPackedQ4_1{4, 0, 32, ScaleKind::Half, true, CodeTable::None, 0};
inline constexpr PackedFormat kPackedQ5_0{4, 1, 32, ScaleKind::Half, false, CodeTable::None, 4};
inline constexpr PackedFormat kPackedQ5_1{4, 1, 32, ScaleKind::Half, true, CodeTable::None, 0};
inline constexpr PackedFormat kPackedIQ4_NL{4, 0, 32, ScaleKind::Half, false, CodeTable::Iq4, 7};
inline constexpr PackedFormat kPackedMXFP4{4, 0, 32, ScaleKind::PowerOfTwo, false, CodeTable::Fp4, 4};
inline constexpr PackedFormat kPackedQ2_K{2, 0, 16, ScaleKind::Nibbles, true, CodeTable::None, 0};
inline constexpr PackedFormat kPackedQ3_K{2, 1, 16, ScaleKind::SignedByte, false, CodeTable::None, 2};
inline constexpr PackedFormat kPackedQ4_K{4, 0, 32, ScaleKind::Byte, true, CodeTable::None, 0};
inline constexpr PackedFormat kPackedQ5_K{4, 1, 32, ScaleKind::Byte, true, CodeTable::None, 0};
inline constexpr PackedFormat kPackedQ6_K{4, 2, 16, ScaleKind::SignedByte, false, CodeTable::None, 5};
inline constexpr PackedFormat kPackedIQ4_XS{4, 0, 32, ScaleKind::SignedByte, false, CodeTable::Iq4, 7};

// nullptr for types that are not packed.
const PackedFormat* packedFormat(TensorType type);

// Bytes from one panel to the next. Files compiled for one instruction set pass *packedFormat(type): a template
// argument would become a weak symbol.
int64_t panelBytes(const PackedFormat& format, int64_t cols);

}  // namespace quibble::kernels
