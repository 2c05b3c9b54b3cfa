#include "kernels/formats/half.h"
#include "kernels/formats/iq4_values.h"
#include "kernels/packing/layout.h"
#include "kernels/packing/row_unit.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace quibble::kernels {

namespace {

constexpr int64_t kUnitInputs = 32 * kUnitBlocks;

// Four codes, one a byte.
uint32_t word(const uint8_t* codes, int j) {
    uint32_t four = 0;
    std::memcpy(&four, codes + 4 * j, sizeof(four));
    return four;
}

// Bits [shift, shift + 1/2/4/8) of the 32 codes of a block into lane `output` of the stored registers.
void storeBits(const uint8_t* codes, int bits, int shift, int64_t output, std::byte* out) {
    const int shared = 8 / bits;  // registers that share a stored one
    const uint32_t mask = 0x01010101U * ((1U << bits) - 1U);
    for (int i = 0; i < bits; ++i) {
        uint32_t joined = 0;
        for (int s = 0; s < shared; ++s) {
            const int j = bits == 4 ? i + 4 * s : shared * i + s;
            joined |= ((word(codes, j) >> shift) & mask) << (bits * s);
        }
        std::memcpy(out + 64 * i + 4 * output, &joined, sizeof(joined));
    }
}

void loadBits(const std::byte* src, int bits, int shift, int64_t output, uint8_t* codes) {
    const int shared = 8 / bits;
    const uint32_t mask = 0x01010101U * ((1U << bits) - 1U);
    for (int i = 0; i < bits; ++i) {
        uint32_t joined = 0;
        std::memcpy(&joined, src + 64 * i + 4 * output, sizeof(joined));
        for (int s = 0; s < shared; ++s) {
            const int j = bits == 4 ? i + 4 * s : shared * i + s;
            const uint32_t four = word(codes, j) | (((joined >> (bits * s)) & mask) << shift);
            std::memcpy(codes + 4 * j, &four, sizeof(four));
        }
    }
}

void storeHalf(uint16_t value, int64_t output, std::byte* out) { std::memcpy(out + 2 * output, &value, sizeof(value)); }

float loadHalf(const std::byte* src, int64_t output) {
    uint16_t bits = 0;
    std::memcpy(&bits, src + 2 * output, sizeof(bits));
    return f16ToF32(bits);
}

void storeScales(const PackedFormat& f, const RowUnit& row, int64_t block, int64_t output, std::byte* out) {
    if (f.scale == ScaleKind::Half) {
        storeHalf(row.d[block], output, out);
        if (f.minimum) {
            storeHalf(row.minimum[block], output, out + f.minimumAt());
        }
        return;
    }
    for (int s = 0; s < f.subs(); ++s) {
        const int64_t group = block * f.subs() + s;
        out[16 * s + output] = static_cast<std::byte>(row.scales[group]);
        if (f.minimum && f.scale != ScaleKind::Nibbles) {
            out[f.minimumAt() + 16 * s + output] = static_cast<std::byte>(row.minima[group]);
        }
    }
}

void storeUnit(const PackedFormat& f, const RowUnit& row, int64_t blocks, int64_t output, std::byte* out) {
    if (f.hasHead()) {
        storeHalf(row.d[0], output, out);
        if (f.minimum) {
            storeHalf(row.minimum[0], output, out + 32);
        }
    }
    std::byte* scales = out + f.headBytes();
    std::byte* codes = scales + blocks * f.scaleBytes();
    for (int64_t b = 0; b < blocks; ++b) {
        storeScales(f, row, b, output, scales + b * f.scaleBytes());
        storeBits(row.codes + 32 * b, f.low_bits, 0, output, codes + b * f.codeBytes());
        if (f.high_bits > 0) {
            storeBits(row.codes + 32 * b, f.high_bits, f.low_bits, output, codes + b * f.codeBytes() + f.lowBytes());
        }
    }
}

struct ScaleAndMinimum {
    float scale;
    float minimum;
};

ScaleAndMinimum loadScale(const PackedFormat& f, const std::byte* head, const std::byte* scales, int sub,
                          int64_t output) {
    const auto byte = [&](int at) { return std::to_integer<uint8_t>(scales[at + 16 * sub + output]); };
    switch (f.scale) {
        case ScaleKind::Half:
            return {loadHalf(scales, output), f.minimum ? loadHalf(scales + f.minimumAt(), output) : 0.0F};
        case ScaleKind::PowerOfTwo: {
            const uint32_t e = byte(0);
            const uint32_t bits = e == 0 ? 0x00400000U : e << 23;
            return {e == 255 ? std::numeric_limits<float>::quiet_NaN() : 0.5F * std::bit_cast<float>(bits), 0.0F};
        }
        case ScaleKind::Byte:
            return {loadHalf(head, output) * static_cast<float>(byte(0)),
                    loadHalf(head + 32, output) * static_cast<float>(byte(f.minimumAt()))};
        case ScaleKind::SignedByte:
            return {loadHalf(head, output) * static_cast<float>(static_cast<int8_t>(byte(0))), 0.0F};
        case ScaleKind::Nibbles:
            return {loadHalf(head, output) * static_cast<float>(byte(0) & 15),
                    loadHalf(head + 32, output) * static_cast<float>(byte(0) >> 4)};
    }
    return {};
}

int numberOf(const PackedFormat& f, int code) {
    constexpr int kFp4Doubled[8] = {0, 1, 2, 3, 4, 6, 8, 12};
    switch (f.table) {
        case CodeTable::Iq4: return kIq4Values[code];
        case CodeTable::Fp4: return code >= 8 ? -kFp4Doubled[code - 8] : kFp4Doubled[code];
        case CodeTable::None: break;
    }
    return f.offset_shift > 0 ? code - (1 << f.offset_shift) : code;
}

}  // namespace

const PackedFormat* packedFormat(TensorType type) {
    switch (type) {
        case TensorType::Q8_0: return &kPackedQ8_0;
        case TensorType::Q4_0: return &kPackedQ4_0;
        case TensorType::Q4_1: return &kPackedQ4_1;
        case TensorType::Q5_0: return &kPackedQ5_0;
        case TensorType::Q5_1: return &kPackedQ5_1;
        case TensorType::IQ4_NL: return &kPackedIQ4_NL;
        case TensorType::MXFP4: return &kPackedMXFP4;
        case TensorType::Q2_K: return &kPackedQ2_K;
        case TensorType::Q3_K: return &kPackedQ3_K;
        case TensorType::Q4_K: return &kPackedQ4_K;
        case TensorType::Q5_K: return &kPackedQ5_K;
        case TensorType::Q6_K: return &kPackedQ6_K;
        case TensorType::IQ4_XS: return &kPackedIQ4_XS;
        default: return nullptr;
    }
}

bool hasPacked(TensorType type) { return packedFormat(type) != nullptr; }

int64_t panelBytes(const PackedFormat& format, int64_t cols) {
    const int64_t whole = cols / kUnitInputs;
    const int64_t rest = cols % kUnitInputs / 32;
    return (whole * format.unitBytes(kUnitBlocks) + (rest > 0 ? format.unitBytes(rest) : 0) + 63) / 64 * 64;
}

size_t packedBytes(TensorType type, int64_t rows, int64_t cols) {
    const PackedFormat* format = packedFormat(type);
    // A panel takes at most 20 bytes for each of its inputs' 16 weights (Q8_0: 17), so this bound keeps the sums below
    // from overflowing.
    if (format == nullptr || rows < 0 || cols < 0 || cols > std::numeric_limits<int64_t>::max() / 64) {
        return 0;
    }
    const auto panel = static_cast<size_t>(panelBytes(*format, cols));
    size_t bytes = 0;
    return __builtin_mul_overflow(panel, static_cast<size_t>(panelCount(rows)), &bytes) ? 0 : bytes;
}

void packPanels(const WeightView& w, int64_t panel_begin, int64_t panel_end, std::byte* out) {
    const PackedFormat& f = *packedFormat(w.type);
    const TypeTraits& traits = *typeTraits(w.type);
    const int64_t panel_bytes = panelBytes(f, w.cols);
    RowUnit row;
    for (int64_t p = panel_begin; p < panel_end; ++p) {
        std::byte* panel = out + p * panel_bytes;
        const int64_t outputs = std::min(kPanelOutputs, w.rows - p * kPanelOutputs);
        const int64_t end = (w.cols + kUnitInputs - 1) / kUnitInputs * f.unitBytes(kUnitBlocks);
        if (outputs < kPanelOutputs || end != panel_bytes) {
            std::memset(panel, 0, static_cast<size_t>(panel_bytes));
        }
        for (int64_t k = 0; k < w.cols; k += kUnitInputs) {
            const int64_t blocks = std::min(kUnitBlocks, (w.cols - k) / 32);
            const size_t at = static_cast<size_t>(k / traits.block_elements) * traits.block_bytes;
            for (int64_t o = 0; o < outputs; ++o) {
                readRowUnit(w.type, w.data + static_cast<size_t>(p * kPanelOutputs + o) * w.row_bytes + at, blocks,
                            row);
                storeUnit(f, row, blocks, o, panel + k / kUnitInputs * f.unitBytes(kUnitBlocks));
            }
        }
    }
}

void unpackRow(const PackedView& w, int64_t output, float* dst) {
    const PackedFormat& f = *packedFormat(w.type);
    const std::byte* panel = w.data + output / kPanelOutputs * panelBytes(f, w.cols);
    const int64_t o = output % kPanelOutputs;
    for (int64_t k = 0; k < w.cols; k += 32) {
        const int64_t unit = k / kUnitInputs;
        const int64_t block = k % kUnitInputs / 32;
        const int64_t blocks = std::min(kUnitBlocks, (w.cols - unit * kUnitInputs) / 32);
        const std::byte* head = panel + unit * f.unitBytes(kUnitBlocks);
        const std::byte* scales = head + f.headBytes() + block * f.scaleBytes();
        const std::byte* bits = head + f.headBytes() + blocks * f.scaleBytes() + block * f.codeBytes();
        uint8_t codes[32] = {};
        loadBits(bits, f.low_bits, 0, o, codes);
        if (f.high_bits > 0) {
            loadBits(bits + f.lowBytes(), f.high_bits, f.low_bits, o, codes);
        }
        for (int i = 0; i < 32; ++i) {
            const ScaleAndMinimum s = loadScale(f, head, scales, i / f.sub_width, o);
            const float product = s.scale * static_cast<float>(numberOf(f, codes[i]));
            dst[k + i] = !f.minimum ? product : f.minimumIsSubtracted() ? product - s.minimum : product + s.minimum;
        }
    }
}

size_t q8RowBytes(int64_t cols) {
    const size_t lines = (static_cast<size_t>(cols / 32) * sizeof(Q8Block) + 63) / 64;
    return (lines | 1U) * 64;  // an odd number of cache lines
}

}  // namespace quibble::kernels
