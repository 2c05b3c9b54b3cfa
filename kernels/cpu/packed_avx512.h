// The pieces of packed_body.h for AVX-512 with VNNI.
#pragma once

#include "kernels/cpu/vec_avx512.h"

#include "kernels/packing/layout.h"

namespace quibble::kernels {
namespace {

using Bytes = __m512i;
using Ints = __m512i;
constexpr int kPanelsTogether = 2;

QUIBBLE_INLINE Bytes loadBytes64(const std::byte* p) { return _mm512_loadu_si512(p); }

template <int kMask>
QUIBBLE_INLINE Bytes keepBits(Bytes a) {
    return _mm512_and_si512(a, _mm512_set1_epi8(kMask));
}
// a | (b & mask)
template <int kMask>
QUIBBLE_INLINE Bytes addBits(Bytes a, Bytes b) {
    return _mm512_ternarylogic_epi64(a, b, _mm512_set1_epi8(kMask), 0xF8);
}
// Bits of each byte move up by kBy (down if negative); bits of neighbours come in and are masked away by the caller.
template <int kBy>
QUIBBLE_INLINE Bytes moveBits(Bytes a) {
    if constexpr (kBy > 0) {
        return _mm512_slli_epi16(a, kBy);
    } else if constexpr (kBy < 0) {
        return _mm512_srli_epi16(a, -kBy);
    } else {
        return a;
    }
}
template <class Table>
QUIBBLE_INLINE Bytes loadCodeTable(const Table& table) {
    return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(table.values)));
}
QUIBBLE_INLINE Bytes lookUp(Bytes table, Bytes codes) { return _mm512_shuffle_epi8(table, codes); }

template <PackedFormat F>
QUIBBLE_INLINE Bytes prepareCodes(Bytes q) {
    return q;
}

// A 32-bit word of memory in every lane.
QUIBBLE_INLINE __m512i wordAt(const std::byte* p) {
    int32_t word;
    __builtin_memcpy(&word, p, sizeof(word));
    return _mm512_set1_epi32(word);
}

// sum over registers [kFirst, kFirst + kCount) of (code - offset) * activation
template <PackedFormat F, int kFirst, int kCount>
QUIBBLE_INLINE Ints dotCodes(const Bytes* q, const std::byte* x, const std::byte* minus_sum) {
    Ints dot = F.offset_shift > 0 ? _mm512_slli_epi32(wordAt(minus_sum), F.offset_shift) : _mm512_setzero_si512();
#pragma GCC unroll 8
    for (int j = kFirst; j < kFirst + kCount; ++j) {
        dot = _mm512_dpbusd_epi32(dot, q[j], wordAt(x + 4 * j));
    }
    return dot;
}

// Eight sums in a row that do not wait for one another keep two units busy whose results take four or five cycles.
// Where 16 weights share a scale a row has two short sums of its own for each panel, and strips of rows were slower.
template <PackedFormat F, int kPanels>
constexpr int kRowsTogether = F.sub_width == 32 ? 8 / kPanels : 1;

// dotCodes of all of a block, for kRows rows and kPanels panels.
template <PackedFormat F, class Block, int kRows, int kPanels>
QUIBBLE_INLINE void dotRows(const Block* w, const std::byte* x, size_t stride, Ints (&dots)[kRows][kPanels]) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
        Ints start = _mm512_setzero_si512();
        if constexpr (F.offset_shift > 0) {
            const std::byte* minus_sum = x + static_cast<size_t>(i) * stride + offsetof(Q8Block, minus_sum);
            start = _mm512_slli_epi32(wordAt(minus_sum), F.offset_shift);
        }
#pragma GCC unroll 2
        for (int p = 0; p < kPanels; ++p) {
            dots[i][p] = start;
        }
    }
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) {
            const __m512i four = wordAt(x + static_cast<size_t>(i) * stride + 4 * j);
#pragma GCC unroll 2
            for (int p = 0; p < kPanels; ++p) {
                dots[i][p] = _mm512_dpbusd_epi32(dots[i][p], w[p].q[j], four);
            }
        }
    }
}

QUIBBLE_INLINE Vec toFloats(Ints a) { return {_mm512_cvtepi32_ps(a)}; }
QUIBBLE_INLINE Vec broadcastInt(const std::byte* p) { return {_mm512_cvtepi32_ps(wordAt(p))}; }
QUIBBLE_INLINE Vec broadcast(const std::byte* p) { return {_mm512_castsi512_ps(wordAt(p))}; }

// 2^(e - 128) of sixteen bytes e; 255 is NaN.
QUIBBLE_INLINE Vec loadPowers(const std::byte* p) {
    const __m512i e = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    const __m512i bits = _mm512_max_epu32(_mm512_slli_epi32(e, 23), _mm512_set1_epi32(0x00400000));
    const __m512i number =
        _mm512_mask_mov_epi32(bits, _mm512_cmpeq_epi32_mask(e, _mm512_set1_epi32(255)), _mm512_set1_epi32(0x7FC00000));
    return {_mm512_mul_ps(_mm512_castsi512_ps(number), _mm512_set1_ps(0.5F))};
}

}  // namespace
}  // namespace quibble::kernels
