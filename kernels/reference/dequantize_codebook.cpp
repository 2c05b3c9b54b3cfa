// Layouts are described at the structs in kernels/formats; every product here is exact in float.
#include "kernels/reference/dequantize_codebook.h"

#include "kernels/formats/codebooks.h"
#include "kernels/formats/half.h"

#include <bit>

namespace quibble::kernels::reference {

namespace {

constexpr int kLevelsIq2[4] = {8, 25, 43, 0};  // the fourth code is in no grid
constexpr int kLevelsIq3Xxs[8] = {4, 12, 20, 28, 36, 44, 52, 62};

// Seven stored signs, and the eighth, which makes the number of minus signs even.
unsigned evenSigns(uint32_t seven) { return seven | (static_cast<unsigned>(std::popcount(seven)) & 1U) << 7; }

float withSign(float value, unsigned signs, int i) { return ((signs >> i) & 1U) != 0 ? -value : value; }

int halfByte(const uint8_t* bytes, int i) { return (bytes[i / 2] >> (4 * (i % 2))) & 15; }

// Eight weights of an IQ2 point.
void pointIq2(uint16_t point, float scale, unsigned signs, float* y) {
    for (int j = 0; j < 8; ++j) {
        y[j] = withSign(scale * static_cast<float>(kLevelsIq2[(point >> (2 * j)) & 3]), signs, j);
    }
}

float scaleIq2(float d, int s) { return d * (0.5F + static_cast<float>(s)) * 0.25F; }

// Eight weights of an IQ1 point.
void pointIq1(uint16_t point, float scale, bool minus, float* y) {
    const float delta = minus ? -0.125F : 0.125F;
    for (int j = 0; j < 8; ++j) {
        y[j] = scale * (static_cast<float>(((point >> (2 * j)) & 3) - 1) + delta);
    }
}

// Digit n of a byte of TQ1_0, read as a fraction in base three.
int trit(uint8_t fraction, int n) {
    constexpr unsigned kPowers[5] = {1, 3, 9, 27, 81};
    const unsigned rest = fraction * kPowers[n] & 255U;
    return static_cast<int>(rest * 3 >> 8) - 1;
}

}  // namespace

void dequantize(const BlockIQ1_S& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int p = 0; p < 32; ++p) {
        const unsigned high = b.qh[p / 4];
        const unsigned index = b.q[p] | ((high >> (3 * (p % 4))) & 7U) << 8;
        const float scale = d * static_cast<float>(2 * ((high >> 12) & 7U) + 1);
        pointIq1(kGridIq1S[index], scale, (high & 0x8000U) != 0, y + 8 * p);
    }
}

void dequantize(const BlockIQ1_M& b, float* y) {
    unsigned joined = 0;
    for (int w = 0; w < 4; ++w) {
        joined |= static_cast<unsigned>(b.scales[w] >> 12) << (4 * w);
    }
    const float d = f16ToF32(static_cast<uint16_t>(joined));
    for (int p = 0; p < 32; ++p) {
        const int high = halfByte(b.qh, p);
        const int g = p / 2;
        const int s = (b.scales[g / 4] >> (3 * (g % 4))) & 7;
        pointIq1(kGridIq1S[b.q[p] | (high & 7) << 8], d * static_cast<float>(2 * s + 1), (high & 8) != 0, y + 8 * p);
    }
}

void dequantize(const BlockIQ2_XXS& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int g = 0; g < 8; ++g) {
        const uint16_t* words = b.q + 4 * g;
        const uint32_t rest = words[2] | static_cast<uint32_t>(words[3]) << 16;
        const float scale = scaleIq2(d, static_cast<int>(rest >> 28));
        for (int p = 0; p < 4; ++p) {
            const int index = (words[p / 2] >> (8 * (p % 2))) & 255;
            pointIq2(kGridIq2Xxs[index], scale, evenSigns((rest >> (7 * p)) & 127U), y + 32 * g + 8 * p);
        }
    }
}

void dequantize(const BlockIQ2_XS& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int p = 0; p < 32; ++p) {
        const float scale = scaleIq2(d, halfByte(b.scales, p / 2));
        pointIq2(kGridIq2Xs[b.q[p] & 511], scale, evenSigns(b.q[p] >> 9), y + 8 * p);
    }
}

void dequantize(const BlockIQ2_S& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int p = 0; p < 32; ++p) {
        const int index = b.q[p] | ((b.qh[p / 4] >> (2 * (p % 4))) & 3) << 8;
        pointIq2(kGridIq2S[index], scaleIq2(d, halfByte(b.scales, p / 2)), b.signs[p], y + 8 * p);
    }
}

void dequantize(const BlockIQ3_XXS& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 256; ++i) {
        const uint8_t* bytes = b.signs + i / 32 * 4;
        const uint32_t rest = bytes[0] | static_cast<uint32_t>(bytes[1]) << 8 | static_cast<uint32_t>(bytes[2]) << 16 |
                              static_cast<uint32_t>(bytes[3]) << 24;
        const float scale = d * (0.5F + static_cast<float>(rest >> 28)) * 0.5F;
        const int code = (kGridIq3Xxs[b.q[i / 4]] >> (4 * (i % 4))) & 7;
        y[i] = withSign(scale * static_cast<float>(kLevelsIq3Xxs[code]), evenSigns((rest >> (7 * (i % 32 / 8))) & 127U),
                        i % 8);
    }
}

void dequantize(const BlockIQ3_S& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 256; ++i) {
        const int p = i / 4;
        const int index = b.q[p] | ((b.qh[p / 8] >> (p % 8)) & 1) << 8;
        const float scale = d * static_cast<float>(2 * halfByte(b.scales, i / 32) + 1);
        const int code = (kGridIq3S[index] >> (4 * (i % 4))) & 7;
        y[i] = withSign(scale * static_cast<float>(2 * code + 1), b.signs[i / 8], i % 8);
    }
}

void dequantize(const BlockTQ1_0& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 160; ++i) {
        y[i] = d * static_cast<float>(trit(b.q[i % 32], i / 32));
    }
    for (int i = 0; i < 80; ++i) {
        y[160 + i] = d * static_cast<float>(trit(b.q[32 + i % 16], i / 16));
    }
    for (int i = 0; i < 16; ++i) {
        y[240 + i] = d * static_cast<float>(trit(b.qh[i % 4], i / 4));
    }
}

void dequantize(const BlockTQ2_0& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 256; ++i) {
        y[i] = d * static_cast<float>(((b.q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3) - 1);
    }
}

}  // namespace quibble::kernels::reference
