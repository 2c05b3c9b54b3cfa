// Products of BF16 weights by tile instructions. The weights are the left side as they lie in the file, 16 outputs x 32
// columns; the right side is 16 columns of numbers that the activations give: one a row when they are rounded to BF16
// (matmulBf16), three a row when they are not (matmul). A float is exactly the sum of three BF16 numbers, its upper,
// middle and lower 8 bits, so the product stays one of float activations, at a third of the speed. What has fewer
// outputs or columns than a tile goes through a buffer filled up with zeros.
//
// The fixed order: columns go in blocks of kBlock. In a block an instruction adds 32 of them to a sum (even and odd
// ones first apart, in rising k), in rising k; then the three sums of a float are joined, the small ones first, and the
// blocks in rising k. Every number of the right side has sums of its own, so nothing depends on what is beside it.
#include "kernels/cpu/amx_tiles.h"
#include "kernels/cpu/tables.h"
#include "kernels/cpu/variants.h"
#include "kernels/cpu/vec_avx512.h"

namespace quibble::kernels {
namespace {

constexpr int kSide = 16;         // outputs of a left tile, numbers of a right one
constexpr int64_t kSlice = 32;    // columns that an instruction multiplies
constexpr int64_t kBlock = 1024;  // columns
constexpr int kSlices = kBlock / kSlice;
constexpr int kTileBytes = kTileHeight * kTileWidth;
constexpr int kMostRight =
    13;  // right tiles of a batch: 64 rows of floats. 416 KiB, of a second-level cache of 2 MiB where there is AMX

constexpr TileConfigs kConfigs = tileConfigs(kTileWidth);

struct Workspace {
    alignas(64) std::byte right[kMostRight][kSlices][kTileBytes];  // 16 pairs of columns x 16 numbers
    alignas(64) std::byte edge[2][kTileBytes];
    alignas(64) float sums[2][2][kSide][kSide];  // left, right, output, number
};

// Rows that one right tile serves.
constexpr int64_t kRounded = 16;
constexpr int64_t kFloats = 5;
constexpr int64_t rowsATile(const MatmulBf16Args&) { return kRounded; }
constexpr int64_t rowsATile(const MatmulArgs&) { return kFloats; }

QUIBBLE_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
QUIBBLE_INLINE int64_t parts(int64_t n, int64_t most) { return (n + most - 1) / most; }
QUIBBLE_INLINE __mmask32 firstColumns(int64_t n) {
    return static_cast<__mmask32>((uint64_t{1} << static_cast<unsigned>(n)) - 1U);
}

// Four rows of a matrix of 32-bit words become, in lane l of result i, column 4 l + i.
QUIBBLE_INLINE void transposeFour(const __m512i* v, __m512i (&out)[4]) {
    const __m512i ab_low = _mm512_unpacklo_epi32(v[0], v[1]);
    const __m512i ab_high = _mm512_unpackhi_epi32(v[0], v[1]);
    const __m512i cd_low = _mm512_unpacklo_epi32(v[2], v[3]);
    const __m512i cd_high = _mm512_unpackhi_epi32(v[2], v[3]);
    out[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    out[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    out[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    out[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

QUIBBLE_INLINE void transpose(__m512i (&v)[kSide]) {
    __m512i four[4][4];
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
        transposeFour(v + 4 * g, four[g]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        const __m512i even_low = _mm512_shuffle_i32x4(four[0][i], four[1][i], 0x88);
        const __m512i odd_low = _mm512_shuffle_i32x4(four[0][i], four[1][i], 0xDD);
        const __m512i even_high = _mm512_shuffle_i32x4(four[2][i], four[3][i], 0x88);
        const __m512i odd_high = _mm512_shuffle_i32x4(four[2][i], four[3][i], 0xDD);
        v[i] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
        v[4 + i] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        v[8 + i] = _mm512_shuffle_i32x4(even_low, even_high, 0xDD);
        v[12 + i] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xDD);
    }
}

// The numbers that rows [row, row + rows) give, 32 columns from k on; returns how many.
QUIBBLE_INLINE int loadNumbers(const MatmulBf16Args& args, int64_t row, int64_t rows, int64_t k, int64_t n,
                               __m512i (&v)[kSide]) {
    for (int64_t i = 0; i < rows; ++i) {
        v[i] =
            _mm512_maskz_loadu_epi16(firstColumns(n), args.xb + static_cast<size_t>(row + i) * args.xb_stride + 2 * k);
    }
    return static_cast<int>(rows);
}

// The upper halves of 16 floats: cut off, so that none can overflow, and no NaN becomes an infinity.
QUIBBLE_INLINE __m512 upperHalf(__m512 x) {
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i quiet =
        _mm512_mask_or_epi32(bits, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), bits, _mm512_set1_epi32(0x400000));
    return _mm512_castsi512_ps(_mm512_and_si512(quiet, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

// 16 floats as the sums of three. What is not finite is all in the first.
QUIBBLE_INLINE void split(__m512 x, __m512 (&part)[3]) {
    const __mmask16 finite = _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(__builtin_inff()), _CMP_LT_OQ);
    part[0] = upperHalf(x);
    const __m512 rest = _mm512_maskz_sub_ps(finite, x, part[0]);
    part[1] = upperHalf(rest);
    part[2] = _mm512_sub_ps(rest, part[1]);
}

QUIBBLE_INLINE __m512i joinHalves(__m512 low, __m512 high) {
    const __m256i first = _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(low), 16));
    const __m256i last = _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(high), 16));
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), last, 1);
}

QUIBBLE_INLINE int loadNumbers(const MatmulArgs& args, int64_t row, int64_t rows, int64_t k, int64_t n,
                               __m512i (&v)[kSide]) {
    const __mmask32 columns = firstColumns(n);
    for (int64_t i = 0; i < rows; ++i) {
        const float* x = args.x + (row + i) * args.x_stride + k;
        __m512 low[3];
        __m512 high[3];
        split(_mm512_maskz_loadu_ps(static_cast<__mmask16>(columns), x), low);
        split(_mm512_maskz_loadu_ps(static_cast<__mmask16>(columns >> 16), x + 16), high);
        for (int p = 0; p < 3; ++p) {
            v[3 * i + p] = joinHalves(low[p], high[p]);
        }
    }
    return static_cast<int>(3 * rows);
}

// Columns [k, k + n) of rows [row, row + rows) as right tiles.
template <class Args>
void makeRight(const Args& args, int64_t row, int64_t rows, int64_t k, int64_t n, Workspace& work) {
    const int64_t tile_rows = rowsATile(args);
    for (int64_t t = 0; t * tile_rows < rows; ++t) {
        for (int64_t s = 0; s * kSlice < n; ++s) {
            __m512i v[kSide];
            int count = loadNumbers(args, row + t * tile_rows, smaller(tile_rows, rows - t * tile_rows), k + s * kSlice,
                                    smaller(kSlice, n - s * kSlice), v);
            std::byte* out = work.right[t][s];
            for (const int all = count <= 4 ? 4 : kSide; count < all; ++count) {
                v[count] = _mm512_setzero_si512();
            }
            if (count == 4) {  // a single row: what is decoded
                __m512i four[4];
                transposeFour(v, four);
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i) {
                    _mm512_store_si512(out + kTileWidth * i, _mm512_zextsi128_si512(_mm512_castsi512_si128(four[i])));
                    _mm512_store_si512(out + kTileWidth * (4 + i),
                                       _mm512_zextsi128_si512(_mm512_extracti32x4_epi32(four[i], 1)));
                    _mm512_store_si512(out + kTileWidth * (8 + i),
                                       _mm512_zextsi128_si512(_mm512_extracti32x4_epi32(four[i], 2)));
                    _mm512_store_si512(out + kTileWidth * (12 + i),
                                       _mm512_zextsi128_si512(_mm512_extracti32x4_epi32(four[i], 3)));
                }
                continue;
            }
            transpose(v);
#pragma GCC unroll 16
            for (int i = 0; i < kSide; ++i) {
                _mm512_store_si512(out + kTileWidth * i, v[i]);
            }
        }
    }
}

// Up to 16 outputs, n columns.
struct Left {
    const std::byte* weights;
    size_t stride;  // bytes
    int64_t outs;
    int64_t n;
};

// Where a tile is loaded from.
struct TileRows {
    const std::byte* data;
    size_t stride;
};

// Slice s of a left tile, in place where it is whole.
QUIBBLE_INLINE TileRows leftRows(const Left& left, int64_t s, std::byte* edge) {
    const std::byte* from = left.weights + s * kTileWidth;
    const int64_t columns = smaller(kSlice, left.n - s * kSlice);
    if (left.outs == kSide && columns == kSlice) {
        return {from, left.stride};
    }
    for (int64_t i = 0; i < kSide; ++i) {
        const __mmask32 there = i < left.outs ? firstColumns(columns) : 0;
        _mm512_store_si512(
            edge + i * kTileWidth,
            _mm512_maskz_loadu_epi16(there, from + static_cast<size_t>(i < left.outs ? i : 0) * left.stride));
    }
    writtenForTiles();
    return {edge, kTileWidth};
}

// The next outputs' part of this slice.
QUIBBLE_INLINE void fetchAhead(const Left& left, int64_t s) {
    for (int64_t i = 0; i < kSide; ++i) {
        __builtin_prefetch(left.weights + static_cast<size_t>(2 * kSide + i) * left.stride + s * kTileWidth, 0, 2);
    }
}

// One or two left tiles with one or two right ones.
template <int kLefts, int kRights>
void multiplyTiles(const Left (&left)[2], int64_t right, bool fetch, Workspace& work) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t s = 0; s * kSlice < left[0].n; ++s) {
        if (fetch) {
            fetchAhead(left[0], s);
        }
        const TileRows first = leftRows(left[0], s, work.edge[0]);
        _tile_loadd(4, first.data, first.stride);
        _tile_loadd(6, work.right[right][s], kTileWidth);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (kRights == 2) {
            _tile_loadd(7, work.right[right + 1][s], kTileWidth);
            _tile_dpbf16ps(1, 4, 7);
        }
        if constexpr (kLefts == 2) {
            if (fetch) {
                fetchAhead(left[1], s);
            }
            const TileRows second = leftRows(left[1], s, work.edge[1]);
            _tile_loadd(5, second.data, second.stride);
            _tile_dpbf16ps(2, 5, 6);
            if constexpr (kRights == 2) {
                _tile_dpbf16ps(3, 5, 7);
            }
        }
    }
    _tile_stored(0, work.sums[0][0], kTileWidth);
    if constexpr (kRights == 2) {
        _tile_stored(1, work.sums[0][1], kTileWidth);
    }
    if constexpr (kLefts == 2) {
        _tile_stored(2, work.sums[1][0], kTileWidth);
        if constexpr (kRights == 2) {
            _tile_stored(3, work.sums[1][1], kTileWidth);
        }
    }
}

void multiply(const Left (&left)[2], int lefts, int64_t right, int rights, bool fetch, Workspace& work) {
    if (lefts == 2) {
        rights == 2 ? multiplyTiles<2, 2>(left, right, fetch, work) : multiplyTiles<2, 1>(left, right, fetch, work);
    } else {
        rights == 2 ? multiplyTiles<1, 2>(left, right, fetch, work) : multiplyTiles<1, 1>(left, right, fetch, work);
    }
}

// 16 outputs of row i of a tile, from the sums of its numbers.
QUIBBLE_INLINE __m512 sumOf(const MatmulBf16Args&, const __m512i (&v)[kSide], int64_t i) {
    return _mm512_castsi512_ps(v[i]);
}
QUIBBLE_INLINE __m512 sumOf(const MatmulArgs&, const __m512i (&v)[kSide], int64_t i) {
    const __m512 small = _mm512_add_ps(_mm512_castsi512_ps(v[3 * i + 1]), _mm512_castsi512_ps(v[3 * i + 2]));
    return _mm512_add_ps(_mm512_castsi512_ps(v[3 * i]), small);
}

// Writes the sums of a tile to their outputs, or adds them to what is there.
template <class Args>
void writeSums(const Args& args, const float (&sums)[kSide][kSide], int64_t row, int64_t rows, int64_t first_out,
               int64_t outs, bool add) {
    __m512i v[kSide];
#pragma GCC unroll 16
    for (int o = 0; o < kSide; ++o) {
        v[o] = _mm512_load_si512(sums[o]);
    }
    transpose(v);
    const auto there = static_cast<__mmask16>((1U << static_cast<unsigned>(outs)) - 1U);
    for (int64_t i = 0; i < rows; ++i) {
        float* y = args.y + (row + i) * args.y_stride + first_out;
        __m512 sum = sumOf(args, v, i);
        if (add) {
            sum = _mm512_add_ps(_mm512_maskz_loadu_ps(there, y), sum);
        }
        _mm512_mask_storeu_ps(y, there, sum);
    }
}

// Rows [row, row + rows) with the columns from k on of all outputs.
template <class Args>
void multiplyBlock(const Args& args, int64_t row, int64_t rows, int64_t k, Workspace& work) {
    const int64_t n = smaller(kBlock, args.w.cols - k);
    makeRight(args, row, rows, k, n, work);
    writtenForTiles();
    const int64_t tile_rows = rowsATile(args);
    const int64_t tiles = parts(rows, tile_rows);
    for (int64_t o = args.out_begin; o < args.out_end; o += 2 * kSide) {
        const int lefts = args.out_end - o > kSide ? 2 : 1;
        Left left[2];
        for (int l = 0; l < lefts; ++l) {
            const int64_t first = o + l * kSide;
            left[l] = {args.w.data + static_cast<size_t>(first) * args.w.row_bytes + 2 * k, args.w.row_bytes,
                       smaller(kSide, args.out_end - first), n};
        }
        for (int64_t t = 0; t < tiles; t += 2) {
            const int rights = tiles - t > 1 ? 2 : 1;
            multiply(left, lefts, t, rights, t == 0, work);
            for (int l = 0; l < lefts; ++l) {
                for (int r = 0; r < rights; ++r) {
                    const int64_t first = (t + r) * tile_rows;
                    writeSums(args, work.sums[l][r], row + first, smaller(tile_rows, rows - first), o + l * kSide,
                              left[l].outs, k > 0);
                }
            }
        }
    }
}

// In as few batches as do, of about one size.
template <class Args>
void multiplyRows(const Args& args) {
    if (args.n_rows == 0 || args.out_begin == args.out_end) {
        return;
    }
    Workspace work;
    const Tiles tiles(kConfigs.of[kTileHeight]);
    const int64_t batches = parts(args.n_rows, kMostRight * rowsATile(args));
    for (int64_t row = 0, b = 0; b < batches; ++b) {
        const int64_t rows = parts(args.n_rows - row, batches - b);
        int64_t k = 0;
        do {
            multiplyBlock(args, row, rows, k, work);
            k += kBlock;
        } while (k < args.w.cols);
        row += rows;
    }
}

}  // namespace

namespace amx {

void matmulBf16(const MatmulBf16Args& args) { multiplyRows(args); }

void matmul(const MatmulArgs& args) {
    if (args.w.type == TensorType::BF16) {
        multiplyRows(args);
    } else {
        avx512::matmul(args);
    }
}

double bf16Rounds(int64_t rounds, float* sink) {
    alignas(64) float sums[kSide][kSide];
    const Tiles tiles(kConfigs.of[kTileHeight]);
    zeroTiles();
    for (int64_t r = 0; r < rounds; ++r) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums, kTileWidth);
    *sink += sums[0][0];
    return static_cast<double>(rounds) * 4.0 * 2.0 * kSide * kSide * static_cast<double>(kSlice);
}

}  // namespace amx
}  // namespace quibble::kernels
