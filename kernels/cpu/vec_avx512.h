// Sixteen floats and eight doubles as AVX-512 registers. Included only by files compiled for AVX-512; everything here
// has internal linkage, so nothing of it can be picked up by a file compiled for less. vec_avx2.h offers the same names
// with the same rounding, and vec_portable.h too, so that the files that are compiled for each give the same bits on
// all.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/bytes16_x86.h"

#define QUIBBLE_INLINE inline __attribute__((always_inline))

namespace quibble::kernels {
namespace {

constexpr int kTileRows = 6;  // rows of x a matmul tile holds: 6 x 4 elements take 24 of the 32 registers
constexpr int kTileOuts = 4;
constexpr int kStreamOuts = 8;    // outputs that a single row of x takes at a time
constexpr int kFetchedOuts = 4;   // ... where each row of weights is fetched ahead by itself
constexpr bool kCutsRows = true;  // long rows of activations are cut into chunks (matmul.cpp)
constexpr int kHeadTile = 4;      // query heads, of one row or several, that attention takes at a time
constexpr int kScoreTile = 16;    // ... and their scores
constexpr int kMixVecs = 4;       // ... and vectors of a value
constexpr int kMixVecsAlone = 8;  // the same for a single head
constexpr int kBlockQueries =
    6;  // query heads that share an unpacked block (attention_blocks.h): 6 x 4 sums take 24 of the 32 registers
constexpr int kBlockVecs = 4;  // ... and its vectors

struct Vec {
    __m512 v;
};
struct Wide {
    __m512d v;
};

QUIBBLE_INLINE __mmask16 firstLanes(int64_t n) { return static_cast<__mmask16>((1U << static_cast<unsigned>(n)) - 1U); }

QUIBBLE_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
QUIBBLE_INLINE Vec set1(float x) { return {_mm512_set1_ps(x)}; }
QUIBBLE_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
// n < 16 lanes, the others zero; nothing beyond them is touched.
QUIBBLE_INLINE Vec loadTail(const float* p, int64_t n) { return {_mm512_maskz_loadu_ps(firstLanes(n), p)}; }
// a in a register: without this the compiler loads it again for every product that it takes part in.
QUIBBLE_INLINE Vec hold(Vec a) {
    __asm__("" : "+v"(a.v));
    return a;
}
QUIBBLE_INLINE void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
QUIBBLE_INLINE void storeTail(float* p, Vec a, int64_t n) { _mm512_mask_storeu_ps(p, firstLanes(n), a.v); }
QUIBBLE_INLINE Vec keepLanes(Vec a, int64_t n) { return {_mm512_maskz_mov_ps(firstLanes(n), a.v)}; }

QUIBBLE_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
QUIBBLE_INLINE Vec fms(Vec a, Vec b, Vec c) { return {_mm512_fmsub_ps(a.v, b.v, c.v)}; }    // a b - c
QUIBBLE_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }  // c - a b
QUIBBLE_INLINE Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
QUIBBLE_INLINE Vec sub(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
QUIBBLE_INLINE Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
QUIBBLE_INLINE Vec div(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
// b when either is NaN
QUIBBLE_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
QUIBBLE_INLINE Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
QUIBBLE_INLINE Vec nearest(Vec a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
QUIBBLE_INLINE Vec magnitude(Vec a) { return {_mm512_abs_ps(a.v)}; }
// The whole number next to a, halves away from zero; |a| < 2^23.
QUIBBLE_INLINE Vec halvesAway(Vec a) {
    const __m512 whole = _mm512_roundscale_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    const __mmask16 up = _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_sub_ps(a.v, whole)), _mm512_set1_ps(0.5F), _CMP_GE_OQ);
    const __m512 one = _mm512_or_ps(_mm512_and_ps(a.v, _mm512_set1_ps(-0.0F)), _mm512_set1_ps(1.0F));
    return {_mm512_mask_add_ps(whole, up, whole, one)};
}
// a * 2^n for integral n
QUIBBLE_INLINE Vec scaleByPower(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }
// a where x >= y or either is NaN, else 0
QUIBBLE_INLINE Vec zeroWhereLess(Vec a, Vec x, Vec y) {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, y.v, _CMP_NLT_UQ), a.v)};
}
QUIBBLE_INLINE bool anyNan(Vec a) { return _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q) != 0; }
// Bit i: lane i equals b's
QUIBBLE_INLINE unsigned equalLanes(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ); }

// Pairs (a, b), (c, d) ...: swap gives (b, a), (d, c) ...; alternate gives x y - z in even lanes, x y + z in odd ones.
QUIBBLE_INLINE Vec swapPairs(Vec a) { return {_mm512_permute_ps(a.v, 0xB1)}; }
QUIBBLE_INLINE Vec alternate(Vec x, Vec y, Vec z) { return {_mm512_fmaddsub_ps(x.v, y.v, z.v)}; }
// n <= 8 floats, each in two neighbouring lanes
QUIBBLE_INLINE Vec loadDoubled(const float* p, int64_t n) {
    const __m512i index = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    const __m512 eight = _mm512_maskz_loadu_ps(firstLanes(n), p);
    return {_mm512_permutexvar_ps(index, eight)};
}

// The sum's tree: lanes i and i + 8, then i and i + 4, then neighbours, then the two pairs.
QUIBBLE_INLINE __m128 foldToFour(Vec a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
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
// What sumLanes gives for each of sixteen, times scale. Pairs of vectors share the additions of each step of its tree.
QUIBBLE_INLINE __m512 foldHalves(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
}
QUIBBLE_INLINE __m512 foldQuarters(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}
QUIBBLE_INLINE __m512 foldPairs(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
}
QUIBBLE_INLINE void scaledSums(const Vec* a, float scale, float* out) {
    __m512 four[4];  // of a[i], a[i + 4], a[i + 8] and a[i + 12], four lanes of each
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        four[i] = foldQuarters(foldHalves(a[i].v, a[i + 4].v), foldHalves(a[i + 8].v, a[i + 12].v));
    }
    const __m512 sums = foldPairs(foldPairs(four[0], four[1]), foldPairs(four[2], four[3]));
    _mm512_storeu_ps(out, _mm512_mul_ps(sums, _mm512_set1_ps(scale)));
}
// Lane i of vector j becomes lane j of vector i.
QUIBBLE_INLINE void transpose(Vec (&a)[16]) {
    __m512 pairs[16];  // 32-bit lanes of two neighbouring rows in turns
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_ps(a[i].v, a[i + 1].v);
        pairs[i + 1] = _mm512_unpackhi_ps(a[i].v, a[i + 1].v);
    }
    __m512 fours[16];  // quarter q of fours[4 r + c]: column 4 q + c of rows 4 r .. 4 r + 3
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        const auto joined = [&](int x, int y, int half) {
            const __m512d p = _mm512_castps_pd(pairs[i + x]);
            const __m512d q = _mm512_castps_pd(pairs[i + y]);
            return _mm512_castpd_ps(half == 0 ? _mm512_unpacklo_pd(p, q) : _mm512_unpackhi_pd(p, q));
        };
        fours[i] = joined(0, 2, 0);
        fours[i + 1] = joined(0, 2, 1);
        fours[i + 2] = joined(1, 3, 0);
        fours[i + 3] = joined(1, 3, 1);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
        const __m512 low_even = _mm512_shuffle_f32x4(fours[c], fours[c + 4], 0x88);  // quarters 0 and 2 of both
        const __m512 low_odd = _mm512_shuffle_f32x4(fours[c], fours[c + 4], 0xDD);
        const __m512 high_even = _mm512_shuffle_f32x4(fours[c + 8], fours[c + 12], 0x88);
        const __m512 high_odd = _mm512_shuffle_f32x4(fours[c + 8], fours[c + 12], 0xDD);
        a[c].v = _mm512_shuffle_f32x4(low_even, high_even, 0x88);
        a[c + 8].v = _mm512_shuffle_f32x4(low_even, high_even, 0xDD);
        a[c + 4].v = _mm512_shuffle_f32x4(low_odd, high_odd, 0x88);
        a[c + 12].v = _mm512_shuffle_f32x4(low_odd, high_odd, 0xDD);
    }
}
// Any order does: max of numbers has no rounding. NaN lanes are the caller's business.
QUIBBLE_INLINE float maxLanes(Vec a) { return _mm512_reduce_max_ps(a.v); }

// Sixteen (or n < 16, others zero) stored numbers as floats, exactly.
QUIBBLE_INLINE Vec loadF16(const std::byte* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
QUIBBLE_INLINE Vec loadF16Tail(const std::byte* p, int64_t n) {
    return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(firstLanes(n), p))};
}
QUIBBLE_INLINE Vec fromBf16(__m256i bits) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
}
QUIBBLE_INLINE Vec loadBf16(const std::byte* p) {
    return fromBf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
QUIBBLE_INLINE Vec loadBf16Tail(const std::byte* p, int64_t n) {
    return fromBf16(_mm256_maskz_loadu_epi16(firstLanes(n), p));
}
QUIBBLE_INLINE Vec loadU8(const uint8_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
QUIBBLE_INLINE Vec loadU8Tail(const uint8_t* p, int64_t n) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(firstLanes(n), p)))};
}
QUIBBLE_INLINE Vec fromS8(__m128i codes) { return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes))}; }
QUIBBLE_INLINE Vec fromU8(__m128i codes) { return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(codes))}; }

QUIBBLE_INLINE Vec loadS8(const std::byte* p) { return fromS8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
QUIBBLE_INLINE float halfAt(const std::byte* p) {
    uint16_t bits;
    __builtin_memcpy(&bits, p, sizeof(bits));
    return _cvtsh_ss(bits);
}

// Sixteen numbers to storage, rounded to nearest even; storeS8 takes whole numbers in [-128, 127].
QUIBBLE_INLINE void storeF16(std::byte* p, Vec a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
QUIBBLE_INLINE void storeBf16(std::byte* p, Vec a) {
    const __m512i bits = _mm512_castps_si512(a.v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __m512i chosen = _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q), quiet);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16)));
}
QUIBBLE_INLINE void storeS8(std::byte* p, Vec a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(a.v)));
}
QUIBBLE_INLINE uint16_t halfOf(float x) {
    return static_cast<uint16_t>(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

// Doubles: the lower and upper eight lanes of a Vec.
QUIBBLE_INLINE Wide lower(Vec a) { return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v))}; }
QUIBBLE_INLINE Wide upper(Vec a) { return {_mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))}; }
QUIBBLE_INLINE Wide wideZero() { return {_mm512_setzero_pd()}; }
QUIBBLE_INLINE Wide wideSet1(double x) { return {_mm512_set1_pd(x)}; }
QUIBBLE_INLINE Wide fma(Wide a, Wide b, Wide c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
QUIBBLE_INLINE Wide fnma(Wide a, Wide b, Wide c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
QUIBBLE_INLINE Wide add(Wide a, Wide b) { return {_mm512_add_pd(a.v, b.v)}; }
QUIBBLE_INLINE Wide sub(Wide a, Wide b) { return {_mm512_sub_pd(a.v, b.v)}; }
QUIBBLE_INLINE Wide mul(Wide a, Wide b) { return {_mm512_mul_pd(a.v, b.v)}; }
QUIBBLE_INLINE Wide max(Wide a, Wide b) { return {_mm512_max_pd(a.v, b.v)}; }
QUIBBLE_INLINE Wide min(Wide a, Wide b) { return {_mm512_min_pd(a.v, b.v)}; }
QUIBBLE_INLINE Wide nearest(Wide a) {
    return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
QUIBBLE_INLINE Wide scaleByPower(Wide a, Wide n) { return {_mm512_scalef_pd(a.v, n.v)}; }
QUIBBLE_INLINE Wide zeroWhereLess(Wide a, Wide x, Wide y) {
    return {_mm512_maskz_mov_pd(_mm512_cmp_pd_mask(x.v, y.v, _CMP_NLT_UQ), a.v)};
}
// Lanes i and i + 4, then i and i + 2, then the last two.
QUIBBLE_INLINE double sumLanes(Wide a) {
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

}  // namespace
}  // namespace quibble::kernels
