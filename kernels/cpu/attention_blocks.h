// Attention of many queries over positions that lie side by side, which is what a prompt is made of. Included by
// attention.cpp alone.
//
// A block of stored keys or values becomes floats once, for all queries: what a cache type costs to unpack is paid once
// a block, and every type takes the same way from there. Keys are turned so that a vector holds one element of sixteen
// positions. A query then adds up its sixteen partial sums of a score (attention.cpp: the fixed orders) as whole
// vectors, in the tree of sumLanes, and no lane of a vector ever meets another one.
#pragma once

#include "kernels/cpu/attention_query.h"

namespace quibble::kernels {
namespace {

constexpr int64_t kBlockPositions = 64;
constexpr int64_t kBlockGroups = kBlockPositions / 16;
constexpr int64_t kBlockDim = 256;  // the largest head that a block has room for

struct UnpackedBlock {
    alignas(64) float values[kBlockPositions * kBlockDim];
};

// Fewer queries than this would not repay the unpacking.
constexpr int64_t kBlockMinQueries = 12;

// type: of the keys or the values.
QUIBBLE_INLINE bool takesBlocks(int64_t n_queries, const AttentionArgs& row, TensorType type) {
    return n_queries >= kBlockMinQueries && row.head_dim % 16 == 0 && row.head_dim <= kBlockDim &&
           (row.f32_blocks || type != TensorType::F32);
}

// Element 16 step + m of positions 16 g .. 16 g + 15 of the block goes to values + ((m * steps + step) * kBlockGroups +
// g) * 16. Positions that a group lacks repeat the last one.
template <class Row>
void unpackKeys(const KvRows& stored, int64_t begin, int64_t n, int64_t steps, float* values) {
    for (int64_t g = 0; 16 * g < n; ++g) {
        Row rows[16];
#pragma GCC unroll 16
        for (int64_t i = 0; i < 16; ++i) {
            rows[i].p = stored.data + (begin + least(16 * g + i, n - 1)) * stored.stride;
        }
        for (int64_t step = 0; step < steps; ++step) {
            Vec tile[16];
#pragma GCC unroll 16
            for (int i = 0; i < 16; ++i) {
                tile[i] = rows[i].at(16 * step);
            }
            transpose(tile);
#pragma GCC unroll 16
            for (int m = 0; m < 16; ++m) {
                store(values + ((m * steps + step) * kBlockGroups + g) * 16, tile[m]);
            }
        }
    }
}

// The rows of the block after this one, asked for while this one is used: they lie apart, and the hardware does not
// guess where. A few at a time, because a core has room for only so many lines on their way.
template <class Row>
struct NextRows {
    const KvRows& stored;
    int64_t position;
    int64_t end;
    int64_t dim;

    QUIBBLE_INLINE void fetch(int64_t n) {
        for (const int64_t last = least(end, position + n); position < last; ++position) {
            const std::byte* row = stored.data + position * stored.stride;
            for (int64_t at = 0; at < Row::bytes(dim); at += 64) {
                __builtin_prefetch(row + at, 0, 2);  // into the second-level cache
            }
        }
    }
};

// Position i of the block goes to values + i * dim.
template <class Row>
void unpackValues(const KvRows& stored, int64_t begin, int64_t n, int64_t dim, float* values) {
    for (int64_t i = 0; i < n; ++i) {
        const Row row{stored.data + (begin + i) * stored.stride};
        for (int64_t d = 0; d < dim; d += 16) {
            store(values + i * dim + d, row.at(d));
        }
    }
}

// In the tree of sumLanes partial sums i and i + 8 meet first, then i and i + 4, then neighbours, then pairs. In this
// order each partial sum meets the latest one that waits for it.
constexpr int kTreeOrder[16] = {0, 8, 4, 12, 1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15};

// Scores of 16 kGroups positions for kQueries queries. keys: where the first group begins. number: of the first
// position, in the list of the queries' part. count: how many of the positions there are.
template <int kQueries, int kGroups>
void scoreGroups(const float* keys, int64_t steps, const Query* queries, int64_t first, int64_t count) {
    const AttentionArgs& args = *queries[0].row;
    Vec waiting[4][kQueries][kGroups];  // by the number of joins that made them
    Vec sum[kQueries][kGroups];
    for (int i = 0; i < 16; ++i) {
        const int m = kTreeOrder[i];
        const float* at = keys + m * steps * kBlockGroups * 16;
        const float* x[kQueries];
#pragma GCC unroll 8
        for (int q = 0; q < kQueries; ++q) {
            x[q] = queries[q].q + m;
#pragma GCC unroll 4
            for (int g = 0; g < kGroups; ++g) {
                sum[q][g] = zero();
            }
        }
        for (int64_t step = 0; step < steps; ++step) {
            Vec key[kGroups];
#pragma GCC unroll 4
            for (int g = 0; g < kGroups; ++g) {
                key[g] = load(at + (step * kBlockGroups + g) * 16);
            }
#pragma GCC unroll 8
            for (int q = 0; q < kQueries; ++q) {
                const Vec element = set1(x[q][16 * step]);
#pragma GCC unroll 4
                for (int g = 0; g < kGroups; ++g) {
                    sum[q][g] = fma(key[g], element, sum[q][g]);
                }
            }
        }
        int joins = 0;
        for (; (i >> joins & 1) != 0; ++joins) {
#pragma GCC unroll 8
            for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
                for (int g = 0; g < kGroups; ++g) {
                    sum[q][g] = add(waiting[joins][q][g], sum[q][g]);
                }
            }
        }
        if (joins < 4) {
#pragma GCC unroll 8
            for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
                for (int g = 0; g < kGroups; ++g) {
                    waiting[joins][q][g] = sum[q][g];
                }
            }
        }
    }
    const Vec scale = set1(args.scale);
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
        const int64_t limit = queries[q].limit;
        float* scores = queries[q].scores;
#pragma GCC unroll 4
        for (int g = 0; g < kGroups; ++g) {
            const Vec scaled = mul(sum[q][g], scale);
            const int64_t number = queries[q].at + first + 16 * g;
            if (number >= 0 && number + 16 <= limit && 16 * g + 16 <= count) {
                store(scores + number, scaled);
                continue;
            }
            float lanes[16];
            store(lanes, scaled);
            for (int64_t i = 0; i < 16 && 16 * g + i < count; ++i) {
                if (number + i >= 0 && number + i < limit) {
                    scores[number + i] = lanes[i];
                }
            }
        }
    }
}

// Whether any of n queries sees a position of [first, first + count).
QUIBBLE_INLINE bool sees(const Query* queries, int64_t n, int64_t first, int64_t count) {
    for (int64_t i = 0; i < n; ++i) {
        if (queries[i].at + first + count > 0 && queries[i].at + first < queries[i].limit) {
            return true;
        }
    }
    return false;
}

// Queries are cut into as few tiles as do, of about one size.
QUIBBLE_INLINE int64_t tileOf(int64_t left) {
    const int64_t tiles = (left + kBlockQueries - 1) / kBlockQueries;
    return (left + tiles - 1) / tiles;
}

// n <= kQueries queries.
template <int kQueries = kBlockQueries>
QUIBBLE_INLINE void scoreQueries(const float* keys, int64_t steps, const Query* queries, int64_t n, int64_t first,
                                 int64_t count) {
    if (n == kQueries) {
        int64_t g = 0;
        for (; 16 * (g + kBlockVecs - 1) < count; g += kBlockVecs) {
            scoreGroups<kQueries, kBlockVecs>(keys + 16 * g, steps, queries, first + 16 * g, count - 16 * g);
        }
        if constexpr (kBlockVecs > 1) {
            for (; 16 * g < count; ++g) {
                scoreGroups<kQueries, 1>(keys + 16 * g, steps, queries, first + 16 * g, count - 16 * g);
            }
        }
    } else if constexpr (kQueries > 1) {
        scoreQueries<kQueries - 1>(keys, steps, queries, n, first, count);
    }
}

// Scores of positions [begin, end) for n queries whose at and limit are set.
template <class Row>
void scoreBlocks(const KvRows& stored, int64_t begin, int64_t end, const Query* queries, int64_t n) {
    UnpackedBlock block;
    const int64_t steps = queries[0].row->head_dim / 16;
    for (int64_t first = 0; first < end - begin; first += kBlockPositions) {
        const int64_t count = least(kBlockPositions, end - begin - first);
        unpackKeys<Row>(stored, begin + first, count, steps, block.values);
        NextRows<Row> next{stored, begin + first + count, least(end, begin + first + count + kBlockPositions),
                           16 * steps};
        for (int64_t i = 0, tile = 0; i < n; i += tile) {
            tile = tileOf(n - i);
            next.fetch((tile * kBlockPositions + n - 1) / n);
            if (sees(queries + i, tile, first, count)) {
                scoreQueries(block.values, steps, queries + i, tile, first, count);
            }
        }
    }
}

// out[d .. d + 16 kVecs) of kQueries queries plus positions [begin, end) of the block, which begins with position
// number `first`.
template <int kQueries, int kVecs>
void mixVecs(const float* values, int64_t dim, const Query* queries, int64_t first, int64_t begin, int64_t end,
             int64_t d) {
    Vec sum[kQueries][kVecs];
    const float* share[kQueries];
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
        share[q] = queries[q].scores + queries[q].at + first;
#pragma GCC unroll 4
        for (int j = 0; j < kVecs; ++j) {
            sum[q][j] = load(queries[q].out + d + 16 * j);
        }
    }
    for (int64_t i = begin; i < end; ++i) {
        Vec v[kVecs];
#pragma GCC unroll 4
        for (int j = 0; j < kVecs; ++j) {
            v[j] = load(values + i * dim + d + 16 * j);
        }
#pragma GCC unroll 8
        for (int q = 0; q < kQueries; ++q) {
            const Vec p = set1(share[q][i]);
#pragma GCC unroll 4
            for (int j = 0; j < kVecs; ++j) {
                sum[q][j] = fma(p, v[j], sum[q][j]);
            }
        }
    }
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
        for (int j = 0; j < kVecs; ++j) {
            store(queries[q].out + d + 16 * j, sum[q][j]);
        }
    }
}

template <int kQueries>
QUIBBLE_INLINE void mixRange(const float* values, int64_t dim, const Query* queries, int64_t first, int64_t begin,
                             int64_t end) {
    if (begin >= end) {
        return;
    }
    int64_t d = 0;
    for (; d + 16 * kBlockVecs <= dim; d += 16 * kBlockVecs) {
        mixVecs<kQueries, kBlockVecs>(values, dim, queries, first, begin, end, d);
    }
    if constexpr (kBlockVecs > 1) {
        for (; d < dim; d += 16) {
            mixVecs<kQueries, 1>(values, dim, queries, first, begin, end, d);
        }
    }
}

// n <= kQueries queries: the positions that all of them see are read for all together, those before and after for one
// at a time.
template <int kQueries = kBlockQueries>
QUIBBLE_INLINE void mixQueries(const float* values, int64_t dim, const Query* queries, int64_t n, int64_t first,
                               int64_t count) {
    if (n == kQueries) {
        int64_t begins[kQueries];
        int64_t ends[kQueries];
        int64_t begin = 0;
        int64_t end = count;
        for (int q = 0; q < kQueries; ++q) {
            begins[q] = -least(0, queries[q].at + first);
            ends[q] = least(count, queries[q].limit - queries[q].at - first);
            begin = -least(-begin, -begins[q]);
            end = least(end, ends[q]);
        }
        if constexpr (kQueries > 1) {
            const bool together = begin < end;
            for (int q = 0; q < kQueries; ++q) {
                mixRange<1>(values, dim, queries + q, first, begins[q], together ? begin : ends[q]);
            }
            mixRange<kQueries>(values, dim, queries, first, begin, end);
            for (int q = 0; q < kQueries; ++q) {
                mixRange<1>(values, dim, queries + q, first, together ? end : ends[q], ends[q]);
            }
        } else {
            mixRange<1>(values, dim, queries, first, begin, end);
        }
    } else if constexpr (kQueries > 1) {
        mixQueries<kQueries - 1>(values, dim, queries, n, first, count);
    }
}

// Adds the values of positions [begin, end) to the outputs of n queries whose at and limit are set.
template <class Row>
void mixBlocks(const KvRows& stored, int64_t begin, int64_t end, const Query* queries, int64_t n) {
    UnpackedBlock block;
    const int64_t dim = queries[0].row->head_dim;
    for (int64_t first = 0; first < end - begin; first += kBlockPositions) {
        const int64_t count = least(kBlockPositions, end - begin - first);
        unpackValues<Row>(stored, begin + first, count, dim, block.values);
        NextRows<Row> next{stored, begin + first + count, least(end, begin + first + count + kBlockPositions), dim};
        for (int64_t i = 0, tile = 0; i < n; i += tile) {
            tile = tileOf(n - i);
            next.fetch((tile * kBlockPositions + n - 1) / n);
            mixQueries(block.values, dim, queries + i, tile, first, count);
        }
    }
}

}  // namespace
}  // namespace quibble::kernels
