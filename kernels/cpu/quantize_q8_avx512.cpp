// Rounding activations to 8-bit blocks.
#include "kernels/cpu/vec_avx512.h"

#include "kernels/cpu/tables.h"

namespace quibble::kernels::avx512 {

namespace {

QUIBBLE_INLINE __m512i magnitudeBits(__m512 v) { return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7FFFFFFF)); }

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
        const __m512i first = roundCodes(low, keep, inverse);
        const __m512i last = roundCodes(high, keep, inverse);
        Q8Block block;
        _mm_storeu_si128(reinterpret_cast<__m128i*>(block.q), _mm512_cvtsepi32_epi8(first));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(block.q + 16), _mm512_cvtsepi32_epi8(last));
        block.d = finite ? max / 127.0F : __builtin_nanf("");
        block.minus_half[0] = -_mm512_reduce_add_epi32(first);
        block.minus_half[1] = -_mm512_reduce_add_epi32(last);
        block.minus_sum = block.minus_half[0] + block.minus_half[1];
        __builtin_memcpy(out + static_cast<size_t>(b) * sizeof(block), &block, sizeof(block));
    }
}

}  // namespace quibble::kernels::avx512
