// Sixteen floats and eight doubles as pairs of AVX2 registers: the same names, lanes and rounding as vec_avx512.h, so
// that the files that are compiled for each give the same bits. Included only by files compiled for AVX2; everything
// here has internal linkage.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/bytes16_x86.h"

#define QUIBBLE_INLINE inline __attribute__((always_inline))

namespace quibble::kernels {
namespace {

constexpr int kTileRows = 3;  // 3 x 2 elements take 12 of the 16 registers
constexpr int kTileOuts = 2;
constexpr int kStreamOuts = 4;
constexpr int kFetchedOuts = 4;
constexpr bool kCutsRows = false;  // the smaller tiles were slower for it
constexpr int kHeadTile = 2;
constexpr int kScoreTile = 4;
constexpr int kMixVecs = 2;
constexpr int kMixVecsAlone = 4;
constexpr int kBlockQueries = 6;  // of one vector each: 12 of the 16 registers
constexpr int kBlockVecs = 1;

struct Vec {
    __m256 lo;
    __m256 hi;
};
struct Wide {
    __m256d lo;
    __m256d hi;
};

QUIBBLE_INLINE __m256i firstLanesOfEight(int64_t n) {
    const __m256i lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
}

QUIBBLE_INLINE Vec zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
QUIBBLE_INLINE Vec set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
QUIBBLE_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
QUIBBLE_INLINE Vec loadTail(const float* p, int64_t n) {
    return {_mm256_maskload_ps(p, firstLanesOfEight(n)), _mm256_maskload_ps(p + 8, firstLanesOfEight(n - 8))};
}
QUIBBLE_INLINE Vec hold(Vec a) { return a; }  // there are too few registers to insist
QUIBBLE_INLINE void store(float* p, Vec a) {
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
}
QUIBBLE_INLINE void storeTail(float* p, Vec a, int64_t n) {
    _mm256_maskstore_ps(p, firstLanesOfEight(n), a.lo);
    _mm256_maskstore_ps(p + 8, firstLanesOfEight(n - 8), a.hi);
}
QUIBBLE_INLINE Vec keepLanes(Vec a, int64_t n) {
    return {_mm256_and_ps(a.lo, _mm256_castsi256_ps(firstLanesOfEight(n))),
            _mm256_and_ps(a.hi, _mm256_castsi256_ps(firstLanesOfEight(n - 8)))};
}

QUIBBLE_INLINE Vec fma(Vec a, Vec b, Vec c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
QUIBBLE_INLINE Vec fms(Vec a, Vec b, Vec c) {
    return {_mm256_fmsub_ps(a.lo, b.lo, c.lo), _mm256_fmsub_ps(a.hi, b.hi, c.hi)};
}
QUIBBLE_INLINE Vec fnma(Vec a, Vec b, Vec c) {
    return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}
QUIBBLE_INLINE Vec add(Vec a, Vec b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
QUIBBLE_INLINE Vec sub(Vec a, Vec b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
QUIBBLE_INLINE Vec mul(Vec a, Vec b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
QUIBBLE_INLINE Vec div(Vec a, Vec b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
QUIBBLE_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
QUIBBLE_INLINE Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
QUIBBLE_INLINE Vec nearest(Vec a) {
    constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(a.lo, kMode), _mm256_round_ps(a.hi, kMode)};
}

QUIBBLE_INLINE __m256 magnitude(__m256 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a); }
QUIBBLE_INLINE Vec magnitude(Vec a) { return {magnitude(a.lo), magnitude(a.hi)}; }
QUIBBLE_INLINE __m256 halvesAway(__m256 a) {
    const __m256 whole = _mm256_round_ps(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    const __m256 up = _mm256_cmp_ps(magnitude(_mm256_sub_ps(a, whole)), _mm256_set1_ps(0.5F), _CMP_GE_OQ);
    const __m256 one = _mm256_or_ps(_mm256_and_ps(a, _mm256_set1_ps(-0.0F)), _mm256_set1_ps(1.0F));
    return _mm256_add_ps(whole, _mm256_and_ps(up, one));
}
QUIBBLE_INLINE Vec halvesAway(Vec a) { return {halvesAway(a.lo), halvesAway(a.hi)}; }

QUIBBLE_INLINE __m256 powerOfTwo(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
// In two steps, since 2^n itself may be out of range; the first is exact, so there is one rounding.
QUIBBLE_INLINE __m256 scaleByPower(__m256 a, __m256 n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    return _mm256_mul_ps(_mm256_mul_ps(a, powerOfTwo(half)), powerOfTwo(_mm256_sub_epi32(whole, half)));
}
QUIBBLE_INLINE Vec scaleByPower(Vec a, Vec n) { return {scaleByPower(a.lo, n.lo), scaleByPower(a.hi, n.hi)}; }

QUIBBLE_INLINE Vec zeroWhereLess(Vec a, Vec x, Vec y) {
    return {_mm256_and_ps(a.lo, _mm256_cmp_ps(x.lo, y.lo, _CMP_NLT_UQ)),
            _mm256_and_ps(a.hi, _mm256_cmp_ps(x.hi, y.hi, _CMP_NLT_UQ))};
}
QUIBBLE_INLINE bool anyNan(Vec a) {
    const __m256 bad = _mm256_or_ps(_mm256_cmp_ps(a.lo, a.lo, _CMP_UNORD_Q), _mm256_cmp_ps(a.hi, a.hi, _CMP_UNORD_Q));
    return _mm256_movemask_ps(bad) != 0;
}
QUIBBLE_INLINE unsigned equalLanes(Vec a, Vec b) {
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ));
    return static_cast<unsigned>(low) | (static_cast<unsigned>(high) << 8);
}

QUIBBLE_INLINE Vec swapPairs(Vec a) { return {_mm256_permute_ps(a.lo, 0xB1), _mm256_permute_ps(a.hi, 0xB1)}; }
QUIBBLE_INLINE Vec alternate(Vec x, Vec y, Vec z) {
    return {_mm256_fmaddsub_ps(x.lo, y.lo, z.lo), _mm256_fmaddsub_ps(x.hi, y.hi, z.hi)};
}
QUIBBLE_INLINE Vec loadDoubled(const float* p, int64_t n) {
    const __m256 eight = _mm256_maskload_ps(p, firstLanesOfEight(n));
    return {_mm256_permutevar8x32_ps(eight, _mm256_set_epi32(3, 3, 2, 2, 1, 1, 0, 0)),
            _mm256_permutevar8x32_ps(eight, _mm256_set_epi32(7, 7, 6, 6, 5, 5, 4, 4))};
}

QUIBBLE_INLINE __m128 foldToFour(Vec a) {
    const __m256 eight = _mm256_add_ps(a.lo, a.hi);
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}
QUIBBLE_INLINE float sumLanes(Vec a) {
    const __m128 four = foldToFour(a);
    const __m128 two = _mm_hadd_ps(four, four);
    return _mm_cvtss_f32(_mm_hadd_ps(two, two));
}
QUIBBLE_INLINE void sumLanes4(Vec a, Vec b, Vec c, Vec d, float* out) {
    const __m128 ab = _mm_hadd_ps(foldToFour(a), foldToFour(b));
    const __m128 cd = _mm_hadd_ps(foldToFour(c), foldToFour(d));
    _mm_storeu_ps(out, _mm_hadd_ps(ab, cd));
}
QUIBBLE_INLINE void scaledSums(const Vec* a, float scale, float* out) {
    sumLanes4(a[0], a[1], a[2], a[3], out);
    for (int i = 0; i < kScoreTile; ++i) {
        out[i] *= scale;
    }
}
// The first or second half of all lanes of rows [first, first + 8) of a, turned: vector i holds lane i of each.
QUIBBLE_INLINE void transposeEight(const Vec* a, bool second, __m256 (&out)[8]) {
    __m256 pairs[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        const __m256 x = second ? a[i].hi : a[i].lo;
        const __m256 y = second ? a[i + 1].hi : a[i + 1].lo;
        pairs[i] = _mm256_unpacklo_ps(x, y);
        pairs[i + 1] = _mm256_unpackhi_ps(x, y);
    }
    __m256 fours[8];  // half h of fours[4 r + c]: column 4 h + c of rows 4 r .. 4 r + 3
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
        fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xEE);
        fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
        fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xEE);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
        out[c] = _mm256_permute2f128_ps(fours[c], fours[c + 4], 0x20);
        out[c + 4] = _mm256_permute2f128_ps(fours[c], fours[c + 4], 0x31);
    }
}
// Lane i of vector j becomes lane j of vector i.
QUIBBLE_INLINE void transpose(Vec (&a)[16]) {
    __m256 low_low[8];
    __m256 high_low[8];
    __m256 low_high[8];
    __m256 high_high[8];
    transposeEight(a, false, low_low);
    transposeEight(a + 8, false, high_low);
    transposeEight(a, true, low_high);
    transposeEight(a + 8, true, high_high);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
        a[i] = {low_low[i], high_low[i]};
        a[i + 8] = {low_high[i], high_high[i]};
    }
}
QUIBBLE_INLINE float maxLanes(Vec a) {
    const __m256 eight = _mm256_max_ps(a.lo, a.hi);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

struct Halves {
    alignas(32) uint16_t words[16];
};
QUIBBLE_INLINE Halves copyHalves(const std::byte* p, int64_t n) {
    Halves copy = {};
    __builtin_memcpy(copy.words, p, static_cast<size_t>(n) * sizeof(uint16_t));
    return copy;
}
QUIBBLE_INLINE Vec fromF16(const void* p) {
    const std::byte* bytes = static_cast<const std::byte*>(p);
    return {_mm256_cvtph_ps(loadBytes16(bytes)), _mm256_cvtph_ps(loadBytes16(bytes + 16))};
}
QUIBBLE_INLINE __m256 widenBf16(__m128i bits) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
QUIBBLE_INLINE Vec fromBf16(const void* p) {
    const std::byte* bytes = static_cast<const std::byte*>(p);
    return {widenBf16(loadBytes16(bytes)), widenBf16(loadBytes16(bytes + 16))};
}
QUIBBLE_INLINE Vec loadF16(const std::byte* p) { return fromF16(p); }
QUIBBLE_INLINE Vec loadF16Tail(const std::byte* p, int64_t n) {
    const Halves copy = copyHalves(p, n);
    return fromF16(copy.words);
}
QUIBBLE_INLINE Vec loadBf16(const std::byte* p) { return fromBf16(p); }
QUIBBLE_INLINE Vec loadBf16Tail(const std::byte* p, int64_t n) {
    const Halves copy = copyHalves(p, n);
    return fromBf16(copy.words);
}
QUIBBLE_INLINE Vec fromS8(__m128i codes) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(codes, 8)))};
}
QUIBBLE_INLINE Vec fromU8(__m128i codes) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes)),
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(codes, 8)))};
}
QUIBBLE_INLINE Vec loadU8(const uint8_t* p) { return fromU8(loadBytes16(p)); }
QUIBBLE_INLINE Vec loadU8Tail(const uint8_t* p, int64_t n) {
    alignas(16) uint8_t copy[16] = {};
    __builtin_memcpy(copy, p, static_cast<size_t>(n));
    return fromU8(loadBytes16(copy));
}

QUIBBLE_INLINE Vec loadS8(const std::byte* p) { return fromS8(loadBytes16(reinterpret_cast<const uint8_t*>(p))); }
QUIBBLE_INLINE float halfAt(const std::byte* p) {
    uint16_t bits;
    __builtin_memcpy(&bits, p, sizeof(bits));
    return _cvtsh_ss(bits);
}

QUIBBLE_INLINE void storeF16(std::byte* p, Vec a) {
    constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.lo, kMode));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 16), _mm256_cvtps_ph(a.hi, kMode));
}
QUIBBLE_INLINE __m256i roundBf16(__m256 a) {
    const __m256i bits = _mm256_castps_si256(a);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256 nan = _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
    return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(nan)), 16);
}
QUIBBLE_INLINE void storeBf16(std::byte* p, Vec a) {
    const __m256i mixed = _mm256_packus_epi32(roundBf16(a.lo), roundBf16(a.hi));  // per 128 bits
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(mixed, 0xD8));
}
QUIBBLE_INLINE void storeS8(std::byte* p, Vec a) {
    const __m256i mixed = _mm256_packs_epi32(_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi));
    const __m256i words = _mm256_permute4x64_epi64(mixed, 0xD8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}
QUIBBLE_INLINE uint16_t halfOf(float x) {
    return static_cast<uint16_t>(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

QUIBBLE_INLINE Wide widen(__m256 a) {
    return {_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1))};
}
QUIBBLE_INLINE Wide lower(Vec a) { return widen(a.lo); }
QUIBBLE_INLINE Wide upper(Vec a) { return widen(a.hi); }
QUIBBLE_INLINE Wide wideZero() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
QUIBBLE_INLINE Wide wideSet1(double x) { return {_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
QUIBBLE_INLINE Wide fma(Wide a, Wide b, Wide c) {
    return {_mm256_fmadd_pd(a.lo, b.lo, c.lo), _mm256_fmadd_pd(a.hi, b.hi, c.hi)};
}
QUIBBLE_INLINE Wide fnma(Wide a, Wide b, Wide c) {
    return {_mm256_fnmadd_pd(a.lo, b.lo, c.lo), _mm256_fnmadd_pd(a.hi, b.hi, c.hi)};
}
QUIBBLE_INLINE Wide add(Wide a, Wide b) { return {_mm256_add_pd(a.lo, b.lo), _mm256_add_pd(a.hi, b.hi)}; }
QUIBBLE_INLINE Wide sub(Wide a, Wide b) { return {_mm256_sub_pd(a.lo, b.lo), _mm256_sub_pd(a.hi, b.hi)}; }
QUIBBLE_INLINE Wide mul(Wide a, Wide b) { return {_mm256_mul_pd(a.lo, b.lo), _mm256_mul_pd(a.hi, b.hi)}; }
QUIBBLE_INLINE Wide max(Wide a, Wide b) { return {_mm256_max_pd(a.lo, b.lo), _mm256_max_pd(a.hi, b.hi)}; }
QUIBBLE_INLINE Wide min(Wide a, Wide b) { return {_mm256_min_pd(a.lo, b.lo), _mm256_min_pd(a.hi, b.hi)}; }
QUIBBLE_INLINE Wide nearest(Wide a) {
    constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_pd(a.lo, kMode), _mm256_round_pd(a.hi, kMode)};
}
QUIBBLE_INLINE __m256d widePowerOfTwo(__m128i n) {
    const __m256i exponent = _mm256_add_epi64(_mm256_cvtepi32_epi64(n), _mm256_set1_epi64x(1023));
    return _mm256_castsi256_pd(_mm256_slli_epi64(exponent, 52));
}
QUIBBLE_INLINE __m256d scaleByPower(__m256d a, __m256d n) {
    const __m128i whole = _mm256_cvtpd_epi32(n);
    const __m128i half = _mm_srai_epi32(whole, 1);
    return _mm256_mul_pd(_mm256_mul_pd(a, widePowerOfTwo(half)), widePowerOfTwo(_mm_sub_epi32(whole, half)));
}
QUIBBLE_INLINE Wide scaleByPower(Wide a, Wide n) { return {scaleByPower(a.lo, n.lo), scaleByPower(a.hi, n.hi)}; }
QUIBBLE_INLINE Wide zeroWhereLess(Wide a, Wide x, Wide y) {
    return {_mm256_and_pd(a.lo, _mm256_cmp_pd(x.lo, y.lo, _CMP_NLT_UQ)),
            _mm256_and_pd(a.hi, _mm256_cmp_pd(x.hi, y.hi, _CMP_NLT_UQ))};
}
QUIBBLE_INLINE double sumLanes(Wide a) {
    const __m256d four = _mm256_add_pd(a.lo, a.hi);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

}  // namespace
}  // namespace quibble::kernels
