// Products of packed weights by tile instructions: the exact dots of up to 16 rows with 16 outputs come from one of
// them, and what is made of the dots is the text of packed_body.h, so that every bit is that of the avx512 table.
//
// Two panels are multiplied with up to kRowBatch rows from their first input to the last, in chunks of kSlices slices.
// A slice is the inputs that share a scale, 32 or 16. A chunk is unpacked once into memory, as signed bytes (code -
// offset) so that no row needs a correction, and then multiplied with one group of rows after the other. The tile unit
// is fast and what follows is not: scaling 16 dots takes three to five vector instructions, two a cycle. So the dots of
// a group go to memory, and while the tile unit makes those of the next group, the vector units scale these, four rows
// at a time with the sums in registers. All of it but the activations stays in the first-level cache (48 KiB): sums 8,
// dots 16, codes 4, scales up to 4.
#include "kernels/cpu/packed_avx512.h"

#include "kernels/cpu/amx_tiles.h"
#include "kernels/cpu/packed_body.h"
#include "kernels/cpu/tables.h"
#include "kernels/cpu/variants.h"

namespace quibble::kernels {
namespace {

// Fewer rows are left to the dot-product instructions, which take codes from registers where tiles want them in memory.
// Even without the tile instructions what is left of this file took as long as they for 4 rows, and three quarters of
// that for 8 (Zen 4, 1536 x 1536, Q8_0 to Q6_K).
constexpr int64_t kLeastTileRows = 8;

constexpr int kSlices = 4;
constexpr int kPair = 2;       // panels
constexpr int kStripRows = 4;  // whose sums are in registers together
constexpr int kTileSums = kTileHeight * static_cast<int>(kPanelOutputs);

constexpr TileConfigs kConfigs32 = tileConfigs(32);
constexpr TileConfigs kConfigs16 = tileConfigs(16);

template <PackedFormat F>
struct Sizes {
    static constexpr int kSubs = F.subs();  // constants, because a call would be to an inline function for every CPU
    static constexpr int kSliceBytes = 16 * F.sub_width;       // of one panel, unpacked
    static constexpr int kBlocks = kSlices / Sizes<F>::kSubs;  // of a chunk
    static constexpr int kBlockFloats = 16 * F.subs() * (F.minimum ? 2 : 1);
};

// Scales, then minima, of the blocks of a chunk.
template <PackedFormat F>
struct StoredScales {
    alignas(64) float values[kPair][Sizes<F>::kBlocks][Sizes<F>::kBlockFloats];
};

struct StoredDots {
    alignas(64) int32_t values[kSlices][kPair][kTileSums];
};

// How the rows of a call are split. All batches are of one size, and all groups, so that one configuration serves the
// call; the last of them begins early enough to be full, and what it repeats comes out the same.
struct RowSplit {
    int64_t n_rows;
    int64_t batch_rows;
    int64_t batches;
    int64_t group_rows;
    int64_t groups;  // of a batch

    static QUIBBLE_INLINE int64_t parts(int64_t n, int64_t most) { return (n + most - 1) / most; }
    static QUIBBLE_INLINE int64_t partSize(int64_t n, int64_t most) { return parts(n, parts(n, most)); }

    QUIBBLE_INLINE explicit RowSplit(int64_t n)
        : n_rows(n),
          batch_rows(partSize(n, kRowBatch)),
          batches(parts(n, batch_rows)),
          group_rows(partSize(batch_rows, kTileHeight)),
          groups(parts(batch_rows, group_rows)) {}

    QUIBBLE_INLINE int64_t batchBegin(int64_t i) const { return least(i * batch_rows, n_rows - batch_rows); }
    QUIBBLE_INLINE int64_t groupBegin(int64_t i) const {
        return least(i * group_rows, batch_rows - group_rows);
    }  // in its batch
    static QUIBBLE_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
};

// Dots of a group of rows with a chunk, waiting to be scaled and added.
template <PackedFormat F>
struct Pending {
    const StoredDots* dots = nullptr;
    const StoredScales<F>* scales = nullptr;
    const std::byte* x = nullptr;  // the chunk's first block of the group's first row
    float* acc = nullptr;          // 16 sums for each row; the second panel's kPanelSums later
    int64_t rows = 0;              // 0: nothing waits
    int64_t blocks = 0;
};

template <PackedFormat F>
struct Workspace {
    alignas(64) std::byte codes[kPair][kSlices * Sizes<F>::kSliceBytes];
    StoredScales<F> scales[2];
    StoredDots dots[2];
    alignas(64) float acc[kPair][kPanelSums];
    int next_scales = 0;
    int next_dots = 0;
    Pending<F> pending;
};

template <PackedFormat F>
QUIBBLE_INLINE void storeScales(const BlockScales<F>& by, float* out) {
    store(out, by.scale[0]);
    if constexpr (F.subs() == 2) {
        store(out + 16, by.scale[1]);
    }
    if constexpr (F.minimum) {
        store(out + 16 * Sizes<F>::kSubs, by.minimum[0]);
        if constexpr (F.subs() == 2) {
            store(out + 48, by.minimum[1]);
        }
    }
}

template <PackedFormat F>
QUIBBLE_INLINE BlockScales<F> loadScales(const float* p) {
    BlockScales<F> by;
    by.scale[0] = load(p);
    if constexpr (F.subs() == 2) {
        by.scale[1] = load(p + 16);
    }
    if constexpr (F.minimum) {
        by.minimum[0] = load(p + 16 * Sizes<F>::kSubs);
        if constexpr (F.subs() == 2) {
            by.minimum[1] = load(p + 48);
        }
    }
    return by;
}

// Blocks [first, first + n) of unit u of a panel. Meanwhile fetches as much of what lies `next` bytes further on
// (toNextUnit).
template <PackedFormat F>
void unpackChunk(const Panels<F>& panels, int64_t panel, int64_t u, int64_t first, int64_t n, int64_t next,
                 std::byte* out, float (*scales)[Sizes<F>::kBlockFloats]) {
    using P = Panels<F>;
    const std::byte* unit = panels.unit(panel, u);
    const UnitHead head = loadHead<F>(unit);
    const std::byte* scale_bytes = unit + P::kHeadBytes + first * P::kScaleBytes;
    const std::byte* codes = unit + P::kHeadBytes + panels.unitBlocks(u) * P::kScaleBytes + first * P::kCodeBytes;
    const std::byte* ahead = unit + next + first * (P::kUnitBytes / kUnitBlocks);
    for (int64_t b = 0; b < n; ++b) {
        fetchLines<P::kUnitBytes / kUnitBlocks>(ahead);
        ahead += P::kUnitBytes / kUnitBlocks;
        PackedBlock<F> w;
        unpackScales<F>(scale_bytes, head, w.by);
        unpackCodes<F>(codes, w);
        storeScales<F>(w.by, scales[b]);
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j) {
            const Bytes offset = _mm512_set1_epi8(static_cast<char>(F.offset_shift > 0 ? 1 << F.offset_shift : 0));
            _mm512_store_si512(out + 64 * j, _mm512_sub_epi8(w.q[j], offset));
        }
        scale_bytes += P::kScaleBytes;
        codes += P::kCodeBytes;
        out += 512;
    }
}

// Slice s of the codes with a group of rows, whose activations begin at x. The sums of an even slice are in tiles 0 and
// 1, of an odd in 2 and 3.
template <PackedFormat F, int kPanels>
QUIBBLE_INLINE void multiplySlice(const Workspace<F>& work, const std::byte* x, size_t x_stride, int s) {
    const std::byte* left =
        x + s / Sizes<F>::kSubs * static_cast<int>(sizeof(Q8Block)) + s % Sizes<F>::kSubs * F.sub_width;
    const std::byte* right = work.codes[0] + s * Sizes<F>::kSliceBytes;
    if (s % 2 == 0) {
        _tile_loadd(4, left, x_stride);
        _tile_loadd(6, right, kTileWidth);
        _tile_zero(0);
        _tile_dpbssd(0, 4, 6);
        if constexpr (kPanels == 2) {
            _tile_loadd(7, right + sizeof(work.codes[0]), kTileWidth);
            _tile_zero(1);
            _tile_dpbssd(1, 4, 7);
        }
    } else {
        _tile_loadd(5, left, x_stride);
        _tile_loadd(6, right, kTileWidth);
        _tile_zero(2);
        _tile_dpbssd(2, 5, 6);
        if constexpr (kPanels == 2) {
            _tile_loadd(7, right + sizeof(work.codes[0]), kTileWidth);
            _tile_zero(3);
            _tile_dpbssd(3, 5, 7);
        }
    }
}

template <int kPanels>
QUIBBLE_INLINE void storeSlice(StoredDots& dots, int s) {
    if (s % 2 == 0) {
        _tile_stored(0, dots.values[s][0], kTileWidth);
        if constexpr (kPanels == 2) {
            _tile_stored(1, dots.values[s][1], kTileWidth);
        }
    } else {
        _tile_stored(2, dots.values[s][0], kTileWidth);
        if constexpr (kPanels == 2) {
            _tile_stored(3, dots.values[s][1], kTileWidth);
        }
    }
}

// Adds rows [first, first + kRows) of what waits to their sums.
template <PackedFormat F, int kPanels, int kRows>
QUIBBLE_INLINE void addRows(const Pending<F>& pending, size_t x_stride, int64_t first) {
    float* sums = pending.acc + first * kPanelOutputs;
    const std::byte* x = pending.x + static_cast<size_t>(first) * x_stride;
    Vec acc[kPanels][kRows];
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
        for (int i = 0; i < kRows; ++i) {
            acc[p][i] = load(sums + p * kPanelSums + i * kPanelOutputs);
        }
    }
    for (int64_t b = 0; b < pending.blocks; ++b) {
        const auto* dots = pending.dots->values[b * Sizes<F>::kSubs];
        BlockScales<F> by[kPanels];
#pragma GCC unroll 2
        for (int p = 0; p < kPanels; ++p) {
            by[p] = loadScales<F>(pending.scales->values[p][b]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < kRows; ++i) {
            const int64_t at = (first + i) * kPanelOutputs;
#pragma GCC unroll 2
            for (int p = 0; p < kPanels; ++p) {
                const auto dot = [&] { return _mm512_load_si512(dots[p] + at); };
                const auto last = [&] { return _mm512_load_si512(dots[kPair + p] + at); };
                acc[p][i] = addDots<F>(acc[p][i], dot, last, by[p], x + static_cast<size_t>(i) * x_stride);
            }
        }
        x += sizeof(Q8Block);
    }
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
        for (int i = 0; i < kRows; ++i) {
            store(sums + p * kPanelSums + i * kPanelOutputs, acc[p][i]);
        }
    }
}

// Strip `number` of what waits, if it has that many.
template <PackedFormat F, int kPanels>
void addStrip(const Pending<F>& pending, size_t x_stride, int number) {
    int64_t first = number * kStripRows;
    if (first + kStripRows <= pending.rows) {
        addRows<F, kPanels, kStripRows>(pending, x_stride, first);
        return;
    }
    for (; first < pending.rows; ++first) {
        addRows<F, kPanels, 1>(pending, x_stride, first);
    }
}

// Makes the dots of a group of rows with the chunk that is unpacked, and meanwhile adds those that wait.
template <PackedFormat F, int kPanels>
void multiplyGroup(Workspace<F>& work, const Pending<F>& next, size_t x_stride) {
    StoredDots& dots = work.dots[work.next_dots];
    const int slices = static_cast<int>(next.blocks) * Sizes<F>::kSubs;
#pragma GCC unroll 4
    for (int s = 0; s < kSlices; ++s) {
        if (s < slices) {
            multiplySlice<F, kPanels>(work, next.x, x_stride, s);
        }
        if (s > 0 && s <= slices) {
            storeSlice<kPanels>(dots, s - 1);
        }
        addStrip<F, kPanels>(work.pending, x_stride, s);
    }
    if (slices == kSlices) {
        storeSlice<kPanels>(dots, kSlices - 1);
    }
    work.pending = next;
    work.pending.dots = &dots;
    work.next_dots ^= 1;
}

template <PackedFormat F, int kPanels>
void finishPending(Workspace<F>& work, size_t x_stride) {
    for (int s = 0; s < kSlices; ++s) {
        addStrip<F, kPanels>(work.pending, x_stride, s);
    }
    work.pending.rows = 0;
}

// All rows of the batch that begins at `row` with one unit of one or two panels.
template <PackedFormat F, int kPanels>
void multiplyUnit(const Panels<F>& panels, const RowSplit& split, int64_t row, int64_t panel, int64_t u,
                  Workspace<F>& work) {
    constexpr int64_t kBlocks = Sizes<F>::kBlocks;
    const int64_t blocks = panels.unitBlocks(u);
    const int64_t next = panels.toNextUnit(u, kPanels);
    for (int64_t first = 0; first < blocks; first += kBlocks) {
        const int64_t n = RowSplit::least(kBlocks, blocks - first);
        StoredScales<F>& scales = work.scales[work.next_scales];
        work.next_scales ^= 1;
        for (int p = 0; p < kPanels; ++p) {
            unpackChunk<F>(panels, panel + p, u, first, n, next, work.codes[p], scales.values[p]);
        }
        writtenForTiles();
        const std::byte* x = panels.row(row) + (u * kUnitBlocks + first) * static_cast<int64_t>(sizeof(Q8Block));
        for (int64_t g = 0; g < split.groups; ++g) {
            const std::byte* group_x = x + static_cast<size_t>(split.groupBegin(g)) * panels.args.xq_stride;
            float* group_acc = work.acc[0] + g * split.group_rows * kPanelOutputs;
            multiplyGroup<F, kPanels>(work, {nullptr, &scales, group_x, group_acc, split.group_rows, n},
                                      panels.args.xq_stride);
        }
    }
}

// All rows of the batch that begins at `row` with one or two panels.
template <PackedFormat F, int kPanels>
void multiplyPanels(const Panels<F>& panels, const RowSplit& split, int64_t row, int64_t panel, Workspace<F>& work) {
    for (int p = 0; p < kPanels; ++p) {
        for (int64_t slot = 0; slot < split.groups * split.group_rows; ++slot) {
            store(work.acc[p] + slot * kPanelOutputs, zero());
        }
    }
    for (int64_t u = 0; u * kUnitBlocks < panels.blocks; ++u) {
        multiplyUnit<F, kPanels>(panels, split, row, panel, u, work);
    }
    finishPending<F, kPanels>(work, panels.args.xq_stride);
    for (int64_t g = 0; g < split.groups; ++g) {
        for (int64_t i = 0; i < split.group_rows; ++i) {
            const int64_t slot = g * split.group_rows + i;
            for (int p = 0; p < kPanels; ++p) {
                panels.put(row + split.groupBegin(g) + i, panel + p, load(work.acc[p] + slot * kPanelOutputs));
            }
        }
    }
}

template <PackedFormat F>
void multiplyTiles(const MatmulPackedArgs& args) {
    const Panels<F> panels{args, panelBytes(*packedFormat(args.w.type), args.w.cols), args.w.cols / 32};
    const RowSplit split(args.n_rows);
    const Tiles tiles((F.sub_width == 32 ? kConfigs32 : kConfigs16).of[split.group_rows]);
    Workspace<F> work;
    const int64_t panel_begin = args.out_begin / kPanelOutputs;
    const int64_t panel_end = (args.out_end + kPanelOutputs - 1) / kPanelOutputs;
    for (int64_t batch = 0; batch < split.batches; ++batch) {
        const int64_t row = split.batchBegin(batch);
        int64_t p = panel_begin;
        for (; p + kPair <= panel_end; p += kPair) {
            multiplyPanels<F, kPair>(panels, split, row, p, work);
        }
        if (p < panel_end) {
            multiplyPanels<F, 1>(panels, split, row, p, work);
        }
    }
}

}  // namespace

namespace amx {

void matmulPacked(const MatmulPackedArgs& args) {
    if (args.n_rows < kLeastTileRows) {
        avx512::matmulPacked(args);
    } else if (args.out_begin < args.out_end) {
        withFormat(args.w.type, [&args]<PackedFormat F>() { multiplyTiles<F>(args); });
    }
}

}  // namespace amx
}  // namespace quibble::kernels
