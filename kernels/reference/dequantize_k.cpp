#include "kernels/reference/dequantize_k.h"

#include "kernels/formats/half.h"

namespace quibble::kernels::reference {

ScaleMin scaleMin(const uint8_t (&scales)[12], int g) {
    if (g < 4) {
        return {scales[g] & 63, scales[g + 4] & 63};
    }
    return {(scales[g + 4] & 15) | ((scales[g - 4] >> 6) << 4), (scales[g + 4] >> 4) | ((scales[g] >> 6) << 4)};
}

void dequantize(const BlockQ2_K& b, float* y) {
    const float d = f16ToF32(b.d);
    const float dmin = f16ToF32(b.dmin);
    for (int i = 0; i < 256; ++i) {
        const int half = i / 128;
        const int q = (b.q[32 * half + i % 32] >> (2 * (i % 128 / 32))) & 3;
        const uint8_t scale = b.scales[i / 16];
        y[i] = d * static_cast<float>(scale & 15) * static_cast<float>(q) - dmin * static_cast<float>(scale >> 4);
    }
}

void dequantize(const BlockQ3_K& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 256; ++i) {
        const int half = i / 128;
        const int quarter = i % 128 / 32;
        const int low = (b.q[32 * half + i % 32] >> (2 * quarter)) & 3;
        const int high = (b.high[i % 32] >> (4 * half + quarter)) & 1;
        const int g = i / 16;
        const int scale_low = g < 8 ? b.scales[g] & 15 : b.scales[g - 8] >> 4;
        const int scale_high = (b.scales[8 + g % 4] >> (2 * (g / 4))) & 3;
        const float scale = d * static_cast<float>((scale_low | (scale_high << 4)) - 32);
        y[i] = scale * static_cast<float>((low | (high << 2)) - 4);
    }
}

void dequantize(const BlockQ4_K& b, float* y) {
    const float d = f16ToF32(b.d);
    const float dmin = f16ToF32(b.dmin);
    for (int g = 0; g < 8; ++g) {
        const ScaleMin s = scaleMin(b.scales, g);
        const float scale = d * static_cast<float>(s.scale);
        const float minimum = dmin * static_cast<float>(s.minimum);
        for (int l = 0; l < 32; ++l) {
            const int q = (b.q[32 * (g / 2) + l] >> (4 * (g % 2))) & 15;
            y[32 * g + l] = scale * static_cast<float>(q) - minimum;
        }
    }
}

void dequantize(const BlockQ5_K& b, float* y) {
    const float d = f16ToF32(b.d);
    const float dmin = f16ToF32(b.dmin);
    for (int g = 0; g < 8; ++g) {
        const ScaleMin s = scaleMin(b.scales, g);
        const float scale = d * static_cast<float>(s.scale);
        const float minimum = dmin * static_cast<float>(s.minimum);
        for (int l = 0; l < 32; ++l) {
            const int low = (b.q[32 * (g / 2) + l] >> (4 * (g % 2))) & 15;
            const int high = (b.qh[l] >> g) & 1;
            y[32 * g + l] = scale * static_cast<float>(low | (high << 4)) - minimum;
        }
    }
}

void dequantize(const BlockQ6_K& b, float* y) {
    const float d = f16ToF32(b.d);
    for (int i = 0; i < 256; ++i) {
        const int half = i / 128;
        const int within = i % 128;
        const int low = (b.ql[64 * half + within % 64] >> (4 * (within / 64))) & 15;
        const int high = (b.qh[32 * half + within % 32] >> (2 * (within / 32))) & 3;
        y[i] = d * static_cast<float>(b.scales[i / 16]) * static_cast<float>((low | (high << 4)) - 32);
    }
}

}  // namespace quibble::kernels::reference
