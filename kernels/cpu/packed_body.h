// y = x w^T of packed weights with activations rounded to 8 bits, for 16 outputs at a time: lane = output. Included
// after packed_*.h of one instruction set, which defines, beside the names of vec_*.h:
//   Bytes, Ints        64 bytes; 16 sums of products of four bytes
//   kPanelsTogether    panels whose unpacked block the registers hold
//   loadBytes64, keepBits<mask>, addBits<mask>, moveBits<by>, lookUp, loadCodeTable, prepareCodes<F>, dotCodes<F,
//   first, count>, toFloats, loadPowers, broadcast, broadcastInt
//   kRowsTogether<F, panels>, and dotRows<F> where it is more than 1: rows whose dots advance together
//
// The fixed order of one output: blocks of 32 inputs rise; in a block t = scale * dot (of the first half, then the
// second where a half has its own scale, joined by a fused multiply-add), then the minima likewise, then acc = fma(t, d
// of the activations, acc). The dots are exact integers, so nothing depends on how many rows or panels share what is
// unpacked.
#pragma once

#include "kernels/formats/iq4_values.h"
#include "kernels/op_table.h"
#include "kernels/packing/layout.h"

namespace quibble::kernels {
namespace {

constexpr int64_t kRowBatch = 64;  // at most
constexpr int64_t kPanelGroup = 4;
constexpr int64_t kPanelSums = kRowBatch * kPanelOutputs;
// Up to this many rows panels are streamed as few at a time as share registers; more rows make their activations too
// large for the first-level cache, so that a unit's part of them is used for kPanelGroup panels at a time.
constexpr int64_t kStreamRows = 8;

struct TableBytes {
    alignas(16) uint8_t values[16];
};

constexpr TableBytes tableOf(CodeTable table) {
    constexpr int kFp4Doubled[8] = {0, 1, 2, 3, 4, 6, 8, 12};
    TableBytes bytes{};
    for (int i = 0; i < 16; ++i) {
        const int fp4 = kFp4Offset + (i < 8 ? kFp4Doubled[i % 8] : -kFp4Doubled[i % 8]);
        bytes.values[i] = static_cast<uint8_t>(table == CodeTable::Iq4 ? kIq4Values[i] + kIq4Offset : fp4);
    }
    return bytes;
}
constexpr TableBytes kIq4Table = tableOf(CodeTable::Iq4);
constexpr TableBytes kFp4Table = tableOf(CodeTable::Fp4);

// Of 32 inputs of 16 outputs.
template <PackedFormat F>
struct BlockScales {
    Vec scale[F.subs()];
    Vec minimum[F.subs()];  // set if F.minimum
};

// The same, ready to multiply.
template <PackedFormat F>
struct PackedBlock {
    Bytes q[8];
    BlockScales<F> by;
};

// What a unit says about all its blocks.
struct UnitHead {
    Vec d;
    Vec dmin;
};

template <PackedFormat F>
QUIBBLE_INLINE UnitHead loadHead(const std::byte* p) {
    UnitHead head{zero(), zero()};
    if constexpr (F.hasHead()) {
        head.d = loadF16(p);
        if constexpr (F.minimum) {
            head.dmin = loadF16(p + 32);
        }
    }
    return head;
}

// Register j of the codes.
template <PackedFormat F, int j>
QUIBBLE_INLINE Bytes codesOf(const Bytes* low, const Bytes* high) {
    Bytes q;
    if constexpr (F.low_bits == 8) {
        q = low[j];
    } else if constexpr (F.low_bits == 4) {
        q = keepBits<15>(moveBits<(j < 4 ? 0 : -4)>(low[j % 4]));
    } else {
        q = keepBits<3>(moveBits<-2 * (j % 4)>(low[j / 4]));
    }
    if constexpr (F.high_bits == 1) {
        q = addBits<1 << F.low_bits>(q, moveBits<F.low_bits - j>(high[0]));
    } else if constexpr (F.high_bits == 2) {
        q = addBits<3 << F.low_bits>(q, moveBits<F.low_bits - 2 * (j % 4)>(high[j / 4]));
    }
    if constexpr (F.table != CodeTable::None) {
        q = lookUp(loadCodeTable(F.table == CodeTable::Iq4 ? kIq4Table : kFp4Table), q);
    }
    return prepareCodes<F>(q);
}

template <PackedFormat F>
QUIBBLE_INLINE void unpackCodes(const std::byte* p, PackedBlock<F>& w) {
    Bytes low[F.low_bits];
    Bytes high[F.high_bits > 0 ? F.high_bits : 1];
#pragma GCC unroll 8
    for (int i = 0; i < F.low_bits; ++i) {
        low[i] = loadBytes64(p + 64 * i);
    }
    if constexpr (F.high_bits > 0) {
        high[0] = loadBytes64(p + 64 * F.low_bits);
    }
    if constexpr (F.high_bits > 1) {
        high[1] = loadBytes64(p + 64 * (F.low_bits + 1));
    }
    w.q[0] = codesOf<F, 0>(low, high);
    w.q[1] = codesOf<F, 1>(low, high);
    w.q[2] = codesOf<F, 2>(low, high);
    w.q[3] = codesOf<F, 3>(low, high);
    w.q[4] = codesOf<F, 4>(low, high);
    w.q[5] = codesOf<F, 5>(low, high);
    w.q[6] = codesOf<F, 6>(low, high);
    w.q[7] = codesOf<F, 7>(low, high);
}

// Scale (and minimum) s of a block.
template <PackedFormat F, int s>
QUIBBLE_INLINE void unpackScale(const std::byte* p, const UnitHead& head, BlockScales<F>& by) {
    constexpr int kMinimumAt = F.minimumAt();
    if constexpr (F.scale == ScaleKind::Half) {
        by.scale[s] = loadF16(p + 32 * s);
        if constexpr (F.minimum) {
            by.minimum[s] = loadF16(p + kMinimumAt + 32 * s);
        }
    } else if constexpr (F.scale == ScaleKind::PowerOfTwo) {
        by.scale[s] = loadPowers(p + 16 * s);
    } else if constexpr (F.scale == ScaleKind::SignedByte) {
        by.scale[s] = mul(head.d, fromS8(loadBytes16(p + 16 * s)));
    } else if constexpr (F.scale == ScaleKind::Byte) {
        by.scale[s] = mul(head.d, fromU8(loadBytes16(p + 16 * s)));
        if constexpr (F.minimum) {
            by.minimum[s] = mul(head.dmin, fromU8(loadBytes16(p + kMinimumAt + 16 * s)));
        }
    } else {
        const Bytes16 bytes = loadBytes16(p + 16 * s);
        by.scale[s] = mul(head.d, fromU8(lowHalves(bytes)));
        by.minimum[s] = mul(head.dmin, fromU8(highHalves(bytes)));
    }
}

template <PackedFormat F>
QUIBBLE_INLINE void unpackScales(const std::byte* p, const UnitHead& head, BlockScales<F>& by) {
    unpackScale<F, 0>(p, head, by);
    if constexpr (F.subs() == 2) {
        unpackScale<F, 1>(p, head, by);
    }
}

// t + minimum times the sum of the activations; sums are stored negative.
template <PackedFormat F>
QUIBBLE_INLINE Vec addMinimum(Vec t, Vec minimum, const std::byte* minus_sum) {
    const Vec sum = broadcastInt(minus_sum);
    if constexpr (F.minimumIsSubtracted()) {
        return fma(minimum, sum, t);
    } else {
        return fnma(minimum, sum, t);
    }
}

// acc + what the dots of one row's block x (a Q8Block) stand for: dot() of all of it, or dot() and last() of its halves
// where these have scales of their own. The fixed order of a block is written here and nowhere else.
template <PackedFormat F, class Dot, class Last>
QUIBBLE_INLINE Vec addDots(Vec acc, const Dot& dot, const Last& last, const BlockScales<F>& by, const std::byte* x) {
    const std::byte* sums = x + offsetof(Q8Block, minus_sum);
    const std::byte* halves = x + offsetof(Q8Block, minus_half);
    Vec t = mul(toFloats(dot()), by.scale[0]);
    if constexpr (F.sub_width == 32) {
        if constexpr (F.minimum) {
            t = addMinimum<F>(t, by.minimum[0], sums);
        }
    } else {
        t = fma(toFloats(last()), by.scale[1], t);
        if constexpr (F.minimum) {
            t = addMinimum<F>(t, by.minimum[0], halves);
            t = addMinimum<F>(t, by.minimum[1], halves + 4);
        }
    }
    return fma(t, broadcast(x + offsetof(Q8Block, d)), acc);
}

// acc + the products of one row's block x.
template <PackedFormat F>
QUIBBLE_INLINE Vec addBlock(Vec acc, const PackedBlock<F>& w, const std::byte* x) {
    if constexpr (F.sub_width == 32) {
        const auto dot = [&] { return dotCodes<F, 0, 8>(w.q, x, x + offsetof(Q8Block, minus_sum)); };
        return addDots<F>(acc, dot, dot, w.by, x);
    } else {
        const std::byte* halves = x + offsetof(Q8Block, minus_half);
        const auto dot = [&] { return dotCodes<F, 0, 4>(w.q, x, halves); };
        const auto last = [&] { return dotCodes<F, 4, 4>(w.q, x, halves + 4); };
        return addDots<F>(acc, dot, last, w.by, x);
    }
}

// Sizes of one product, computed once a call.
template <PackedFormat F>
struct Panels {
    static constexpr int64_t kUnitBytes = F.unitBytes(kUnitBlocks);
    static constexpr int64_t kHeadBytes = F.headBytes();
    static constexpr int64_t kScaleBytes = F.scaleBytes();
    static constexpr int64_t kCodeBytes = F.codeBytes();

    const MatmulPackedArgs& args;
    int64_t panel_bytes;
    int64_t blocks;  // of a row

    QUIBBLE_INLINE const std::byte* unit(int64_t panel, int64_t u) const {
        return args.w.data + panel * panel_bytes + u * kUnitBytes;
    }
    QUIBBLE_INLINE int64_t unitBlocks(int64_t u) const {
        const int64_t left = blocks - u * kUnitBlocks;
        return left < kUnitBlocks ? left : kUnitBlocks;
    }
    // Bytes from unit u of a panel to what is needed after it: its next unit, or the first one of the panel `count`
    // panels further on.
    QUIBBLE_INLINE int64_t toNextUnit(int64_t u, int64_t count) const {
        return (u + 1) * kUnitBlocks < blocks ? kUnitBytes : count * panel_bytes - u * kUnitBytes;
    }
    QUIBBLE_INLINE const std::byte* row(int64_t r) const { return args.xq + static_cast<size_t>(r) * args.xq_stride; }

    // Writes what belongs to [out_begin, out_end) of 16 outputs of row r.
    QUIBBLE_INLINE void put(int64_t r, int64_t panel, Vec sums) const {
        const int64_t first = panel * kPanelOutputs;
        float* y = args.y + r * args.y_stride;
        const int64_t begin = args.out_begin > first ? args.out_begin - first : 0;
        const int64_t end = args.out_end - first < kPanelOutputs ? args.out_end - first : kPanelOutputs;
        if (begin == 0 && end == kPanelOutputs) {
            store(y + first, sums);
            return;
        }
        float lanes[kPanelOutputs];
        store(lanes, sums);
        for (int64_t i = begin; i < end; ++i) {
            y[first + i] = lanes[i];
        }
    }
};

template <int64_t kBytes>
QUIBBLE_INLINE void fetchLines(const std::byte* p) {
#pragma GCC unroll 10
    for (int64_t at = 0; at < kBytes; at += 64) {
        __builtin_prefetch(p + at);
    }
}

// A few rows: memory sets the pace, so a panel is read from end to end.
template <PackedFormat F, int kRows>
void fewRows(const Panels<F>& panels, int64_t r, int64_t panel) {
    using P = Panels<F>;
    Vec acc[kRows];
#pragma GCC unroll 8
    for (Vec& sum : acc) {
        sum = zero();
    }
    const std::byte* x = panels.row(r);
    const int64_t ahead = panels.args.fetch_ahead;
    for (int64_t u = 0; u * kUnitBlocks < panels.blocks; ++u) {
        const std::byte* p = panels.unit(panel, u);
        const int64_t blocks = panels.unitBlocks(u);
        const UnitHead head = loadHead<F>(p);
        const std::byte* scales = p + P::kHeadBytes;
        const std::byte* codes = scales + blocks * P::kScaleBytes;
        for (int64_t b = 0; b < blocks; ++b) {
            if (ahead > 0) {
                fetchLines<P::kCodeBytes>(codes + ahead);
            }
            PackedBlock<F> w;
            unpackScales<F>(scales, head, w.by);
            unpackCodes<F>(codes, w);
#pragma GCC unroll 8
            for (int i = 0; i < kRows; ++i) {
                acc[i] = addBlock<F>(acc[i], w, x + static_cast<size_t>(i) * panels.args.xq_stride);
            }
            scales += P::kScaleBytes;
            codes += P::kCodeBytes;
            x += sizeof(Q8Block);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
        panels.put(r + i, panel, acc[i]);
    }
}

// n <= kRows rows.
template <PackedFormat F, int kRows = static_cast<int>(kFewRows)>
QUIBBLE_INLINE void fewRowsOf(const Panels<F>& panels, int64_t r, int64_t n, int64_t panel) {
    if (n == kRows) {
        fewRows<F, kRows>(panels, r, panel);
    } else if constexpr (kRows > 1) {
        fewRowsOf<F, kRows - 1>(panels, r, n, panel);
    }
}

// Sums of kRows rows of kPanels panels + the products of one block. The dots of all rows and panels advance together:
// each waits for its own last step, and a processor that looks only a few dozen instructions ahead finds the others
// ready meanwhile.
template <PackedFormat F, int kPanels, int kRows>
QUIBBLE_INLINE void addRows(float* acc, const PackedBlock<F>* w, const std::byte* x, size_t stride) {
    Ints dots[kRows][kPanels];
    dotRows<F>(w, x, stride, dots);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
        for (int p = 0; p < kPanels; ++p) {
            float* sum = acc + p * kPanelSums + i * kPanelOutputs;
            const auto dot = [&] { return dots[i][p]; };
            store(sum, addDots<F>(load(sum), dot, dot, w[p].by, x + static_cast<size_t>(i) * stride));
        }
    }
}

// The same for n rows, kRows at a time.
template <PackedFormat F, int kPanels, int kRows>
QUIBBLE_INLINE void addStrips(float* acc, const PackedBlock<F>* w, const std::byte* x, size_t stride, int64_t n) {
    for (; n >= kRows; n -= kRows) {
        addRows<F, kPanels, kRows>(acc, w, x, stride);
        acc += kRows * kPanelOutputs;
        x += static_cast<size_t>(kRows) * stride;
    }
    if constexpr (kRows > 1) {
        addStrips<F, kPanels, kRows / 2>(acc, w, x, stride, n);
    }
}

// Rows [r, r + n) of one unit of kPanels panels: each block is unpacked once, and what a row's block loads serves all
// panels. acc: kRowBatch rows a panel. next: bytes from the unit to the one that is fetched meanwhile (toNextUnit).
template <PackedFormat F, int kPanels>
void addUnit(const Panels<F>& panels, int64_t r, int64_t n, int64_t panel, int64_t u, int64_t next, float* acc) {
    using P = Panels<F>;
    const int64_t blocks = panels.unitBlocks(u);
    const std::byte* scales[kPanels];
    const std::byte* codes[kPanels];
    const std::byte* ahead[kPanels];
    UnitHead head[kPanels];
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
        const std::byte* unit = panels.unit(panel + p, u);
        head[p] = loadHead<F>(unit);
        scales[p] = unit + P::kHeadBytes;
        codes[p] = scales[p] + blocks * P::kScaleBytes;
        ahead[p] = unit + next;
    }
    const std::byte* rows = panels.row(r) + u * kUnitBlocks * static_cast<int64_t>(sizeof(Q8Block));
    for (int64_t b = 0; b < blocks; ++b) {
        PackedBlock<F> w[kPanels];
#pragma GCC unroll 2
        for (int p = 0; p < kPanels; ++p) {
            fetchLines<P::kUnitBytes / kUnitBlocks>(ahead[p]);
            ahead[p] += P::kUnitBytes / kUnitBlocks;
            unpackScales<F>(scales[p], head[p], w[p].by);
            unpackCodes<F>(codes[p], w[p]);
            scales[p] += P::kScaleBytes;
            codes[p] += P::kCodeBytes;
        }
        if constexpr (kRowsTogether < F, kPanels >> 1) {
            addStrips<F, kPanels, kRowsTogether<F, kPanels>>(acc, w, rows, panels.args.xq_stride, n);
        } else {
            const std::byte* x = rows;
            float* sums = acc;
            for (int64_t i = 0; i < n; ++i) {
                Vec sum[kPanels];
#pragma GCC unroll 2
                for (int p = 0; p < kPanels; ++p) {
                    sum[p] = addBlock<F>(load(sums + p * kPanelSums), w[p], x);
                }
#pragma GCC unroll 2
                for (int p = 0; p < kPanels; ++p) {
                    store(sums + p * kPanelSums, sum[p]);
                }
                sums += kPanelOutputs;
                x += panels.args.xq_stride;
            }
        }
        rows += sizeof(Q8Block);
    }
}

template <PackedFormat F>
void manyRows(const Panels<F>& panels, int64_t r, int64_t n, int64_t panel_begin, int64_t panel_end) {
    alignas(64) float acc[kPanelGroup][kPanelSums];
    const int64_t count = panel_end - panel_begin;
    for (int64_t p = 0; p < count; ++p) {
        for (int64_t i = 0; i < n; ++i) {
            store(acc[p] + i * kPanelOutputs, zero());
        }
    }
    for (int64_t u = 0; u * kUnitBlocks < panels.blocks; ++u) {
        const int64_t next = panels.toNextUnit(u, count);
        int64_t p = 0;
        for (; p + kPanelsTogether <= count; p += kPanelsTogether) {
            addUnit<F, kPanelsTogether>(panels, r, n, panel_begin + p, u, next, acc[p]);
        }
        for (; p < count; ++p) {
            addUnit<F, 1>(panels, r, n, panel_begin + p, u, next, acc[p]);
        }
    }
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t p = 0; p < count; ++p) {
            panels.put(r + i, panel_begin + p, load(acc[p] + i * kPanelOutputs));
        }
    }
}

template <PackedFormat F>
void multiply(const MatmulPackedArgs& args) {
    const Panels<F> panels{args, panelBytes(*packedFormat(args.w.type), args.w.cols), args.w.cols / 32};
    const int64_t panel_begin = args.out_begin / kPanelOutputs;
    const int64_t panel_end = (args.out_end + kPanelOutputs - 1) / kPanelOutputs;
    // Batches of about one size: a few rows that are left would cost as much as many.
    int64_t batches = (args.n_rows + kRowBatch - 1) / kRowBatch;
    for (int64_t r = 0, n = 0; batches > 0; r += n, --batches) {
        n = (args.n_rows - r + batches - 1) / batches;
        const bool few = n <= kFewRows && args.fetch_ahead != kManyRows;
        const int64_t group = few ? 1 : n > kStreamRows ? kPanelGroup : kPanelsTogether;
        for (int64_t p = panel_begin; p < panel_end; p += group) {
            const int64_t end = panel_end - p < group ? panel_end : p + group;
            if (few) {
                fewRowsOf<F>(panels, r, n, p);
            } else {
                manyRows<F>(panels, r, n, p, end);
            }
        }
    }
}

// Calls f.operator()<F>() with the format of a type; does nothing for a type without one.
template <class Function>
void withFormat(TensorType type, const Function& f) {
    switch (type) {
        case TensorType::Q8_0: f.template operator()<kPackedQ8_0>(); return;
        case TensorType::Q4_0: f.template operator()<kPackedQ4_0>(); return;
        case TensorType::Q4_1: f.template operator()<kPackedQ4_1>(); return;
        case TensorType::Q5_0: f.template operator()<kPackedQ5_0>(); return;
        case TensorType::Q5_1: f.template operator()<kPackedQ5_1>(); return;
        case TensorType::IQ4_NL: f.template operator()<kPackedIQ4_NL>(); return;
        case TensorType::MXFP4: f.template operator()<kPackedMXFP4>(); return;
        case TensorType::Q2_K: f.template operator()<kPackedQ2_K>(); return;
        case TensorType::Q3_K: f.template operator()<kPackedQ3_K>(); return;
        case TensorType::Q4_K: f.template operator()<kPackedQ4_K>(); return;
        case TensorType::Q5_K: f.template operator()<kPackedQ5_K>(); return;
        case TensorType::Q6_K: f.template operator()<kPackedQ6_K>(); return;
        case TensorType::IQ4_XS: f.template operator()<kPackedIQ4_XS>(); return;
        default: return;
    }
}

}  // namespace
}  // namespace quibble::kernels
