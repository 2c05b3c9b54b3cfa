// The pieces of packed_body.h for AVX2.
#pragma once

#include "kernels/cpu/vec_avx2.h"

#include "kernels/packing/layout.h"

namespace quibble::kernels {
namespace {

struct Bytes {
    __m256i lo;
    __m256i hi;
};
using Ints = Bytes;
constexpr int kPanelsTogether = 1;

QUIBBLE_INLINE Bytes loadBytes64(const std::byte* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}

template <int kMask>
QUIBBLE_INLINE Bytes keepBits(Bytes a) {
    const __m256i mask = _mm256_set1_epi8(kMask);
    return {_mm256_and_si256(a.lo, mask), _mm256_and_si256(a.hi, mask)};
}
template <int kMask>
QUIBBLE_INLINE Bytes addBits(Bytes a, Bytes b) {
    const Bytes kept = keepBits<kMask>(b);
    return {_mm256_or_si256(a.lo, kept.lo), _mm256_or_si256(a.hi, kept.hi)};
}
template <int kBy>
QUIBBLE_INLINE Bytes moveBits(Bytes a) {
    if constexpr (kBy > 0) {
        return {_mm256_slli_epi16(a.lo, kBy), _mm256_slli_epi16(a.hi, kBy)};
    } else if constexpr (kBy < 0) {
        return {_mm256_srli_epi16(a.lo, -kBy), _mm256_srli_epi16(a.hi, -kBy)};
    } else {
        return a;
    }
}
template <class Table>
QUIBBLE_INLINE Bytes loadCodeTable(const Table& table) {
    const __m256i both = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table.values)));
    return {both, both};
}
QUIBBLE_INLINE Bytes lookUp(Bytes table, Bytes codes) {
    return {_mm256_shuffle_epi8(table.lo, codes.lo), _mm256_shuffle_epi8(table.hi, codes.hi)};
}

// Codes that take a whole byte would overflow the 16-bit sums of maddubs: they are multiplied as signed numbers, by
// magnitude and sign.
template <PackedFormat F>
constexpr bool kSignedCodes = F.offset_shift == 7;

template <PackedFormat F>
QUIBBLE_INLINE Bytes prepareCodes(Bytes q) {
    if constexpr (kSignedCodes<F>) {
        const __m256i top = _mm256_set1_epi8(-128);
        return {_mm256_xor_si256(q.lo, top), _mm256_xor_si256(q.hi, top)};
    } else {
        return q;
    }
}

QUIBBLE_INLINE __m256i wordAt(const std::byte* p) {
    int32_t word;
    __builtin_memcpy(&word, p, sizeof(word));
    return _mm256_set1_epi32(word);
}

QUIBBLE_INLINE __m256i joinPairs(__m256i sum, __m256i pairs) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

// Exact also for -128 among the weights, since activations stop at 127.
QUIBBLE_INLINE __m256i signedPairs(__m256i w, __m256i x) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}

// How many products of maddubs (2 * 127 * the largest code) 16-bit sums hold.
template <PackedFormat F>
constexpr int kExactSums = F.low_bits + F.high_bits >= 6                                ? 2
                           : F.low_bits + F.high_bits == 5 || F.table == CodeTable::Fp4 ? 4
                                                                                        : 8;

template <PackedFormat F, int kFirst, int kCount>
QUIBBLE_INLINE Ints dotCodes(const Bytes* q, const std::byte* x, const std::byte* minus_sum) {
    if constexpr (kSignedCodes<F>) {
        Ints dot = {_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 8
        for (int j = kFirst; j < kFirst + kCount; ++j) {
            const __m256i four = wordAt(x + 4 * j);
            dot.lo = joinPairs(dot.lo, signedPairs(q[j].lo, four));
            dot.hi = joinPairs(dot.hi, signedPairs(q[j].hi, four));
        }
        return dot;
    } else {
        constexpr int kSteps = kExactSums<F> < kCount ? kExactSums<F> : kCount;
        const __m256i start =
            F.offset_shift > 0 ? _mm256_slli_epi32(wordAt(minus_sum), F.offset_shift) : _mm256_setzero_si256();
        Ints dot = {start, start};
#pragma GCC unroll 8
        for (int j = kFirst; j < kFirst + kCount; j += kSteps) {
            Bytes pairs = {_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 8
            for (int i = j; i < j + kSteps; ++i) {
                const __m256i four = wordAt(x + 4 * i);
                pairs.lo = _mm256_add_epi16(pairs.lo, _mm256_maddubs_epi16(q[i].lo, four));
                pairs.hi = _mm256_add_epi16(pairs.hi, _mm256_maddubs_epi16(q[i].hi, four));
            }
            dot.lo = joinPairs(dot.lo, pairs.lo);
            dot.hi = joinPairs(dot.hi, pairs.hi);
        }
        return dot;
    }
}

template <PackedFormat F, int kPanels>
constexpr int kRowsTogether = 1;

QUIBBLE_INLINE Vec toFloats(Ints a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
QUIBBLE_INLINE Vec broadcastInt(const std::byte* p) {
    const __m256 eight = _mm256_cvtepi32_ps(wordAt(p));
    return {eight, eight};
}
QUIBBLE_INLINE Vec broadcast(const std::byte* p) {
    const __m256 eight = _mm256_castsi256_ps(wordAt(p));
    return {eight, eight};
}

QUIBBLE_INLINE __m256 powersOf(__m128i bytes) {
    const __m256i e = _mm256_cvtepu8_epi32(bytes);
    const __m256i bits = _mm256_max_epu32(_mm256_slli_epi32(e, 23), _mm256_set1_epi32(0x00400000));
    const __m256i nan = _mm256_and_si256(_mm256_cmpeq_epi32(e, _mm256_set1_epi32(255)), _mm256_set1_epi32(0x7FC00000));
    return _mm256_mul_ps(_mm256_castsi256_ps(_mm256_or_si256(bits, nan)), _mm256_set1_ps(0.5F));
}
QUIBBLE_INLINE Vec loadPowers(const std::byte* p) {
    const __m128i bytes = loadBytes16(p);
    return {powersOf(bytes), powersOf(_mm_srli_si128(bytes, 8))};
}

}  // namespace
}  // namespace quibble::kernels
