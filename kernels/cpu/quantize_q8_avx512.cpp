// Rounding activations to 8-bit blocks.
#include "kernels/cpu/vec_avx512.h"

#include "kernels/cpu/activations_avx512.h"
#include "kernels/cpu/tables_avx512.h"

namespace quibble::kernels::avx512 {

namespace {

struct Scale {
    float d;
    float inverse;
};

// From the largest magnitude's bits: as unsigned numbers they order finite < infinity < NaN.
QUIBBLE_INLINE Scale scaleOf(uint32_t max_bits) {
    float max;
    __builtin_memcpy(&max, &max_bits, sizeof(max));
    if (max_bits >= 0x7F800000U) {
        return {__builtin_nanf(""), 0.0F};
    }
    const float inverse = 127.0F / max;
    return {max / 127.0F, max > 0.0F && inverse <= 3.4028234e38F ? inverse : 0.0F};
}

QUIBBLE_INLINE __m512i magnitudeBits(__m512 v) {
    return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7FFFFFFF));
}

QUIBBLE_INLINE __m128i roundToBytes(__m512 v, __m512 inverse) {
    return _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(v, inverse)));
}

struct Unit128 {
    alignas(64) Codes128 codes;
    alignas(32) Sums128 sums;
    alignas(16) Scales128 scales;
};

void quantize128(const float* x, int64_t blocks, Unit128& out) {
    const __m512i zeros = _mm512_setzero_si512();
    _mm512_store_si512(out.codes.low, zeros);
    _mm512_store_si512(out.codes.high, zeros);
    for (int64_t j = 0; j < 4; ++j) {
        out.scales.d[j] = 0.0F;
        if (j >= blocks) {
            continue;
        }
        const __m512 a = _mm512_loadu_ps(x + 32 * j);
        const __m512 b = _mm512_loadu_ps(x + 32 * j + 16);
        const Scale s = scaleOf(_mm512_reduce_max_epu32(_mm512_max_epu32(magnitudeBits(a), magnitudeBits(b))));
        const __m512 inverse = _mm512_set1_ps(s.inverse);
        _mm_store_si128(reinterpret_cast<__m128i*>(out.codes.low + 16 * j), roundToBytes(a, inverse));
        _mm_store_si128(reinterpret_cast<__m128i*>(out.codes.high + 16 * j), roundToBytes(b, inverse));
        out.scales.d[j] = s.d;
    }
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i sums = _mm512_dpbusd_epi32(zeros, ones, _mm512_load_si512(out.codes.low));
    sums = _mm512_dpbusd_epi32(sums, ones, _mm512_load_si512(out.codes.high));
    const __m256i words = _mm512_cvtepi32_epi16(_mm512_sub_epi32(zeros, sums));
    _mm256_store_si256(reinterpret_cast<__m256i*>(out.sums.minus_sum), words);
}

// Where group g of 16 activations goes, in units of 16 bytes.
constexpr int8_t kOrderQ4K[16] = {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15};

void quantize256(const float* x, bool q4k, Act256& out) {
    __m512i max = _mm512_setzero_si512();
    for (int g = 0; g < 16; ++g) {
        max = _mm512_max_epu32(max, magnitudeBits(_mm512_loadu_ps(x + 16 * g)));
    }
    const Scale s = scaleOf(_mm512_reduce_max_epu32(max));
    const __m512 inverse = _mm512_set1_ps(s.inverse);
    int16_t sums[16];
    for (int g = 0; g < 16; ++g) {
        const __m128i bytes = roundToBytes(_mm512_loadu_ps(x + 16 * g), inverse);
        const int at = q4k ? kOrderQ4K[g] : g;
        _mm_store_si128(reinterpret_cast<__m128i*>(out.q + 16 * at), bytes);
        sums[g] = static_cast<int16_t>(_mm512_reduce_add_epi32(_mm512_cvtepi8_epi32(bytes)));
    }
    for (int g = 0; g < 16; ++g) {
        out.sums[g] = q4k ? int16_t{0} : sums[g];
    }
    if (q4k) {
        for (int g = 0; g < 8; ++g) {
            out.sums[g < 4 ? 4 + g : 8 + g] = static_cast<int16_t>(sums[2 * g] + sums[2 * g + 1]);
        }
    }
    out.d = s.d;
    for (float& unused : out.unused) {
        unused = 0.0F;
    }
}

}  // namespace

size_t q8RowBytes(int64_t cols, TensorType w) {
    switch (w) {
        case TensorType::Q8_0:
        case TensorType::Q4_0: return static_cast<size_t>((cols + 127) / 128 * kUnitBytes);
        case TensorType::Q4_K:
        case TensorType::Q6_K: return static_cast<size_t>(cols / 256) * sizeof(Act256);
        default: return 0;
    }
}

void quantizeQ8(const float* x, int64_t cols, TensorType w, std::byte* out) {
    if (w == TensorType::Q4_K || w == TensorType::Q6_K) {
        for (int64_t b = 0; b < cols / 256; ++b) {
            Act256 unit;
            quantize256(x + 256 * b, w == TensorType::Q4_K, unit);
            __builtin_memcpy(out + static_cast<size_t>(b) * sizeof(unit), &unit, sizeof(unit));
        }
        return;
    }
    const int64_t units = (cols + 127) / 128;
    std::byte* codes = out;
    std::byte* sums = codes + units * static_cast<int64_t>(sizeof(Codes128));
    std::byte* scales = sums + units * static_cast<int64_t>(sizeof(Sums128));
    for (int64_t u = 0; u < units; ++u) {
        Unit128 unit;
        const int64_t left = cols - 128 * u;
        quantize128(x + 128 * u, left < 128 ? left / 32 : 4, unit);
        __builtin_memcpy(codes + u * static_cast<int64_t>(sizeof(Codes128)), &unit.codes, sizeof(Codes128));
        __builtin_memcpy(sums + u * static_cast<int64_t>(sizeof(Sums128)), &unit.sums, sizeof(Sums128));
        __builtin_memcpy(scales + u * static_cast<int64_t>(sizeof(Scales128)), &unit.scales, sizeof(Scales128));
    }
}

}  // namespace quibble::kernels::avx512
