// y = x w^T with activations rounded to 8 bits, for AVX2: the rounding and the products, on the packed weights as they lie in the file.
//
// The fixed order: integers are exact inside a block (32 weights of Q8_0 and Q4_0, 256 of the K types); then one fused multiply-add per
// block (two for Q4_K) in rising order into 8 lanes, joined by one tree. Rows of a tile only share what is unpacked from the weights.
#include "kernels/cpu/vec_avx2.h"

#include "kernels/cpu/tables_avx2.h"

namespace quibble::kernels::avx2 {

namespace {

constexpr int64_t kRowBatch = 64;
constexpr int64_t kAhead = 512;  // bytes; as in matmul_q8_avx512.cpp

// Activations are in order. Act256: sums as in activations_avx512.h, for Q4_K 0 0 0 0 and groups 0..3, 0 0 0 0 and groups 4..7 (of 32),
// for Q6_K all 16 groups of 16.
struct Act32 {
    float d;
    int8_t q[32];
};
struct Act256 {
    float d;
    int16_t sums[16];
    int8_t q[256];
};
static_assert(sizeof(Act32) == 36 && sizeof(Act256) == 292);

QUIBBLE_INLINE bool isWide(TensorType w) { return w == TensorType::Q4_K || w == TensorType::Q6_K; }

QUIBBLE_INLINE __m256i loadu(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
QUIBBLE_INLINE void fetch(const std::byte* p) { _mm_prefetch(reinterpret_cast<const char*>(p + kAhead), _MM_HINT_T0); }

QUIBBLE_INLINE float floatAt(const std::byte* p) {
    float value;
    __builtin_memcpy(&value, p, sizeof(value));
    return value;
}
QUIBBLE_INLINE float halfAt(const std::byte* p) {
    uint16_t bits;
    __builtin_memcpy(&bits, p, sizeof(bits));
    return _cvtsh_ss(bits);
}

// Lanes i and i + 4, then neighbours, then the two pairs.
QUIBBLE_INLINE float sumEight(__m256 a) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_hadd_ps(four, four);
    return _mm_cvtss_f32(_mm_hadd_ps(two, two));
}

// Largest magnitude as bits: as unsigned numbers they order finite < infinity < NaN.
uint32_t maxMagnitude(const float* x, int64_t n) {
    const __m256i mask = _mm256_set1_epi32(0x7FFFFFFF);
    __m256i max = _mm256_setzero_si256();
    for (int64_t i = 0; i < n; i += 8) {
        max = _mm256_max_epu32(max, _mm256_and_si256(loadu(x + i), mask));
    }
    alignas(32) uint32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), max);
    uint32_t top = 0;
    for (const uint32_t lane : lanes) {
        top = lane > top ? lane : top;
    }
    return top;
}

// Rounds n (a multiple of 8) activations with one scale, which it returns.
float roundBlock(const float* x, int64_t n, int8_t* q) {
    const uint32_t bits = maxMagnitude(x, n);
    const bool finite = bits < 0x7F800000U;
    float max;
    __builtin_memcpy(&max, &bits, sizeof(max));
    const float inverse = finite && max > 0.0F ? 127.0F / max : 0.0F;
    // A block so small that the inverse overflows rounds to zero, like one that is zero.
    const __m256 factor = _mm256_set1_ps(inverse <= 3.4028234e38F ? inverse : 0.0F);
    for (int64_t i = 0; i < n; i += 8) {
        const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), factor));
        const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(q + i), _mm_packs_epi16(words, words));
    }
    return finite ? max / 127.0F : __builtin_nanf("");
}

void quantize256(const float* x, bool q4k, Act256& out) {
    out.d = roundBlock(x, 256, out.q);
    for (int g = 0; g < 16; ++g) {
        int sum = 0;
        const int width = q4k ? 32 : 16;
        const int source = q4k ? g % 8 - 4 + 4 * (g / 8) : g;  // group whose sum goes to place g
        for (int i = 0; i < width && (!q4k || g % 8 >= 4); ++i) {
            sum += out.q[width * source + i];
        }
        out.sums[g] = static_cast<int16_t>(sum);
    }
}

// Signed bytes times signed bytes, summed by fours: exact, also for -128 among the weights (activations stop at 127).
QUIBBLE_INLINE __m256i dotBytes(__m256i magnitude, __m256i w, __m256i x) {
    const __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(x, w));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

struct Q8_0Format {
    static constexpr int64_t kBytes = 34;
    static QUIBBLE_INLINE __m256i weights(const std::byte* p) { return loadu(p + 2); }
};

struct Q4_0Format {
    static constexpr int64_t kBytes = 18;
    static QUIBBLE_INLINE __m256i weights(const std::byte* p) {
        const __m128i q = loadBytes(p + 2);
        const __m256i nibbles = _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(q, 4), q), _mm256_set1_epi8(15));
        return _mm256_sub_epi8(nibbles, _mm256_set1_epi8(8));
    }
};

template <class Format>
struct Tile32 {
    template <int kRows>
    static void run(const MatmulQ8Args& args, int64_t r0, int64_t o) {
        const std::byte* w = args.w.data + static_cast<size_t>(o) * args.w.row_bytes;
        const std::byte* x = args.xq + static_cast<size_t>(r0) * args.xq_stride;
        __m256 acc[kRows];
        for (__m256& one : acc) {
            one = _mm256_setzero_ps();
        }
        for (int64_t k = 0; k < args.w.cols; k += 32, w += Format::kBytes, x += sizeof(Act32)) {
            fetch(w);
            const __m256i weights = Format::weights(w);
            const __m256i magnitude = _mm256_abs_epi8(weights);
            const float d = halfAt(w);
#pragma GCC unroll 4
            for (int r = 0; r < kRows; ++r) {
                const std::byte* act = x + static_cast<size_t>(r) * args.xq_stride;
                const __m256i dot = dotBytes(magnitude, weights, loadu(act + offsetof(Act32, q)));
                const __m256 scale = _mm256_set1_ps(d * floatAt(act));
                acc[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scale, acc[r]);
            }
        }
        for (int r = 0; r < kRows; ++r) {
            args.y[(r0 + r) * args.y_stride + o] = sumEight(acc[r]);
        }
    }
};

// Scales and minima of a Q4_K block as words: sc 0..3, m 0..3, sc 4..7, m 4..7.
QUIBBLE_INLINE __m256i scaleWordsQ4K(const std::byte* p) {
    uint64_t first;
    uint32_t last;
    __builtin_memcpy(&first, p + 4, sizeof(first));
    __builtin_memcpy(&last, p + 12, sizeof(last));
    const uint64_t both = last | (static_cast<uint64_t>(last >> 4) << 32);
    const uint64_t upper_groups = (both & 0x0F0F0F0F0F0F0F0FU) | (((first >> 6) & 0x0303030303030303U) << 4);
    const uint64_t lower_groups = first & 0x3F3F3F3F3F3F3F3FU;
    return _mm256_cvtepu8_epi16(
        _mm_set_epi64x(static_cast<int64_t>(upper_groups), static_cast<int64_t>(lower_groups)));
}

struct Q4_KFormat {
    static constexpr int64_t kBytes = 144;
    static QUIBBLE_INLINE __m256i words(const std::byte* p) { return scaleWordsQ4K(p); }
    // 32 unsigned weights of group g
    static QUIBBLE_INLINE __m256i weights(const std::byte* p, int g) {
        const __m256i bytes = loadu(p + 16 + 32 * (g / 2));
        return _mm256_and_si256(g % 2 == 0 ? bytes : _mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
    }
    static QUIBBLE_INLINE __m256i scale(const int16_t* words, int g) {
        return _mm256_set1_epi16(words[g < 4 ? g : g + 4]);
    }
    static QUIBBLE_INLINE __m256 add(__m256 acc, __m256i dot, __m256i sums, float dx, const std::byte* p) {
        const __m256 scaled = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_set1_ps(halfAt(p) * dx), acc);
        return _mm256_fnmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_set1_ps(halfAt(p + 2) * dx), scaled);
    }
};

struct Q6_KFormat {
    static constexpr int64_t kBytes = 210;
    static QUIBBLE_INLINE __m256i words(const std::byte* p) { return _mm256_cvtepi8_epi16(loadBytes(p + 192)); }
    // 32 unsigned weights from 32 g on
    static QUIBBLE_INLINE __m256i weights(const std::byte* p, int g) {
        const int half = g / 4;
        const int quarter = g % 4;
        const __m256i low_bytes = loadu(p + 64 * half + 32 * (quarter % 2));
        const __m256i low =
            _mm256_and_si256(quarter < 2 ? low_bytes : _mm256_srli_epi16(low_bytes, 4), _mm256_set1_epi8(15));
        const __m256i bits = _mm256_srl_epi16(loadu(p + 128 + 32 * half), _mm_cvtsi32_si128(2 * quarter));
        const __m256i high = _mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi8(3)), 4);
        return _mm256_or_si256(low, high);
    }
    static QUIBBLE_INLINE __m256i scale(const int16_t* words, int g) {
        return _mm256_set_m128i(_mm_set1_epi16(words[2 * g + 1]), _mm_set1_epi16(words[2 * g]));
    }
    static QUIBBLE_INLINE __m256 add(__m256 acc, __m256i dot, __m256i sums, float dx, const std::byte* p) {
        const __m256i shifted = _mm256_sub_epi32(dot, _mm256_slli_epi32(sums, 5));  // the offset of 32
        return _mm256_fmadd_ps(_mm256_cvtepi32_ps(shifted), _mm256_set1_ps(halfAt(p + 208) * dx), acc);
    }
};

template <class Format>
struct Tile256 {
    template <int kRows>
    static void run(const MatmulQ8Args& args, int64_t r0, int64_t o) {
        const std::byte* w = args.w.data + static_cast<size_t>(o) * args.w.row_bytes;
        const std::byte* x = args.xq + static_cast<size_t>(r0) * args.xq_stride;
        __m256 acc[kRows];
        for (__m256& one : acc) {
            one = _mm256_setzero_ps();
        }
        for (int64_t k = 0; k < args.w.cols; k += 256, w += Format::kBytes, x += sizeof(Act256)) {
            for (int64_t line = 0; line < Format::kBytes; line += 64) {
                fetch(w + line);
            }
            const __m256i words = Format::words(w);
            alignas(32) int16_t scales[16];
            _mm256_store_si256(reinterpret_cast<__m256i*>(scales), words);
            __m256i dot[kRows];
            for (__m256i& one : dot) {
                one = _mm256_setzero_si256();
            }
#pragma GCC unroll 8
            for (int g = 0; g < 8; ++g) {
                const __m256i weights = Format::weights(w, g);
                const __m256i scale = Format::scale(scales, g);
#pragma GCC unroll 4
                for (int r = 0; r < kRows; ++r) {
                    const std::byte* act = x + static_cast<size_t>(r) * args.xq_stride;
                    const __m256i pairs = _mm256_maddubs_epi16(weights, loadu(act + offsetof(Act256, q) + 32 * g));
                    dot[r] = _mm256_add_epi32(dot[r], _mm256_madd_epi16(pairs, scale));
                }
            }
#pragma GCC unroll 4
            for (int r = 0; r < kRows; ++r) {
                const std::byte* act = x + static_cast<size_t>(r) * args.xq_stride;
                const __m256i sums = _mm256_madd_epi16(words, loadu(act + offsetof(Act256, sums)));
                acc[r] = Format::add(acc[r], dot[r], sums, floatAt(act), w);
            }
        }
        for (int r = 0; r < kRows; ++r) {
            args.y[(r0 + r) * args.y_stride + o] = sumEight(acc[r]);
        }
    }
};

template <class Tile>
void tiles(const MatmulQ8Args& args) {
    for (int64_t begin = 0; begin < args.n_rows; begin += kRowBatch) {
        const int64_t end = args.n_rows - begin < kRowBatch ? args.n_rows : begin + kRowBatch;
        for (int64_t o = args.out_begin; o < args.out_end; ++o) {
            int64_t r = begin;
            for (; r + 4 <= end; r += 4) {
                Tile::template run<4>(args, r, o);
            }
            for (; r + 2 <= end; r += 2) {
                Tile::template run<2>(args, r, o);
            }
            if (r < end) {
                Tile::template run<1>(args, r, o);
            }
        }
    }
}

}  // namespace

size_t q8RowBytes(int64_t cols, TensorType w) {
    switch (w) {
        case TensorType::Q8_0:
        case TensorType::Q4_0: return static_cast<size_t>(cols / 32) * sizeof(Act32);
        case TensorType::Q4_K:
        case TensorType::Q6_K: return static_cast<size_t>(cols / 256) * sizeof(Act256);
        default: return 0;
    }
}

void quantizeQ8(const float* x, int64_t cols, TensorType w, std::byte* out) {
    if (isWide(w)) {
        for (int64_t k = 0; k < cols; k += 256, out += sizeof(Act256)) {
            Act256 unit;
            quantize256(x + k, w == TensorType::Q4_K, unit);
            __builtin_memcpy(out, &unit, sizeof(unit));
        }
        return;
    }
    for (int64_t k = 0; k < cols; k += 32, out += sizeof(Act32)) {
        Act32 unit;
        unit.d = roundBlock(x + k, 32, unit.q);
        __builtin_memcpy(out, &unit, sizeof(unit));
    }
}

void matmulQ8(const MatmulQ8Args& args) {
    switch (args.w.type) {
        case TensorType::Q8_0: tiles<Tile32<Q8_0Format>>(args); return;
        case TensorType::Q4_0: tiles<Tile32<Q4_0Format>>(args); return;
        case TensorType::Q4_K: tiles<Tile256<Q4_KFormat>>(args); return;
        case TensorType::Q6_K: tiles<Tile256<Q6_KFormat>>(args); return;
        default: return;
    }
}

}  // namespace quibble::kernels::avx2
