// Blocks to floats, one function per format. Layouts are described at the structs in kernels/formats.
#include "kernels/formats/e2m1.h"
#include "kernels/formats/half.h"
#include "kernels/formats/iq4_nl.h"
#include "kernels/formats/iq4_values.h"
#include "kernels/formats/iq4_xs.h"
#include "kernels/formats/mxfp4.h"
#include "kernels/formats/nvfp4.h"
#include "kernels/formats/q4_0.h"
#include "kernels/formats/q4_1.h"
#include "kernels/formats/q5_0.h"
#include "kernels/formats/q5_1.h"
#include "kernels/formats/q8_0.h"
#include "kernels/reference/dequantize_codebook.h"
#include "kernels/reference/dequantize_k.h"
#include "kernels/reference/reference.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace quibble::kernels::reference {

namespace {

using reference::dequantize;  // the formats of the other files

// Weight i of a block whose first half sits in the low halves of its bytes and the second in the high halves.
template <int kBytes>
int nibble(const uint8_t (&q)[kBytes], int i) {
    return i < kBytes ? q[i] & 15 : q[i - kBytes] >> 4;
}

int fifthBit(const uint8_t (&qh)[4], int i) { return ((qh[i / 8] >> (i % 8)) & 1) << 4; }

void dequantize(const BlockQ8_0& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 32; ++i) {
        y[i] = d * static_cast<float>(b.q[i]);
    }
}

void dequantize(const BlockQ4_0& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 32; ++i) {
        y[i] = d * static_cast<float>(nibble(b.q, i) - 8);
    }
}

void dequantize(const BlockQ4_1& b, float* y) {
    const float d = f16ToF32(b.d);
    const float m = f16ToF32(b.m);
    for (int i = 0; i < 32; ++i) {
        y[i] = d * static_cast<float>(nibble(b.q, i)) + m;
    }
}

void dequantize(const BlockQ5_0& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 32; ++i) {
        y[i] = d * static_cast<float>((nibble(b.q, i) | fifthBit(b.qh, i)) - 16);
    }
}

void dequantize(const BlockQ5_1& b, float* y) {
    const float d = f16ToF32(b.d);
    const float m = f16ToF32(b.m);
    for (int i = 0; i < 32; ++i) {
        y[i] = d * static_cast<float>(nibble(b.q, i) | fifthBit(b.qh, i)) + m;
    }
}

void dequantize(const BlockIQ4_NL& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 32; ++i) {
        y[i] = d * static_cast<float>(kIq4Values[nibble(b.q, i)]);
    }
}

void dequantize(const BlockIQ4_XS& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int g = 0; g < 8; ++g) {
        const int low = (b.scales_l[g / 2] >> (4 * (g % 2))) & 15;
        const int high = (b.scales_h >> (2 * g)) & 3;
        const float scale = d * static_cast<float>((low | (high << 4)) - 32);
        for (int i = 0; i < 32; ++i) {
            const uint8_t byte = b.q[16 * g + i % 16];
            y[32 * g + i] = scale * static_cast<float>(kIq4Values[i < 16 ? byte & 15 : byte >> 4]);
        }
    }
}

float e2m1(int q) { return q >= 8 ? -kE2m1Magnitudes[q & 7] : kE2m1Magnitudes[q]; }

void dequantize(const BlockMXFP4& b, float* y) {
    // 255 is the NaN of E8M0.
    const float scale = b.e == 255 ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0F, b.e - 127);
    for (int i = 0; i < 32; ++i) {
        y[i] = scale * e2m1(nibble(b.q, i));
    }
}

void dequantize(const BlockNVFP4& b, float* y) {
    for (int g = 0; g < 4; ++g) {
        const uint8_t e4m3 = b.scales[g];
        const int exponent = (e4m3 >> 3) & 15;
        const int mantissa = e4m3 & 7;
        const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                              : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
        const float scale = e4m3 == 0x7F ? 0.0F : magnitude;
        for (int i = 0; i < 16; ++i) {
            const uint8_t byte = b.q[8 * g + i % 8];
            y[16 * g + i] = scale * e2m1(i < 8 ? byte & 15 : byte >> 4);
        }
    }
}

template <class Block>
void dequantizeBlocks(const std::byte* src, int64_t cols, int64_t block_elements, float* dst) {
    for (int64_t done = 0; done < cols; done += block_elements) {
        Block block;  // a copy: the source may have any alignment
        std::memcpy(&block, src + static_cast<size_t>(done / block_elements) * sizeof(Block), sizeof(Block));
        dequantize(block, dst + done);
    }
}

template <float (*kConvert)(uint16_t)>
void dequantizeHalves(const std::byte* src, int64_t cols, float* dst) {
    for (int64_t i = 0; i < cols; ++i) {
        uint16_t bits = 0;
        std::memcpy(&bits, src + 2 * i, sizeof(bits));
        dst[i] = kConvert(bits);
    }
}

}  // namespace

void dequantizeRow(TensorType type, const std::byte* src, int64_t cols, float* dst) {
    if (cols <= 0) {
        return;  // the pointers may be null
    }
    switch (type) {
        case TensorType::F32: std::memcpy(dst, src, static_cast<size_t>(cols) * sizeof(float)); return;
        case TensorType::F16: dequantizeHalves<f16ToF32>(src, cols, dst); return;
        case TensorType::BF16: dequantizeHalves<bf16ToF32>(src, cols, dst); return;
        case TensorType::Q4_0: dequantizeBlocks<BlockQ4_0>(src, cols, kQ4_0Elements, dst); return;
        case TensorType::Q4_1: dequantizeBlocks<BlockQ4_1>(src, cols, kQ4_1Elements, dst); return;
        case TensorType::Q5_0: dequantizeBlocks<BlockQ5_0>(src, cols, kQ5_0Elements, dst); return;
        case TensorType::Q5_1: dequantizeBlocks<BlockQ5_1>(src, cols, kQ5_1Elements, dst); return;
        case TensorType::Q8_0: dequantizeBlocks<BlockQ8_0>(src, cols, kQ8_0Elements, dst); return;
        case TensorType::Q2_K: dequantizeBlocks<BlockQ2_K>(src, cols, kQ2_KElements, dst); return;
        case TensorType::Q3_K: dequantizeBlocks<BlockQ3_K>(src, cols, kQ3_KElements, dst); return;
        case TensorType::Q4_K: dequantizeBlocks<BlockQ4_K>(src, cols, kQ4_KElements, dst); return;
        case TensorType::Q5_K: dequantizeBlocks<BlockQ5_K>(src, cols, kQ5_KElements, dst); return;
        case TensorType::Q6_K: dequantizeBlocks<BlockQ6_K>(src, cols, kQ6_KElements, dst); return;
        case TensorType::IQ4_NL: dequantizeBlocks<BlockIQ4_NL>(src, cols, kIQ4_NLElements, dst); return;
        case TensorType::IQ4_XS: dequantizeBlocks<BlockIQ4_XS>(src, cols, kIQ4_XSElements, dst); return;
        case TensorType::MXFP4: dequantizeBlocks<BlockMXFP4>(src, cols, kMXFP4Elements, dst); return;
        case TensorType::IQ2_XXS: dequantizeBlocks<BlockIQ2_XXS>(src, cols, kIQ2Elements, dst); return;
        case TensorType::IQ2_XS: dequantizeBlocks<BlockIQ2_XS>(src, cols, kIQ2Elements, dst); return;
        case TensorType::IQ2_S: dequantizeBlocks<BlockIQ2_S>(src, cols, kIQ2Elements, dst); return;
        case TensorType::IQ3_XXS: dequantizeBlocks<BlockIQ3_XXS>(src, cols, kIQ3Elements, dst); return;
        case TensorType::IQ3_S: dequantizeBlocks<BlockIQ3_S>(src, cols, kIQ3Elements, dst); return;
        case TensorType::IQ1_S: dequantizeBlocks<BlockIQ1_S>(src, cols, kIQ1Elements, dst); return;
        case TensorType::IQ1_M: dequantizeBlocks<BlockIQ1_M>(src, cols, kIQ1Elements, dst); return;
        case TensorType::TQ1_0: dequantizeBlocks<BlockTQ1_0>(src, cols, kTQElements, dst); return;
        case TensorType::TQ2_0: dequantizeBlocks<BlockTQ2_0>(src, cols, kTQElements, dst); return;
        case TensorType::NVFP4: dequantizeBlocks<BlockNVFP4>(src, cols, kNVFP4Elements, dst); return;
        default: break;
    }
    // Not readable: the caller broke its promise. NaN cannot be mistaken for a result.
    for (int64_t i = 0; i < cols; ++i) {
        dst[i] = std::numeric_limits<float>::quiet_NaN();
    }
}

}  // namespace quibble::kernels::reference
