// The avx512 table, and the loops that measure what the machine can do with these registers.
#include "kernels/cpu/vec_avx512.h"

#include "kernels/cpu/tables.h"
#include "kernels/cpu/variants.h"

namespace quibble::kernels::avx512 {

const Ops kOps = tableOf("avx512");

double fmaRounds(int64_t rounds, float* sink) {
    constexpr int kChains = 16;
    __m512 acc[kChains];
    for (int i = 0; i < kChains; ++i) {
        acc[i] = _mm512_set1_ps(static_cast<float>(i));
    }
    const __m512 a = _mm512_set1_ps(0.999F);
    const __m512 b = _mm512_set1_ps(0.001F);
    for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
        for (int i = 0; i < kChains; ++i) {
            acc[i] = _mm512_fmadd_ps(acc[i], a, b);
        }
    }
    for (int i = 0; i < kChains; ++i) {
        *sink += _mm512_cvtss_f32(acc[i]);
    }
    return static_cast<double>(rounds) * kChains * 32.0;
}

double dotRounds(int64_t rounds, int32_t* sink) {
    constexpr int kChains = 16;
    __m512i acc[kChains];
    for (int i = 0; i < kChains; ++i) {
        acc[i] = _mm512_set1_epi32(i);
    }
    const __m512i a = _mm512_set1_epi8(3);
    const __m512i b = _mm512_set1_epi8(5);
    for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
        for (int i = 0; i < kChains; ++i) {
            acc[i] = _mm512_dpbusd_epi32(acc[i], a, b);
        }
    }
    for (int i = 0; i < kChains; ++i) {
        *sink ^= _mm_cvtsi128_si32(_mm512_castsi512_si128(acc[i]));
    }
    return static_cast<double>(rounds) * kChains * 128.0;
}

uint64_t readBytes(const std::byte* data, size_t bytes) {
    __m512i sum[8];
    for (int i = 0; i < 8; ++i) {
        sum[i] = _mm512_setzero_si512();
    }
    for (size_t at = 0; at < bytes; at += 512) {
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; ++i) {
            sum[i] = _mm512_add_epi64(sum[i], _mm512_load_si512(data + at + 64 * i));
        }
    }
    for (int i = 1; i < 8; ++i) {
        sum[0] = _mm512_add_epi64(sum[0], sum[i]);
    }
    return static_cast<uint64_t>(_mm512_reduce_add_epi64(sum[0]));
}

}  // namespace quibble::kernels::avx512
