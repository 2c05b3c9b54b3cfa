// Floats to blocks. The rounding rules are the public ones of each format: ties and order of operations matter, since
// the bytes are compared with golden files.
#include "kernels/quantize.h"

#include "kernels/formats/e2m1.h"
#include "kernels/formats/half.h"
#include "kernels/formats/mxfp4.h"
#include "kernels/formats/q4_0.h"
#include "kernels/formats/q4_1.h"
#include "kernels/formats/q5_0.h"
#include "kernels/formats/q5_1.h"
#include "kernels/formats/q8_0.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace quibble::kernels {

namespace {

// The value of largest magnitude, with its sign (the first of equals).
float largest(const float* x) {
    float magnitude = 0.0F;
    float value = 0.0F;
    for (int i = 0; i < 32; ++i) {
        if (std::fabs(x[i]) > magnitude) {
            magnitude = std::fabs(x[i]);
            value = x[i];
        }
    }
    return value;
}

float inverseOf(float d) { return d != 0.0F ? 1.0F / d : 0.0F; }

// These formats round by adding a half and cutting off what stands behind the point.
int rounded(float shifted, int top) { return std::min(top, static_cast<int>(shifted)); }

void quantize(const float* x, BlockQ8_0& b) {
    if (!std::all_of(x, x + 32, [](float value) { return std::isfinite(value); })) {
        b.d = 0x7E00;  // NaN
        std::fill(std::begin(b.q), std::end(b.q), int8_t{0});
        return;
    }
    const float d = std::fabs(largest(x)) / 127.0F;
    // A scale so small that it has no inverse is 0 in F16.
    const float inverse = std::isfinite(inverseOf(d)) ? inverseOf(d) : 0.0F;
    b.d = f32ToF16(d);
    for (int i = 0; i < 32; ++i) {
        b.q[i] = static_cast<int8_t>(std::round(x[i] * inverse));
    }
}

void packFifthBits(const int (&codes)[32], uint8_t (&qh)[4]) {
    std::fill(std::begin(qh), std::end(qh), uint8_t{0});
    for (int i = 0; i < 32; ++i) {
        qh[i / 8] = static_cast<uint8_t>(qh[i / 8] | ((codes[i] >> 4) << (i % 8)));
    }
}

void packNibbles(const int (&codes)[32], uint8_t (&q)[16]) {
    for (int i = 0; i < 16; ++i) {
        q[i] = static_cast<uint8_t>((codes[i] & 15) | ((codes[i + 16] & 15) << 4));
    }
}

// Codes 0 .. 2 * half - 1 with `half` meaning zero: the largest weight takes the lowest code.
float signedCodes(const float* x, int half, int (&codes)[32]) {
    const float d = largest(x) / static_cast<float>(-half);
    const float inverse = inverseOf(d);
    for (int i = 0; i < 32; ++i) {
        codes[i] = rounded(x[i] * inverse + (static_cast<float>(half) + 0.5F), 2 * half - 1);
    }
    return d;
}

struct ScaleAndMinimum {
    float d;
    float m;
};

ScaleAndMinimum rangeCodes(const float* x, int top, int (&codes)[32]) {
    const auto [low, high] = std::minmax_element(x, x + 32);
    const float d = (*high - *low) / static_cast<float>(top);
    const float inverse = inverseOf(d);
    for (int i = 0; i < 32; ++i) {
        codes[i] = rounded((x[i] - *low) * inverse + 0.5F, top);
    }
    return {d, *low};
}

void quantize(const float* x, BlockQ4_0& b) {
    int codes[32];
    b.d = f32ToF16(signedCodes(x, 8, codes));
    packNibbles(codes, b.q);
}

void quantize(const float* x, BlockQ5_0& b) {
    int codes[32];
    b.d = f32ToF16(signedCodes(x, 16, codes));
    packNibbles(codes, b.q);
    packFifthBits(codes, b.qh);
}

void quantize(const float* x, BlockQ4_1& b) {
    int codes[32];
    const ScaleAndMinimum s = rangeCodes(x, 15, codes);
    b.d = f32ToF16(s.d);
    b.m = f32ToF16(s.m);
    packNibbles(codes, b.q);
}

void quantize(const float* x, BlockQ5_1& b) {
    int codes[32];
    const ScaleAndMinimum s = rangeCodes(x, 31, codes);
    b.d = f32ToF16(s.d);
    b.m = f32ToF16(s.m);
    packNibbles(codes, b.q);
    packFifthBits(codes, b.qh);
}

// The shared power of two puts the largest weight among the codes 4 and 6, the upper octave of E2M1; what lies beyond 6
// becomes 6. Of two codes that are equally near the smaller wins.
void quantize(const float* x, BlockMXFP4& b) {
    const float top = std::fabs(largest(x));
    const int exponent = top > 0.0F ? static_cast<int>(std::floor(std::log2(top))) - 2 : -127;
    b.e = static_cast<uint8_t>(std::clamp(exponent + 127, 0, 254));
    const float scale = std::ldexp(1.0F, b.e - 127);
    int codes[32];
    for (int i = 0; i < 32; ++i) {
        int nearest = 0;
        for (int code = 1; code < 8; ++code) {
            if (std::fabs(kE2m1Magnitudes[code] * scale - std::fabs(x[i])) <
                std::fabs(kE2m1Magnitudes[nearest] * scale - std::fabs(x[i])))
                nearest = code;
        }
        codes[i] = nearest != 0 && std::signbit(x[i]) ? nearest | 8 : nearest;
    }
    packNibbles(codes, b.q);
}

template <class Block>
void quantizeBlocks(const float* src, int64_t cols, std::byte* dst) {
    for (int64_t b = 0; b < cols / 32; ++b) {
        Block block{};
        quantize(src + 32 * b, block);
        std::memcpy(dst + static_cast<size_t>(b) * sizeof(Block), &block, sizeof(Block));
    }
}

template <uint16_t (*kConvert)(float)>
void quantizeHalves(const float* src, int64_t cols, std::byte* dst) {
    for (int64_t i = 0; i < cols; ++i) {
        const uint16_t bits = kConvert(src[i]);
        std::memcpy(dst + 2 * i, &bits, sizeof(bits));
    }
}

}  // namespace

bool canQuantize(TensorType type) {
    switch (type) {
        case TensorType::F32:
        case TensorType::F16:
        case TensorType::BF16:
        case TensorType::Q8_0:
        case TensorType::Q4_0:
        case TensorType::Q4_1:
        case TensorType::Q5_0:
        case TensorType::Q5_1:
        case TensorType::MXFP4: return true;
        default: return false;
    }
}

void quantizeRow(TensorType type, const float* src, int64_t cols, std::byte* dst) {
    if (cols == 0) {
        return;  // both pointers may be null then
    }
    switch (type) {
        case TensorType::F32: std::memcpy(dst, src, static_cast<size_t>(cols) * sizeof(float)); return;
        case TensorType::F16: quantizeHalves<f32ToF16>(src, cols, dst); return;
        case TensorType::BF16: quantizeHalves<f32ToBf16>(src, cols, dst); return;
        case TensorType::Q8_0: quantizeBlocks<BlockQ8_0>(src, cols, dst); return;
        case TensorType::Q4_0: quantizeBlocks<BlockQ4_0>(src, cols, dst); return;
        case TensorType::Q4_1: quantizeBlocks<BlockQ4_1>(src, cols, dst); return;
        case TensorType::Q5_0: quantizeBlocks<BlockQ5_0>(src, cols, dst); return;
        case TensorType::Q5_1: quantizeBlocks<BlockQ5_1>(src, cols, dst); return;
        case TensorType::MXFP4: quantizeBlocks<BlockMXFP4>(src, cols, dst); return;
        default: return;
    }
}

}  // namespace quibble::kernels
