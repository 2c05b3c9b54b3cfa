// The avx2 table, and the loops that measure what the machine can do with these registers.
#include "kernels/cpu/vec_avx2.h"

#include "kernels/cpu/tables.h"
#include "kernels/cpu/variants.h"

namespace quibble::kernels::avx2 {

const Ops kOps = tableOf("avx2");

double fmaRounds(int64_t rounds, float* sink) {
    constexpr int kChains = 12;
    __m256 acc[kChains];
    for (int i = 0; i < kChains; ++i) {
        acc[i] = _mm256_set1_ps(static_cast<float>(i));
    }
    const __m256 a = _mm256_set1_ps(0.999F);
    const __m256 b = _mm256_set1_ps(0.001F);
    for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
        for (int i = 0; i < kChains; ++i) {
            acc[i] = _mm256_fmadd_ps(acc[i], a, b);
        }
    }
    for (int i = 0; i < kChains; ++i) {
        *sink += _mm256_cvtss_f32(acc[i]);
    }
    return static_cast<double>(rounds) * kChains * 16.0;
}

double dotRounds(int64_t rounds, int32_t* sink) {
    constexpr int kChains = 8;
    __m256i acc[kChains];
    __m256i a[kChains];
    for (int i = 0; i < kChains; ++i) {
        acc[i] = _mm256_set1_epi32(i);
        a[i] = _mm256_set1_epi8(static_cast<char>(i + 1));
    }
    const __m256i b = _mm256_set1_epi8(5);
    const __m256i ones = _mm256_set1_epi16(1);
    for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 8
        for (int i = 0; i < kChains; ++i) {
            __asm__("" : "+x"(a[i]));  // or the product would be made once, before the loop
            acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(_mm256_maddubs_epi16(a[i], b), ones));
        }
    }
    for (int i = 0; i < kChains; ++i) {
        *sink ^= _mm_cvtsi128_si32(_mm256_castsi256_si128(acc[i]));
    }
    return static_cast<double>(rounds) * kChains * 64.0;
}

uint64_t readBytes(const std::byte* data, size_t bytes) {
    __m256i sum[8];
    for (int i = 0; i < 8; ++i) {
        sum[i] = _mm256_setzero_si256();
    }
    for (size_t at = 0; at < bytes; at += 256) {
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; ++i) {
            sum[i] = _mm256_add_epi64(sum[i], _mm256_load_si256(reinterpret_cast<const __m256i*>(data + at + 32 * i)));
        }
    }
    for (int i = 1; i < 8; ++i) {
        sum[0] = _mm256_add_epi64(sum[0], sum[i]);
    }
    alignas(32) uint64_t lanes[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum[0]);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

}  // namespace quibble::kernels::avx2
