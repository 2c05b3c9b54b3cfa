// y = x w^T with float activations, for any stored type.
//
// The fixed order: element k of a product goes to lane k mod 16 of one accumulator, in rising k, by fused multiply-add;
// lanes are joined by the tree of sumLanes. A tile of several rows and outputs keeps one such accumulator for each of
// its elements, so the tile's shape cannot change a bit. Weights enter as the floats that dequantizeRow gives, so
// neither can the way they are decoded.
#include "kernels/cpu/vec.h"

#include "kernels/cpu/stored_rows.h"
#include "kernels/cpu/tables.h"

namespace quibble::kernels {
namespace {

constexpr int64_t kRowBatch = 64;  // rows that share one pass over the weights
constexpr int64_t kChunk = 256;    // columns decoded at a time: a whole number of blocks of every type
constexpr int kDecodedOuts = 4;    // outputs decoded together
constexpr int64_t kSegment = 128;  // columns between two fetches ahead

// What a tile fetches into the cache while it multiplies. The hardware looks ahead only inside a page, which is little
// more than a row.
//
// Its part of the weights of the outputs that come next: the first of several tiles would wait for memory while the
// others leave it idle.
struct NextOutputs {
    static constexpr int64_t kColumns = kSegment;  // between two fetches

    const std::byte* begin = nullptr;
    int64_t bytes = 0;
    int64_t step = 0;  // a segment's share

    // Part `tile` of `tiles` of the bytes.
    static QUIBBLE_INLINE NextOutputs part(const std::byte* begin, size_t bytes, int64_t cols, int64_t tile,
                                           int64_t tiles) {
        const int64_t lines = (static_cast<int64_t>(bytes) / 64 + tiles - 1) / tiles;
        const int64_t segments = cols / kSegment + 1;
        return {begin + 64 * lines * tile, 64 * lines, 64 * ((lines + segments - 1) / segments)};
    }
    template <class Row, int kOuts>
    QUIBBLE_INLINE void fetch(const Row (&/*rows*/)[kOuts], int64_t k) const {
        const int64_t from = k / kSegment * step;
        const int64_t to = least(bytes, from + step);
        for (int64_t at = from; at < to; at += 64) {
            __builtin_prefetch(begin + at, 0, 2);  // into the second-level cache
        }
    }
};

// For a tile that is alone with its outputs: what it will multiply itself in a moment. `distance` bytes further on in
// each row of weights, or, where that is beyond the end, in the row that the same place of the next outputs takes. 0
// leaves it to the hardware.
struct SameRows {
    static constexpr int64_t kColumns = 32;

    int64_t row_bytes = 0;
    int64_t distance = 0;

    template <class Row, int kOuts>
    QUIBBLE_INLINE void fetch(const Row (&rows)[kOuts], int64_t k) const {
        if (distance == 0) {
            return;
        }
        int64_t at = Row::bytes(k) + distance;
        if (at >= row_bytes) {
            at += at / row_bytes * (kOuts - 1) * row_bytes;
        }
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            for (int64_t line = 0; line < Row::bytes(kColumns); line += 64) {
                __builtin_prefetch(rows[o].p + at + line);
            }
        }
    }
};

// Stays inside one group: scale and zero are those of the columns being read.
struct RtnRow {
    const uint8_t* codes;
    Vec scale;
    Vec zero;
    QUIBBLE_INLINE Vec at(int64_t k) const { return mul(scale, sub(loadU8(codes + k), zero)); }
    QUIBBLE_INLINE Vec tail(int64_t k, int64_t n) const {
        return keepLanes(mul(scale, sub(loadU8Tail(codes + k, n), zero)), n);
    }
};

// Rows are cut into as few tiles of at most `most` as do, of about one size: so many, of which the next takes tileRows
// of those that are left.
QUIBBLE_INLINE int64_t tilesOf(int64_t rows, int64_t most = kTileRows) { return (rows + most - 1) / most; }
QUIBBLE_INLINE int64_t tileRows(int64_t rows_left, int64_t tiles_left) {
    return (rows_left + tiles_left - 1) / tiles_left;
}

// Adds columns [begin, end) to the accumulators; begin is a multiple of 16, and end is too unless the row ends there.
template <class Row, int kRows, int kOuts>
QUIBBLE_INLINE void accumulate(Vec (&acc)[kRows][kOuts], const Row (&rows)[kOuts], const float* const (&x)[kRows],
                               int64_t begin, int64_t end) {
    int64_t k = begin;
    for (; k + 16 <= end; k += 16) {
        if constexpr (kRows == 1) {
            const Vec xv = load(x[0] + k);
#pragma GCC unroll 8
            for (int o = 0; o < kOuts; ++o) {
                acc[0][o] = fma(rows[o].at(k), xv, acc[0][o]);
            }
        } else {
            Vec w[kOuts];
#pragma GCC unroll 8
            for (int o = 0; o < kOuts; ++o) {
                w[o] = hold(rows[o].at(k));
            }
#pragma GCC unroll 8
            for (int r = 0; r < kRows; ++r) {
                const Vec xv = hold(load(x[r] + k));
#pragma GCC unroll 8
                for (int o = 0; o < kOuts; ++o) {
                    acc[r][o] = fma(w[o], xv, acc[r][o]);
                }
            }
        }
    }
    if (k < end) {
        for (int o = 0; o < kOuts; ++o) {
            const Vec w = rows[o].tail(k, end - k);
#pragma GCC unroll 8
            for (int r = 0; r < kRows; ++r) {
                acc[r][o] = fma(w, loadTail(x[r] + k, end - k), acc[r][o]);
            }
        }
    }
}

template <int kRows, int kOuts>
QUIBBLE_INLINE void finish(const Vec (&acc)[kRows][kOuts], const MatmulArgs& args, int64_t r0, int64_t o0) {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
        float* y = args.y + (r0 + r) * args.y_stride + o0;
        if constexpr (kOuts % 4 == 0) {
#pragma GCC unroll 2
            for (int o = 0; o < kOuts; o += 4) {
                sumLanes4(acc[r][o], acc[r][o + 1], acc[r][o + 2], acc[r][o + 3], y + o);
            }
        } else {
#pragma GCC unroll 8
            for (int o = 0; o < kOuts; ++o) {
                y[o] = sumLanes(acc[r][o]);
            }
        }
    }
}

template <int kRows, int kOuts>
QUIBBLE_INLINE void clear(Vec (&acc)[kRows][kOuts]) {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            acc[r][o] = zero();
        }
    }
}

// Weights that are decoded in registers on their way to the product: one segment for plain types ...
template <class Row>
struct PlainTile {
    template <int kRows, int kOuts, class Ahead>
    static void run(const MatmulArgs& args, int64_t r0, int64_t o0, const Ahead& ahead) {
        Vec acc[kRows][kOuts];
        clear(acc);
        Row rows[kOuts];
        const float* x[kRows];
        for (int o = 0; o < kOuts; ++o) {
            rows[o].p = args.w.data + static_cast<size_t>(o0 + o) * args.w.row_bytes;
        }
        for (int r = 0; r < kRows; ++r) {
            x[r] = args.x + (r0 + r) * args.x_stride;
        }
        for (int64_t k = 0; k < args.w.cols; k += Ahead::kColumns) {
            ahead.fetch(rows, k);
            accumulate(acc, rows, x, k, least(args.w.cols, k + Ahead::kColumns));
        }
        finish(acc, args, r0, o0);
    }
};

// ... and one a group for round-to-nearest groups whose width is a multiple of 16 (others are decoded in chunks).
struct RtnTile {
    template <int kRows, int kOuts, class Ahead>
    static void run(const MatmulArgs& args, int64_t r0, int64_t o0, const Ahead& /*ahead*/) {
        Vec acc[kRows][kOuts];
        clear(acc);
        RtnRow rows[kOuts];
        const float* x[kRows];
        const int64_t cols = args.w.cols;
        const int64_t group = static_cast<int64_t>(args.w.rtn.group);
        const int64_t groups = (cols + group - 1) / group;
        for (int o = 0; o < kOuts; ++o) {
            rows[o].codes = args.w.rtn.codes + (o0 + o) * cols;
        }
        for (int r = 0; r < kRows; ++r) {
            x[r] = args.x + (r0 + r) * args.x_stride;
        }
        for (int64_t g = 0; g < groups; ++g) {
#pragma GCC unroll 8
            for (int o = 0; o < kOuts; ++o) {
                rows[o].scale = set1(args.w.rtn.scale[(o0 + o) * groups + g]);
                rows[o].zero = set1(args.w.rtn.zero[(o0 + o) * groups + g]);
            }
            accumulate(acc, rows, x, g * group, least(cols, (g + 1) * group));
        }
        finish(acc, args, r0, o0);
    }
};

// Rows [r, r + n) against kOuts outputs from o0 on, n <= kTileRows.
template <class Tile, int kOuts, int kRows = kTileRows, class Ahead>
QUIBBLE_INLINE void someRows(const MatmulArgs& args, int64_t r, int64_t n, int64_t o0, const Ahead& ahead) {
    if (n == kRows) {
        Tile::template run<kRows, kOuts>(args, r, o0, ahead);
    } else if constexpr (kRows > 1) {
        someRows<Tile, kOuts, kRows - 1>(args, r, n, o0, ahead);
    }
}

// All rows of a batch, in tiles of about one size.
template <class Tile, int kOuts>
QUIBBLE_INLINE void allRows(const MatmulArgs& args, int64_t begin, int64_t end, int64_t o0) {
    const size_t bytes = kOuts * args.w.row_bytes;
    const std::byte* next = args.w.data + static_cast<size_t>(o0 + kOuts) * args.w.row_bytes;
    const int64_t tiles = tilesOf(end - begin);
    for (int64_t r = begin, tile = 0; tile < tiles; ++tile) {
        const int64_t n = tileRows(end - r, tiles - tile);
        someRows<Tile, kOuts>(args, r, n, o0, NextOutputs::part(next, bytes, args.w.cols, tile, tiles));
        r += n;
    }
}

template <class Tile>
void matmulTiles(const MatmulArgs& args) {
    for (int64_t begin = 0; begin < args.n_rows; begin += kRowBatch) {
        const int64_t end = least(args.n_rows, begin + kRowBatch);
        int64_t o = args.out_begin;
        if (end - begin == 1) {
            for (; o + kStreamOuts <= args.out_end; o += kStreamOuts) {
                allRows<Tile, kStreamOuts>(args, begin, end, o);
            }
        }
        for (; o + kTileOuts <= args.out_end; o += kTileOuts) {
            allRows<Tile, kTileOuts>(args, begin, end, o);
        }
        for (; o < args.out_end; ++o) {
            allRows<Tile, 1>(args, begin, end, o);
        }
    }
}

// n_rows is 1, or at most kTileRows: every row of weights is read once, and MatmulArgs::fetch_ahead says how far ahead.
template <class Row>
void matmulFewRows(const MatmulArgs& args) {
    const SameRows ahead{static_cast<int64_t>(args.w.row_bytes), args.fetch_ahead};
    int64_t o = args.out_begin;
    if (args.n_rows == 1) {
        for (; o + kFetchedOuts <= args.out_end; o += kFetchedOuts) {
            PlainTile<Row>::template run<1, kFetchedOuts>(args, 0, o, ahead);
        }
    }
    for (; o + kTileOuts <= args.out_end; o += kTileOuts) {
        someRows<PlainTile<Row>, kTileOuts>(args, 0, args.n_rows, o, ahead);
    }
    for (; o < args.out_end; ++o) {
        someRows<PlainTile<Row>, 1>(args, 0, args.n_rows, o, ahead);
    }
}

// Continues the sums of rows [r, r + kRows) over one decoded chunk; acc holds kDecodedOuts accumulators a row.
template <int kRows, int kOuts>
QUIBBLE_INLINE void addChunk(Vec* stored, const float (&weights)[kDecodedOuts][kChunk], int first, const float* x,
                             int64_t x_stride, int64_t n) {
    Vec acc[kRows][kOuts];
    F32Row rows[kOuts];
    const float* row_x[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
        row_x[r] = x + r * x_stride;
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            acc[r][o] = stored[r * kDecodedOuts + first + o];
        }
    }
#pragma GCC unroll 8
    for (int o = 0; o < kOuts; ++o) {
        rows[o].p = reinterpret_cast<const std::byte*>(weights[first + o]);
    }
    accumulate(acc, rows, row_x, 0, n);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            stored[r * kDecodedOuts + first + o] = acc[r][o];
        }
    }
}

// The same for n <= kTileRows rows and all outputs of the chunk.
template <int kRows = kTileRows>
QUIBBLE_INLINE void addChunks(Vec* stored, const float (&weights)[kDecodedOuts][kChunk], const float* x,
                              int64_t x_stride, int64_t rows, int64_t n) {
    if (rows == kRows) {
        constexpr int kOuts = kRows == 1 ? kDecodedOuts : kTileOuts;
        for (int first = 0; first < kDecodedOuts; first += kOuts) {
            addChunk<kRows, kOuts>(stored, weights, first, x, x_stride, n);
        }
    } else if constexpr (kRows > 1) {
        addChunks<kRows - 1>(stored, weights, x, x_stride, rows, n);
    }
}

// Every other type: 4 outputs x 256 columns become floats in the first-level cache and meet all rows of the batch
// there. Missing outputs of the last group are zero weights whose sums nobody reads.
void matmulDecoded(const MatmulArgs& args) {
    Vec acc[kRowBatch * kDecodedOuts];
    alignas(64) float weights[kDecodedOuts][kChunk] = {};
    for (int64_t begin = 0; begin < args.n_rows; begin += kRowBatch) {
        const int64_t rows = least(args.n_rows - begin, kRowBatch);
        const float* x = args.x + begin * args.x_stride;
        for (int64_t o = args.out_begin; o < args.out_end; o += kDecodedOuts) {
            const int64_t outs = least(args.out_end - o, kDecodedOuts);
            for (int64_t i = 0; i < rows * kDecodedOuts; ++i) {
                acc[i] = zero();
            }
            for (int64_t k = 0; k < args.w.cols; k += kChunk) {
                const int64_t n = least(args.w.cols - k, kChunk);
                for (int64_t i = 0; i < outs; ++i) {
                    isa::decodeChunk(args.w, o + i, k, n, weights[i]);
                }
                const int64_t tiles = tilesOf(rows);
                for (int64_t r = 0, tile = 0; tile < tiles; ++tile) {
                    const int64_t count = tileRows(rows - r, tiles - tile);
                    addChunks(acc + r * kDecodedOuts, weights, x + r * args.x_stride + k, args.x_stride, count, n);
                    r += count;
                }
            }
            for (int64_t r = 0; r < rows; ++r) {
                for (int64_t i = 0; i < outs; ++i) {
                    args.y[(begin + r) * args.y_stride + o + i] = sumLanes(acc[r * kDecodedOuts + i]);
                }
            }
        }
    }
}

// Many rows of plain types. Over the whole length of long rows the activations of all tiles would come from a far cache
// again for every few outputs. So columns are cut into chunks and outputs into panels. The activations of a tile's rows
// stay in the first-level cache for a chunk of a whole panel, whose weights wait in the second-level cache for the
// tiles of the other rows; the sums of a panel wait in memory from one chunk to the next. A tile is high rather than
// wide, so that a weight becomes a float once for as many rows as registers hold.
constexpr int kPanelTileRows = 8;  // 8 x 3 or 6 x 4 sums take 24 of the 32 registers
constexpr int panelTileOuts(int rows) { return rows > 6 ? 3 : 4; }
constexpr int kLeastTileRows = 4;  // more than kTileRows rows are cut into tiles of so many at least
constexpr int64_t kPanelOuts = 48;
constexpr int64_t kPanelStep = 12;  // whole tiles of every size
constexpr int64_t kPanelCols = 768;

// Where cutting pays, as measured: where the activations of a batch take too much of a second-level cache of 1 MiB, and
// for a few tiles of short rows, whose activations take no more than a fraction of it.
QUIBBLE_INLINE bool isCut(int64_t rows, int64_t cols) {
    const int64_t floats = least(rows, kRowBatch) * cols;
    const bool few_tiles = rows >= kPanelTileRows && rows <= 3 * kPanelTileRows;
    const bool short_rows = cols >= 1536 && cols <= 3072 && floats <= 64 * 1024;
    return rows > kTileRows && (floats > 200 * 1024 || (few_tiles && short_rows));
}

// A chunk of columns of all outputs of a panel, and the one that comes next.
struct Chunk {
    const std::byte* w;
    const std::byte* next;
    int64_t row_bytes;
    int64_t next_lines;  // of each output
    int64_t line_step;   // so many of them before each segment
    const float* x;
    int64_t x_stride;
    int64_t cols;
    float* sums;  // for each row tile [outputs of a panel][rows of the tile][16]
    bool first;   // sums begin here ...
    bool last;    // ... and end here, in y
    float* y;
    int64_t y_stride;
};

// Rows of a tile, and which of the next lines are fetched meanwhile.
struct Tile {
    int64_t row;
    int64_t line_begin;
    int64_t line_end;
};

template <int kRows, int kOuts>
QUIBBLE_INLINE void putSums(const Vec (&acc)[kRows][kOuts], float* y, int64_t y_stride) {
    constexpr int kCount = kRows * kOuts;
    float sums[kCount];
#pragma GCC unroll 8
    for (int i = 0; i < kCount / 4 * 4; i += 4) {
        sumLanes4(acc[i / kOuts][i % kOuts], acc[(i + 1) / kOuts][(i + 1) % kOuts],
                  acc[(i + 2) / kOuts][(i + 2) % kOuts], acc[(i + 3) / kOuts][(i + 3) % kOuts], sums + i);
    }
#pragma GCC unroll 4
    for (int i = kCount / 4 * 4; i < kCount; ++i) {
        sums[i] = sumLanes(acc[i / kOuts][i % kOuts]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int o = 0; o < kOuts; ++o) {
            y[r * y_stride + o] = sums[r * kOuts + o];
        }
    }
}

template <class Row, int kRows, int kOuts>
void chunkTile(const Chunk& c, const Tile& tile, int64_t o) {
    Vec acc[kRows][kOuts];
    Row rows[kOuts];
    const float* x[kRows];
    const std::byte* next = c.next + o * c.row_bytes;
    float* sums = c.sums + (tile.row * kPanelOuts + o * kRows) * 16;
#pragma GCC unroll 8
    for (int i = 0; i < kOuts; ++i) {
        rows[i].p = c.w + (o + i) * c.row_bytes;
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
        x[r] = c.x + (tile.row + r) * c.x_stride;
    }
    if (c.first) {
        clear(acc);
    } else {
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
            for (int i = 0; i < kOuts; ++i) {
                acc[r][i] = load(sums + (i * kRows + r) * 16);
            }
        }
    }
    int64_t line = tile.line_begin;
    for (int64_t k = 0; k < c.cols; k += kSegment) {
        for (const int64_t end = least(tile.line_end, line + c.line_step); line < end; ++line) {
#pragma GCC unroll 8
            for (int i = 0; i < kOuts; ++i) {
                __builtin_prefetch(next + i * c.row_bytes + 64 * line, 0, 2);
            }
        }
        accumulate(acc, rows, x, k, least(c.cols, k + kSegment));
    }
    if (c.last) {
        putSums(acc, c.y + tile.row * c.y_stride + o, c.y_stride);
        return;
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int i = 0; i < kOuts; ++i) {
            store(sums + (i * kRows + r) * 16, acc[r][i]);
        }
    }
}

// Outputs [o, outs) in tiles of kOuts, what is left in smaller ones.
template <class Row, int kRows, int kOuts = panelTileOuts(kRows)>
QUIBBLE_INLINE void chunkOuts(const Chunk& c, const Tile& tile, int64_t o, int64_t outs) {
    for (; o + kOuts <= outs; o += kOuts) {
        chunkTile<Row, kRows, kOuts>(c, tile, o);
    }
    if constexpr (kOuts > 1) {
        if (o < outs) {
            chunkOuts<Row, kRows, kOuts - 1>(c, tile, o, outs);
        }
    }
}

// Rows [tile.row, tile.row + n), kLeastTileRows <= n <= kPanelTileRows.
template <class Row, int kRows = kPanelTileRows>
QUIBBLE_INLINE void chunkRows(const Chunk& c, const Tile& tile, int64_t n, int64_t outs) {
    if (n == kRows) {
        chunkOuts<Row, kRows>(c, tile, 0, outs);
    } else if constexpr (kRows > kLeastTileRows) {
        chunkRows<Row, kRows - 1>(c, tile, n, outs);
    }
}

// Rows [begin, begin + rows).
template <class Row>
void matmulPanels(const MatmulArgs& args, int64_t begin, int64_t rows, float* sums) {
    const int64_t cols = args.w.cols;
    const auto row_bytes = static_cast<int64_t>(args.w.row_bytes);
    const int64_t tiles = tilesOf(rows, kPanelTileRows);
    const int64_t chunk = (tileRows(cols, (cols + kPanelCols - 1) / kPanelCols) + 63) / 64 * 64;  // of about one size
    int64_t panels = (args.out_end - args.out_begin + kPanelOuts - 1) / kPanelOuts;
    for (int64_t o = args.out_begin, outs = 0; panels > 0; o += outs, --panels) {
        // Of about one size, in whole tiles.
        outs = (tileRows(args.out_end - o, panels) + kPanelStep - 1) / kPanelStep * kPanelStep;
        outs = least(outs, args.out_end - o);
        const std::byte* panel = args.w.data + o * row_bytes;
        for (int64_t k = 0; k < cols; k += chunk) {
            const int64_t n = least(cols - k, chunk);
            const int64_t left = cols - k - n;
            Chunk c{};
            c.w = panel + Row::bytes(k);
            c.next = left > 0 ? c.w + Row::bytes(n) : panel + outs * row_bytes;
            c.next_lines = (Row::bytes(least(left > 0 ? left : cols, chunk)) + 63) / 64;
            // Spread over a tile: many at once would wait for each other, and the products for them.
            c.line_step = (c.next_lines / tiles + 1) * kSegment / (n + 1) + 1;
            c.row_bytes = row_bytes;
            c.x = args.x + begin * args.x_stride + k;
            c.x_stride = args.x_stride;
            c.cols = n;
            c.sums = sums;
            c.first = k == 0;
            c.last = left == 0;
            c.y = args.y + begin * args.y_stride + o;
            c.y_stride = args.y_stride;
            for (int64_t r = 0, t = 0; t < tiles; ++t) {
                const int64_t count = tileRows(rows - r, tiles - t);
                chunkRows<Row>(c, {r, c.next_lines * t / tiles, c.next_lines * (t + 1) / tiles}, count, outs);
                r += count;
            }
        }
    }
}

template <class Row>
void matmulPlain(const MatmulArgs& args) {
    if constexpr (kFetchedOuts > 0) {
        // Several rows only where a tile reads so many rows of weights together: with two of them, as AVX2 has it, a
        // third of the speed was lost.
        const int64_t most_rows = kTileOuts >= kFetchedOuts ? kTileRows : 1;
        if (args.n_rows <= most_rows && args.fetch_ahead != kNextOutputs) {
            matmulFewRows<Row>(args);
            return;
        }
    }
    if constexpr (kCutsRows) {
        if (isCut(args.n_rows, args.w.cols)) {
            alignas(64) float sums[kRowBatch * kPanelOuts * 16];
            int64_t batches = (args.n_rows + kRowBatch - 1) / kRowBatch;
            for (int64_t r = 0, n = 0; batches > 0; r += n, --batches) {
                n = tileRows(args.n_rows - r, batches);  // of about one size: more than half of kRowBatch, or all rows
                matmulPanels<Row>(args, r, n, sums);
            }
            return;
        }
    }
    matmulTiles<PlainTile<Row>>(args);
}

}  // namespace

void isa::matmul(const MatmulArgs& args) {
    switch (args.w.type) {
        case TensorType::F32: matmulPlain<F32Row>(args); return;
        case TensorType::F16: matmulPlain<F16Row>(args); return;
        case TensorType::BF16: matmulPlain<Bf16Row>(args); return;
        case TensorType::RtnGroup:
            if (args.w.rtn.group % 16 == 0 && args.n_rows <= kTileRows) {
                matmulTiles<RtnTile>(args);
                return;
            }
            matmulDecoded(args);
            return;
        default: matmulDecoded(args); return;
    }
}

}  // namespace quibble::kernels
