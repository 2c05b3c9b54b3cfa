// y = x w^T with activations rounded to 8 bits, on the packed weights as they lie in the file.
//
// The fixed order: blocks are joined in 512-bit units (128 weights of Q8_0 and Q4_0, 256 of the K types); inside a unit integers are
// exact, then one fused multiply-add per unit (two for Q4_K) in rising order into 16 lanes, joined by the tree of sumLanes. Rows and
// outputs of a tile only share what is unpacked from the weights.
#include "kernels/cpu/vec_avx512.h"

#include "kernels/cpu/activations_avx512.h"
#include "kernels/cpu/tables_avx512.h"

namespace quibble::kernels::avx512 {

namespace {

constexpr int64_t kRowBatch = 64;
// Bytes between what is being multiplied and what is being fetched. Measured: 512 to 1536 are alike, more pushes the activations out of
// the first-level cache.
constexpr int64_t kAhead = 512;

QUIBBLE_INLINE void fetch(const std::byte* p) { _mm_prefetch(reinterpret_cast<const char*>(p + kAhead), _MM_HINT_T0); }
QUIBBLE_INLINE __m512i loadu(const void* p) { return _mm512_loadu_si512(p); }

QUIBBLE_INLINE __mmask64 firstBytes(int64_t n) {
    return n >= 64 ? ~__mmask64{0} : n <= 0 ? __mmask64{0} : (__mmask64{1} << static_cast<unsigned>(n)) - 1U;
}

QUIBBLE_INLINE float halfAt(const std::byte* p) {
    uint16_t bits;
    __builtin_memcpy(&bits, p, sizeof(bits));
    return _cvtsh_ss(bits);
}

QUIBBLE_INLINE float floatAt(const std::byte* p) {
    float value;
    __builtin_memcpy(&value, p, sizeof(value));
    return value;
}

// 128 weights of a 32-wide type as unsigned bytes (offset by kOffset) in the order of Codes128, and the scale of each lane.
struct Unit128 {
    __m512i low;
    __m512i high;
    __m512 d;
};

struct alignas(64) Words {
    int16_t index[32];
    QUIBBLE_INLINE __m512i load() const { return _mm512_load_si512(index); }
};

// A permutation that brings eight two-byte words of each of four blocks together, starting with word `first` of a block of
// block_words. The source is two loads of 32 words that begin at words from_a and from_b of the unit.
constexpr Words wordsOfBlocks(int block_words, int first, int from_a, int from_b) {
    Words words{};
    for (int i = 0; i < 32; ++i) {
        const int word = block_words * (i / 8) + first + i % 8;
        words.index[i] = static_cast<int16_t>(word < from_a + 32 ? word - from_a : 32 + word - from_b);
    }
    return words;
}

// Word 0 (the scale) of each of four blocks, four times.
constexpr Words wordsOfScales(int block_words) {
    Words words{};
    for (int i = 0; i < 16; ++i) {
        words.index[i] = static_cast<int16_t>(block_words * (i / 4));
    }
    return words;
}

constexpr Words kQ4Nibbles = wordsOfBlocks(9, 1, 0, 4);
constexpr Words kQ4Scales = wordsOfScales(9);
constexpr Words kQ8Low = wordsOfBlocks(17, 1, 0, 32);
constexpr Words kQ8High = wordsOfBlocks(17, 9, 4, 36);
constexpr Words kQ8Scales = wordsOfScales(17);

QUIBBLE_INLINE __m512 lowerHalvesToFloat(__m512i words) { return _mm512_cvtph_ps(_mm512_castsi512_si256(words)); }

struct Q4_0Format {
    static constexpr int64_t kBytes = 72;  // of a unit
    static constexpr int kOffsetShift = 3;
    __m512i nibbles = kQ4Nibbles.load();
    __m512i scales = kQ4Scales.load();

    QUIBBLE_INLINE Unit128 join(__m512i first, __m512i second) const {
        const __m512i mask = _mm512_set1_epi8(15);
        const __m512i q = _mm512_permutex2var_epi16(first, nibbles, second);
        return {_mm512_and_si512(q, mask), _mm512_and_si512(_mm512_srli_epi16(q, 4), mask),
                lowerHalvesToFloat(_mm512_permutexvar_epi16(scales, first))};
    }
    QUIBBLE_INLINE Unit128 unit(const std::byte* p) const {
        fetch(p);
        return join(loadu(p), loadu(p + 8));
    }
    QUIBBLE_INLINE Unit128 tail(const std::byte* p, int64_t bytes) const {
        return join(_mm512_maskz_loadu_epi8(firstBytes(bytes), p), _mm512_maskz_loadu_epi8(firstBytes(bytes - 8), p + 8));
    }
};

struct Q8_0Format {
    static constexpr int64_t kBytes = 136;
    static constexpr int kOffsetShift = 7;
    __m512i low_words = kQ8Low.load();
    __m512i high_words = kQ8High.load();
    __m512i scales = kQ8Scales.load();

    // Words 0..31, 32..63 of the unit, and 4..35, 36..67. Signed weights become unsigned by an offset of 128.
    QUIBBLE_INLINE Unit128 join(__m512i a, __m512i b, __m512i c, __m512i d) const {
        const __m512i offset = _mm512_set1_epi8(-128);
        return {_mm512_xor_si512(_mm512_permutex2var_epi16(a, low_words, b), offset),
                _mm512_xor_si512(_mm512_permutex2var_epi16(c, high_words, d), offset),
                lowerHalvesToFloat(_mm512_permutex2var_epi16(a, scales, b))};
    }
    QUIBBLE_INLINE Unit128 unit(const std::byte* p) const {
        fetch(p);
        fetch(p + 64);
        return join(loadu(p), loadu(p + 64), loadu(p + 8), loadu(p + 72));
    }
    QUIBBLE_INLINE Unit128 tail(const std::byte* p, int64_t bytes) const {
        return join(_mm512_maskz_loadu_epi8(firstBytes(bytes), p), _mm512_maskz_loadu_epi8(firstBytes(bytes - 64), p + 64),
                    _mm512_maskz_loadu_epi8(firstBytes(bytes - 8), p + 8),
                    _mm512_maskz_loadu_epi8(firstBytes(bytes - 72), p + 72));
    }
};

// One row of activations: where its codes, sums and scales begin.
struct ActRow {
    const std::byte* codes;
    const std::byte* sums;
    const std::byte* scales;
};

QUIBBLE_INLINE ActRow actRow(const std::byte* row, int64_t units) {
    const std::byte* sums = row + units * static_cast<int64_t>(sizeof(Codes128));
    return {row, sums, sums + units * static_cast<int64_t>(sizeof(Sums128))};
}

template <int kShift>
QUIBBLE_INLINE Vec addUnit(Vec acc, const Unit128& w, const ActRow& x, int64_t u) {
    const std::byte* codes = x.codes + u * static_cast<int64_t>(sizeof(Codes128));
    const void* sums = x.sums + u * static_cast<int64_t>(sizeof(Sums128));
    const void* scales = x.scales + u * static_cast<int64_t>(sizeof(Scales128));
    const __m512i minus_sum = _mm512_cvtepi16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(sums)));
    __m512i dot = _mm512_slli_epi32(minus_sum, kShift);
    dot = _mm512_dpbusd_epi32(dot, w.low, loadu(codes));
    dot = _mm512_dpbusd_epi32(dot, w.high, loadu(codes + offsetof(Codes128, high)));
    const __m512i spread_index = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    const __m512 dx = _mm512_castps128_ps512(_mm_loadu_ps(static_cast<const float*>(scales)));
    const __m512 d = _mm512_mul_ps(w.d, _mm512_permutexvar_ps(spread_index, dx));
    return {_mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), d, acc.v)};
}

template <class Format>
struct Tile128 {
    static constexpr int kMaxRows = 4;
    static constexpr int kMaxOuts = 2;

    template <int kRows, int kOuts>
    static void run(const MatmulQ8Args& args, int64_t r0, int64_t o0) {
        const Format format;
        const std::byte* w = args.w.data + static_cast<size_t>(o0) * args.w.row_bytes;
        const int64_t units = args.w.cols / 128;
        const int64_t rest = args.w.cols % 128 * Format::kBytes / 128;
        ActRow x[kRows];
        Vec acc[kRows][kOuts];
        for (int r = 0; r < kRows; ++r) {
            x[r] = actRow(args.xq + static_cast<size_t>(r0 + r) * args.xq_stride, (args.w.cols + 127) / 128);
            for (Vec& one : acc[r]) {
                one = zero();
            }
        }
        for (int64_t u = 0; u < units; ++u, w += Format::kBytes) {
            Unit128 unit[kOuts];
#pragma GCC unroll 4
            for (int o = 0; o < kOuts; ++o) {
                unit[o] = format.unit(w + static_cast<size_t>(o) * args.w.row_bytes);
            }
#pragma GCC unroll 4
            for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
                for (int o = 0; o < kOuts; ++o) {
                    acc[r][o] = addUnit<Format::kOffsetShift>(acc[r][o], unit[o], x[r], u);
                }
            }
        }
        if (rest > 0) {
            for (int o = 0; o < kOuts; ++o) {
                const Unit128 unit = format.tail(w + static_cast<size_t>(o) * args.w.row_bytes, rest);
                for (int r = 0; r < kRows; ++r) {
                    acc[r][o] = addUnit<Format::kOffsetShift>(acc[r][o], unit, x[r], units);
                }
            }
        }
        for (int r = 0; r < kRows; ++r) {
            for (int o = 0; o < kOuts; ++o) {
                args.y[(r0 + r) * args.y_stride + o0 + o] = sumLanes(acc[r][o]);
            }
        }
    }
};

// Each of the sixteen words of `scales` spread over eight or sixteen words.
QUIBBLE_INLINE __m512i spread(__m512i index, __m256i scales) {
    return _mm512_permutexvar_epi16(index, _mm512_castsi256_si512(scales));
}
QUIBBLE_INLINE __m512i twoWords(int first, int second) {
    return _mm512_inserti64x4(_mm512_set1_epi16(static_cast<int16_t>(first)),
                              _mm256_set1_epi16(static_cast<int16_t>(second)), 1);
}
QUIBBLE_INLINE __m512i fourWords(int first) {
    const __m256i low = _mm256_set_m128i(_mm_set1_epi16(static_cast<int16_t>(first + 1)),
                                         _mm_set1_epi16(static_cast<int16_t>(first)));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), _mm256_add_epi16(low, _mm256_set1_epi16(2)), 1);
}

// Four vectors of unsigned weights in the order of Act256, their scales as words, and what the offset needs.
struct Unit256 {
    __m512i q[4];
    __m512i scale[4];
    __m256i words;
    float d;
    float dmin;
};

QUIBBLE_INLINE __m512i dot256(__m512i start, const Unit256& w, const std::byte* q) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        start = _mm512_dpwssd_epi32(start, _mm512_maddubs_epi16(w.q[i], loadu(q + 64 * i)), w.scale[i]);
    }
    return start;
}

struct Q4_KFormat {
    static constexpr int64_t kBytes = 144;
    __m512i index[4];

    // The scales' words are sc 0..3, m 0..3, sc 4..7, m 4..7.
    QUIBBLE_INLINE Q4_KFormat() : index{twoWords(0, 2), twoWords(1, 3), twoWords(8, 10), twoWords(9, 11)} {}

    QUIBBLE_INLINE Unit256 unit(const std::byte* p) const {
        fetch(p);
        fetch(p + 64);
        fetch(p + 128);
        Unit256 w;
        w.d = halfAt(p);
        w.dmin = halfAt(p + 2);
        uint64_t first;
        uint32_t last;
        __builtin_memcpy(&first, p + 4, sizeof(first));
        __builtin_memcpy(&last, p + 12, sizeof(last));
        const uint64_t both = last | (static_cast<uint64_t>(last >> 4) << 32);
        const uint64_t upper = (both & 0x0F0F0F0F0F0F0F0FU) | (((first >> 6) & 0x0303030303030303U) << 4);
        const uint64_t lower_groups = first & 0x3F3F3F3F3F3F3F3FU;
        w.words = _mm256_cvtepu8_epi16(
            _mm_set_epi64x(static_cast<int64_t>(upper), static_cast<int64_t>(lower_groups)));
        const __m512i mask = _mm512_set1_epi8(15);
        const __m512i a = loadu(p + 16);
        const __m512i b = loadu(p + 80);
        w.q[0] = _mm512_and_si512(a, mask);
        w.q[1] = _mm512_and_si512(_mm512_srli_epi16(a, 4), mask);
        w.q[2] = _mm512_and_si512(b, mask);
        w.q[3] = _mm512_and_si512(_mm512_srli_epi16(b, 4), mask);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            w.scale[i] = spread(index[i], w.words);
        }
        return w;
    }

    static QUIBBLE_INLINE Vec add(Vec acc, const Unit256& w, const std::byte* x) {
        const __m512 dx = _mm512_set1_ps(floatAt(x + offsetof(Act256, d)));
        const __m512i dot = dot256(_mm512_setzero_si512(), w, x);
        const __m256i sums = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + offsetof(Act256, sums)));
        const __m512i minima = _mm512_zextsi256_si512(_mm256_madd_epi16(w.words, sums));
        const __m512 scaled = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(_mm512_set1_ps(w.d), dx), acc.v);
        return {_mm512_fnmadd_ps(_mm512_cvtepi32_ps(minima), _mm512_mul_ps(_mm512_set1_ps(w.dmin), dx), scaled)};
    }
};

struct Q6_KFormat {
    static constexpr int64_t kBytes = 210;
    __m512i index[4];

    QUIBBLE_INLINE Q6_KFormat() : index{fourWords(0), fourWords(4), fourWords(8), fourWords(12)} {}

    QUIBBLE_INLINE Unit256 unit(const std::byte* p) const {
        fetch(p);
        fetch(p + 64);
        fetch(p + 128);
        fetch(p + 192);
        Unit256 w;
        w.d = halfAt(p + 208);
        w.dmin = 0.0F;
        w.words = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 192)));
        const __m512i low_bits = _mm512_set1_epi8(15);
        const __m512i high_bits = _mm512_set1_epi8(0x30);
        const __m512i left = _mm512_set_epi64(2, 2, 2, 2, 4, 4, 4, 4);
        const __m512i right = _mm512_set_epi64(2, 2, 2, 2, 0, 0, 0, 0);
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
            const __m512i ql = loadu(p + 64 * h);
            const __m512i qh =
                _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 128 + 32 * h)));
            const __m512i low_top = _mm512_and_si512(_mm512_sllv_epi64(qh, left), high_bits);
            const __m512i high_top = _mm512_and_si512(_mm512_srlv_epi64(qh, right), high_bits);
            // (a & 15) | top in one instruction
            w.q[2 * h] = _mm512_ternarylogic_epi64(low_top, ql, low_bits, 0xF8);
            w.q[2 * h + 1] = _mm512_ternarylogic_epi64(high_top, _mm512_srli_epi16(ql, 4), low_bits, 0xF8);
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            w.scale[i] = spread(index[i], w.words);
        }
        return w;
    }

    static QUIBBLE_INLINE Vec add(Vec acc, const Unit256& w, const std::byte* x) {
        const __m512 dx = _mm512_set1_ps(floatAt(x + offsetof(Act256, d)));
        const __m256i sums = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + offsetof(Act256, sums)));
        const __m256i offset = _mm256_slli_epi32(_mm256_madd_epi16(w.words, sums), 5);
        const __m512i start = _mm512_zextsi256_si512(_mm256_sub_epi32(_mm256_setzero_si256(), offset));
        const __m512i dot = dot256(start, w, x);
        return {_mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(_mm512_set1_ps(w.d), dx), acc.v)};
    }
};

template <class Format>
struct Tile256 {
    static constexpr int kMaxRows = 4;
    static constexpr int kMaxOuts = 1;

    template <int kRows, int kOuts>
    static void run(const MatmulQ8Args& args, int64_t r0, int64_t o0) {
        static_assert(kOuts == 1);
        const Format format;
        const std::byte* w = args.w.data + static_cast<size_t>(o0) * args.w.row_bytes;
        const std::byte* x = args.xq + static_cast<size_t>(r0) * args.xq_stride;
        Vec acc[kRows];
        for (Vec& one : acc) {
            one = zero();
        }
        for (int64_t u = 0; u < args.w.cols / 256; ++u, w += Format::kBytes, x += sizeof(Act256)) {
            const Unit256 unit = format.unit(w);
#pragma GCC unroll 4
            for (int r = 0; r < kRows; ++r) {
                acc[r] = Format::add(acc[r], unit, x + static_cast<size_t>(r) * args.xq_stride);
            }
        }
        for (int r = 0; r < kRows; ++r) {
            args.y[(r0 + r) * args.y_stride + o0] = sumLanes(acc[r]);
        }
    }
};

template <class Tile, int kOuts>
QUIBBLE_INLINE void allRows(const MatmulQ8Args& args, int64_t begin, int64_t end, int64_t o) {
    int64_t r = begin;
    for (; r + Tile::kMaxRows <= end; r += Tile::kMaxRows) {
        Tile::template run<Tile::kMaxRows, kOuts>(args, r, o);
    }
    for (; r + 2 <= end; r += 2) {
        Tile::template run<2, kOuts>(args, r, o);
    }
    if (r < end) {
        Tile::template run<1, kOuts>(args, r, o);
    }
}

template <class Tile>
void tiles(const MatmulQ8Args& args) {
    for (int64_t begin = 0; begin < args.n_rows; begin += kRowBatch) {
        const int64_t end = args.n_rows - begin < kRowBatch ? args.n_rows : begin + kRowBatch;
        int64_t o = args.out_begin;
        // A single row reads the weights as one stream, which memory likes best.
        const int64_t paired_end = end - begin > 1 ? args.out_end : o;
        for (; o + Tile::kMaxOuts <= paired_end; o += Tile::kMaxOuts) {
            allRows<Tile, Tile::kMaxOuts>(args, begin, end, o);
        }
        for (; o < args.out_end; ++o) {
            allRows<Tile, 1>(args, begin, end, o);
        }
    }
}

}  // namespace

void matmulQ8(const MatmulQ8Args& args) {
    switch (args.w.type) {
        case TensorType::Q8_0: tiles<Tile128<Q8_0Format>>(args); return;
        case TensorType::Q4_0: tiles<Tile128<Q4_0Format>>(args); return;
        case TensorType::Q4_K: tiles<Tile256<Q4_KFormat>>(args); return;
        case TensorType::Q6_K: tiles<Tile256<Q6_KFormat>>(args); return;
        default: return;
    }
}

}  // namespace quibble::kernels::avx512
