// Rounding activations to 8-bit blocks.
#include "kernels/cpu/vec_avx512.h"

#include "kernels/cpu/tables.h"

namespace quibble::kernels::avx512 {

namespace {

QUIBBLE_INLINE __m512i magnitudeBits(__m512 v) {
    return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7FFFFFFF));
}

QUIBBLE_INLINE __m512i roundCodes(__m512 v, __mmask16 keep, float inverse) {
    return _mm512_maskz_cvtps_epi32(keep, _mm512_mul_ps(v, _mm512_set1_ps(inverse)));
}

}  // namespace

void quantizeQ8(const float* x, int64_t cols, std::byte* out) {
    for (int64_t b = 0; b < cols / 32; ++b) {
        const __m512 low = _mm512_loadu_ps(x + 32 * b);
        const __m512 high = _mm512_loadu_ps(x + 32 * b + 16);
        // As unsigned numbers the bits of magnitudes order finite < infinity < NaN.
        const uint32_t bits = _mm512_reduce_max_epu32(_mm512_max_epu32(magnitudeBits(low), magnitudeBits(high)));
        float max;
        __builtin_memcpy(&max, &bits, sizeof(max));
        const bool finite = bits < 0x7F800000U;
        const float inverse = 127.0F / max;
        // Zeros for a block that is not finite, is zero, or is so small that the inverse overflows.
        const __mmask16 keep = finite && max > 0.0F && inverse <= 3.4028234e38F ? 0xFFFF : 0;
        const __m256i q = _mm256_set_m128i(_mm512_cvtsepi32_epi8(roundCodes(high, keep, inverse)),
                                           _mm512_cvtsepi32_epi8(roundCodes(low, keep, inverse)));
        __m256i sums = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), q);
        sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, _MM_PERM_BADC));
        sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, _MM_PERM_CDAB));
        const int32_t first = _mm256_cvtsi256_si32(sums);
        const int32_t last = _mm_cvtsi128_si32(_mm256_extracti128_si256(sums, 1));
        const float d = finite ? max / 127.0F : __builtin_nanf("");
        int32_t d_bits;
        __builtin_memcpy(&d_bits, &d, sizeof(d));
        // Straight to where it belongs: a block that is put together on the stack and copied makes the copy wait for
        // its parts.
        std::byte* block = out + static_cast<size_t>(b) * sizeof(Q8Block);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(block), q);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(block + offsetof(Q8Block, d)),
                         _mm_setr_epi32(d_bits, -(first + last), -first, -last));
    }
}

}  // namespace quibble::kernels::avx512
