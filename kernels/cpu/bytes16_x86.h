// Sixteen bytes as an SSE register: what vec_avx2.h and vec_avx512.h share. Everything here has internal linkage.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace quibble::kernels {
namespace {

using Bytes16 = __m128i;

inline __attribute__((always_inline)) Bytes16 loadBytes16(const void* p) {
    return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
inline __attribute__((always_inline)) Bytes16 lowHalves(Bytes16 a) { return _mm_and_si128(a, _mm_set1_epi8(15)); }
inline __attribute__((always_inline)) Bytes16 highHalves(Bytes16 a) { return lowHalves(_mm_srli_epi16(a, 4)); }
// Bits [2 n, 2 n + 2) of each byte, as bits 4 and 5.
inline __attribute__((always_inline)) Bytes16 pairOfBitsAtFour(Bytes16 a, int n) {
    const __m128i two = _mm_and_si128(_mm_srl_epi16(a, _mm_cvtsi32_si128(2 * n)), _mm_set1_epi8(3));
    return _mm_slli_epi16(two, 4);
}
inline __attribute__((always_inline)) Bytes16 joinBits(Bytes16 a, Bytes16 b) { return _mm_or_si128(a, b); }
inline __attribute__((always_inline)) Bytes16 lessBytes(Bytes16 a, char n) { return _mm_sub_epi8(a, _mm_set1_epi8(n)); }

}  // namespace
}  // namespace quibble::kernels
