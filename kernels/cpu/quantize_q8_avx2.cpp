// Rounding activations to 8-bit blocks.
#include "kernels/cpu/vec_avx2.h"

#include "kernels/cpu/tables.h"

namespace quibble::kernels::avx2 {

namespace {

// Largest magnitude of 32 floats as bits: as unsigned numbers they order finite < infinity < NaN.
uint32_t maxMagnitude(const float* x) {
    const __m256i mask = _mm256_set1_epi32(0x7FFFFFFF);
    __m256i max = _mm256_setzero_si256();
    for (int i = 0; i < 32; i += 8) {
        max =
            _mm256_max_epu32(max, _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i)), mask));
    }
    alignas(32) uint32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), max);
    uint32_t top = 0;
    for (const uint32_t lane : lanes) {
        top = lane > top ? lane : top;
    }
    return top;
}

}  // namespace

void quantizeQ8(const float* x, int64_t cols, std::byte* out) {
    for (int64_t b = 0; b < cols / 32; ++b) {
        const uint32_t bits = maxMagnitude(x + 32 * b);
        float max;
        __builtin_memcpy(&max, &bits, sizeof(max));
        const bool finite = bits < 0x7F800000U;
        const float inverse = 127.0F / max;
        // Zeros for a block that is not finite, is zero, or is so small that the inverse overflows.
        const bool keep = finite && max > 0.0F && inverse <= 3.4028234e38F;
        // Straight to where it belongs: a block that is put together on the stack and copied makes the copy wait for
        // its parts.
        std::byte* block = out + static_cast<size_t>(b) * sizeof(Q8Block);
        int32_t half[2] = {0, 0};
        if (!keep) {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(block), _mm256_setzero_si256());
        }
        for (int i = 0; keep && i < 32; i += 8) {
            const __m256i whole =
                _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 32 * b + i), _mm256_set1_ps(inverse)));
            const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
            _mm_storel_epi64(reinterpret_cast<__m128i*>(block + i), _mm_packs_epi16(words, words));
            __m128i sum = _mm_madd_epi16(words, _mm_set1_epi16(1));
            sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
            sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
            half[i / 16] += _mm_cvtsi128_si32(sum);
        }
        const float d = finite ? max / 127.0F : __builtin_nanf("");
        int32_t d_bits;
        __builtin_memcpy(&d_bits, &d, sizeof(d));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(block + offsetof(Q8Block, d)),
                         _mm_setr_epi32(d_bits, -(half[0] + half[1]), -half[0], -half[1]));
    }
}

}  // namespace quibble::kernels::avx2
