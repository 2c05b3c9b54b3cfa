// y = x w^T of BF16 weights and BF16 activations, with the pair products of AVX512-BF16. Only on CPUs that have it:
// cpu_probe.h.
//
// The fixed order: columns go in blocks of kBlock. In a block, columns 2 l and 2 l + 1 of each 32 belong to lane l of
// one accumulator, in rising k, the odd one first; each step rounds. Lanes l and l + 2, then neighbours, then the
// quarters are added, and the sums of the blocks in rising k. All of it depends on nothing but the columns: tiles and
// batches only decide what is near when it is needed.
#include "kernels/cpu/vec_avx512.h"

#include "kernels/cpu/variants.h"

namespace quibble::kernels::avx512 {

namespace {

constexpr int kOuts = 4;
constexpr int64_t kBlock = 2048;  // columns
constexpr int64_t kBatch = 128;   // rows: with kBlock columns they fill half of a second-level cache of 1 MiB

// Columns [k, k + n) of kOuts outputs, and what the tiles fetch ahead of them.
struct Panel {
    const std::byte* w[kOuts];
    const std::byte* next[kOuts];
    int64_t k;
    int64_t n;
    int64_t first_out;
    __mmask8 outs;  // those that exist
};

QUIBBLE_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

QUIBBLE_INLINE __m512bh loadPairs(const std::byte* p) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p)); }
QUIBBLE_INLINE __m512bh loadPairsTail(const std::byte* p, __mmask32 columns) {
    return reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi16(columns, p));
}

// The sums of four accumulators.
QUIBBLE_INLINE __m128 sums(const __m512 (&acc)[kOuts]) {
    const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(acc[0], acc[1]), _mm512_unpackhi_ps(acc[0], acc[1]));
    const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(acc[2], acc[3]), _mm512_unpackhi_ps(acc[2], acc[3]));
    const __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    const __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    const __m512 abcd = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

// Rows [r, r + kRows) of a panel; fetches lines [fetch_begin, fetch_end) of each output of the next one.
template <int kRows>
QUIBBLE_INLINE void tile(const MatmulBf16Args& args, const Panel& panel, int64_t r, int64_t fetch_begin,
                         int64_t fetch_end) {
    __m512 acc[kRows][kOuts];
    const std::byte* x[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
        x[i] = args.xb + static_cast<size_t>(r + i) * args.xb_stride + 2 * panel.k;
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            acc[i][o] = _mm512_setzero_ps();
        }
    }
    for (int64_t line = fetch_begin; line < fetch_end; ++line) {
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            __builtin_prefetch(panel.next[o] + 64 * line, 0, 2);
        }
    }
    const int64_t whole = panel.n / 32 * 32;
    for (int64_t k = 0; k < whole; k += 32) {
        __m512bh w[kOuts];
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            w[o] = loadPairs(panel.w[o] + 2 * k);
        }
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) {
            const __m512bh xv = loadPairs(x[i] + 2 * k);
#pragma GCC unroll 8
            for (int o = 0; o < kOuts; ++o) {
                acc[i][o] = _mm512_dpbf16_ps(acc[i][o], w[o], xv);
            }
        }
    }
    if (whole < panel.n) {
        const auto columns = static_cast<__mmask32>((uint64_t{1} << static_cast<unsigned>(panel.n - whole)) - 1U);
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            const __m512bh w = loadPairsTail(panel.w[o] + 2 * whole, columns);
#pragma GCC unroll 8
            for (int i = 0; i < kRows; ++i) {
                acc[i][o] = _mm512_dpbf16_ps(acc[i][o], w, loadPairsTail(x[i] + 2 * whole, columns));
            }
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
        float* y = args.y + (r + i) * args.y_stride + panel.first_out;
        __m128 sum = sums(acc[i]);
        if (panel.k > 0) {
            sum = _mm_add_ps(_mm_maskz_loadu_ps(panel.outs, y), sum);
        }
        _mm_mask_storeu_ps(y, panel.outs, sum);
    }
}

// n <= kTileRows rows.
template <int kRows = kTileRows>
QUIBBLE_INLINE void someRows(const MatmulBf16Args& args, const Panel& panel, int64_t r, int64_t n, int64_t fetch_begin,
                             int64_t fetch_end) {
    if (n == kRows) {
        tile<kRows>(args, panel, r, fetch_begin, fetch_end);
    } else if constexpr (kRows > 1) {
        someRows<kRows - 1>(args, panel, r, n, fetch_begin, fetch_end);
    }
}

// Rows [begin, end) against one panel, in tiles of about one size; each fetches its share of what comes next.
void panelRows(const MatmulBf16Args& args, const Panel& panel, int64_t begin, int64_t end) {
    const int64_t tiles = (end - begin + kTileRows - 1) / kTileRows;
    const int64_t lines = (2 * panel.n + 63) / 64;
    for (int64_t r = begin, t = 0; t < tiles; ++t) {
        const int64_t n = (end - r + tiles - t - 1) / (tiles - t);
        someRows(args, panel, r, n, lines * t / tiles, lines * (t + 1) / tiles);
        r += n;
    }
}

// Rows [begin, end) against the columns from k on of all outputs.
void blockRows(const MatmulBf16Args& args, int64_t k, int64_t begin, int64_t end) {
    Panel panel;
    panel.k = k;
    panel.n = smaller(args.w.cols - k, kBlock);
    for (int64_t o = args.out_begin; o < args.out_end; o += kOuts) {
        const int64_t outs = smaller(args.out_end - o, kOuts);
        panel.first_out = o;
        panel.outs = static_cast<__mmask8>((1U << static_cast<unsigned>(outs)) - 1U);
        for (int64_t i = 0; i < kOuts; ++i) {
            // Where there is none the last one is computed again, and not written.
            panel.w[i] = args.w.data + static_cast<size_t>(o + smaller(i, outs - 1)) * args.w.row_bytes + 2 * k;
            panel.next[i] = panel.w[i] + kOuts * args.w.row_bytes;
        }
        panelRows(args, panel, begin, end);
    }
}

}  // namespace

void matmulBf16(const MatmulBf16Args& args) {
    for (int64_t begin = 0; begin < args.n_rows; begin += kBatch) {
        const int64_t end = smaller(args.n_rows, begin + kBatch);
        int64_t k = 0;
        do {
            blockRows(args, k, begin, end);
            k += kBlock;
        } while (k < args.w.cols);
    }
}

double bf16Rounds(int64_t rounds, float* sink) {
    constexpr int kChains = 16;
    __m512 acc[kChains];
    for (int i = 0; i < kChains; ++i) {
        acc[i] = _mm512_set1_ps(static_cast<float>(i));
    }
    const auto a = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3F00));  // 0.5
    const auto b = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3B00));
    for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
        for (int i = 0; i < kChains; ++i) {
            acc[i] = _mm512_dpbf16_ps(acc[i], a, b);
        }
    }
    for (int i = 0; i < kChains; ++i) {
        *sink += _mm512_cvtss_f32(acc[i]);
    }
    return static_cast<double>(rounds) * kChains * 64.0;
}

}  // namespace quibble::kernels::avx512
