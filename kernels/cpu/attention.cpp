// Attention of the query heads that share one K/V head. Definitions and tolerances: op_table.h.
//
// The fixed orders: a score is a product in the order of matmul.cpp; the softmax adds position i to lane i mod 16 in
// rising i; an output element adds its positions in rising i, by fused multiply-add. Positions are numbered as they are
// listed, so where a row lies changes nothing, and a tile of several queries (heads, rows or both) keeps the sums of
// each apart.
//
// There are two ways through it, with the same bits. A few queries read the stored keys and values as they lie. Many
// queries share blocks that are unpacked for all of them (attention_blocks.h).
#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_math.h"

#include "kernels/cpu/attention_blocks.h"
#include "kernels/cpu/attention_query.h"
#include "kernels/cpu/stored_rows.h"
#include "kernels/cpu/tables.h"

namespace quibble::kernels {
namespace {

constexpr int64_t kPositionBlock = 64;  // keys or values that all queries use before the next are read
constexpr int64_t kQueryBatch = 64;

// Positions that lie side by side, or as a list says.
struct Part {
    int64_t begin;
    const int32_t* list;
    int64_t count;
    QUIBBLE_INLINE int64_t position(int64_t i) const {
        return list == nullptr ? begin + i : static_cast<int64_t>(list[i]);
    }
};

// Up to kPositionBlock positions of a part. What a tile lacks at the end is the last position once more.
template <class Row>
struct RowBlock {
    Row rows[kPositionBlock];
    int64_t first = 0;
    int64_t n = 0;

    QUIBBLE_INLINE void fill(const KvRows& stored, const Part& part, int64_t begin) {
        first = begin;
        n = least(kPositionBlock, part.count - begin);
        for (int64_t i = 0; i < kPositionBlock; ++i) {
            rows[i].p = stored.data + part.position(begin + least(i, n - 1)) * stored.stride;
        }
    }
};

// Scores of the positions of a block from number i of it on, kScoreTile for all kQueries together.
template <class Row, int kQueries>
QUIBBLE_INLINE void scoreTile(const RowBlock<Row>& block, int64_t i, const Query* queries) {
    constexpr int kKeys = kScoreTile / kQueries;
    const AttentionArgs& args = *queries[0].row;
    const Row* keys = block.rows + i;
    Vec acc[kScoreTile];
#pragma GCC unroll 16
    for (Vec& sum : acc) {
        sum = zero();
    }
    int64_t d = 0;
    for (; d + 16 <= args.head_dim; d += 16) {
        Vec k[kKeys];
#pragma GCC unroll 16
        for (int j = 0; j < kKeys; ++j) {
            k[j] = keys[j].at(d);
        }
#pragma GCC unroll 8
        for (int query = 0; query < kQueries; ++query) {
            const Vec x = load(queries[query].q + d);
#pragma GCC unroll 16
            for (int j = 0; j < kKeys; ++j) {
                acc[query * kKeys + j] = fma(k[j], x, acc[query * kKeys + j]);
            }
        }
    }
    if (d < args.head_dim) {
        const int64_t n = args.head_dim - d;
#pragma GCC unroll 8
        for (int query = 0; query < kQueries; ++query) {
            const Vec x = loadTail(queries[query].q + d, n);
#pragma GCC unroll 16
            for (int j = 0; j < kKeys; ++j) {
                acc[query * kKeys + j] = fma(keys[j].tail(d, n), x, acc[query * kKeys + j]);
            }
        }
    }
    alignas(64) float sums[kScoreTile];
    scaledSums(acc, args.scale, sums);
    for (int query = 0; query < kQueries; ++query) {
        const int64_t number = queries[query].at + block.first + i;
        const int64_t limit = queries[query].limit;
        float* scores = queries[query].scores;
        if (number >= 0 && number + kKeys <= limit && i + kKeys <= block.n) {
            __builtin_memcpy(scores + number, sums + query * kKeys, kKeys * sizeof(float));
            continue;
        }
        for (int64_t j = 0; j < kKeys && i + j < block.n; ++j) {
            if (number + j >= 0 && number + j < limit) {
                scores[number + j] = sums[query * kKeys + j];
            }
        }
    }
}

template <class Row, int kQueries>
QUIBBLE_INLINE void scoreKeys(const RowBlock<Row>& block, const Query* queries) {
    for (int64_t i = 0; i < block.n; i += kScoreTile / kQueries) {
        scoreTile<Row, kQueries>(block, i, queries);
    }
}

// Scores of a part for n queries whose at and limit are set.
template <class Row>
void scorePart(const Part& part, const Query* queries, int64_t n) {
    RowBlock<Row> block;
    for (int64_t begin = 0; begin < part.count; begin += kPositionBlock) {
        block.fill(queries[0].row->k, part, begin);
        int64_t i = 0;
        for (; i + kHeadTile <= n; i += kHeadTile) {
            scoreKeys<Row, kHeadTile>(block, queries + i);
        }
        if constexpr (kHeadTile > 2) {
            if (i + 2 <= n) {
                scoreKeys<Row, 2>(block, queries + i);
                i += 2;
            }
        }
        if (i < n) {
            scoreKeys<Row, 1>(block, queries + i);
        }
    }
}

float largestOf(const float* scores, int64_t n) {
    float top = scores[0];
    int64_t i = 0;
    if (n >= 16) {
        Vec best = load(scores);
        for (i = 16; i + 16 <= n; i += 16) {
            best = max(best, load(scores + i));
        }
        top = maxLanes(best);
    }
    for (; i < n; ++i) {
        top = scores[i] > top ? scores[i] : top;
    }
    return top;
}

// In place: scores -> probabilities. Lanes that pad the last vector add 0 to the sum.
void softmax(float* scores, int64_t n, const float* sink) {
    float top = largestOf(scores, n);
    if (sink != nullptr && *sink > top) {
        top = *sink;
    }
    const Vec shift = set1(top);
    Vec sum = zero();
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const Vec e = expVec(sub(load(scores + i), shift));
        store(scores + i, e);
        sum = add(sum, e);
    }
    if (i < n) {
        const Vec e = keepLanes(expVec(sub(loadTail(scores + i, n - i), shift)), n - i);
        storeTail(scores + i, e, n - i);
        sum = add(sum, e);
    }
    float total = sumLanes(sum);
    if (sink != nullptr) {
        alignas(64) float share[16];
        store(share, expVec(sub(set1(*sink), shift)));
        total += share[0];
    }
    const Vec inverse = set1(1.0F / total);
    for (i = 0; i + 16 <= n; i += 16) {
        store(scores + i, mul(load(scores + i), inverse));
    }
    if (i < n) {
        storeTail(scores + i, mul(loadTail(scores + i, n - i), inverse), n - i);
    }
}

// out[d .. d + 16 kVecs) of kQueries queries, going on from what out holds.
template <class Row, int kQueries, int kVecs>
QUIBBLE_INLINE void mixTile(const RowBlock<Row>& block, const Query* queries, int64_t d) {
    Vec acc[kQueries][kVecs];
    const float* p[kQueries];
#pragma GCC unroll 8
    for (int query = 0; query < kQueries; ++query) {
        p[query] = queries[query].scores + queries[query].at + block.first;
#pragma GCC unroll 8
        for (int j = 0; j < kVecs; ++j) {
            acc[query][j] = load(queries[query].out + d + 16 * j);
        }
    }
    for (int64_t i = 0; i < block.n; ++i) {
        Vec v[kVecs];
#pragma GCC unroll 8
        for (int j = 0; j < kVecs; ++j) {
            v[j] = block.rows[i].at(d + 16 * j);
        }
#pragma GCC unroll 8
        for (int query = 0; query < kQueries; ++query) {
            const Vec share = set1(p[query][i]);
#pragma GCC unroll 8
            for (int j = 0; j < kVecs; ++j) {
                acc[query][j] = fma(share, v[j], acc[query][j]);
            }
        }
    }
#pragma GCC unroll 8
    for (int query = 0; query < kQueries; ++query) {
#pragma GCC unroll 8
        for (int j = 0; j < kVecs; ++j) {
            store(queries[query].out + d + 16 * j, acc[query][j]);
        }
    }
}

template <class Row>
QUIBBLE_INLINE void mixTail(const RowBlock<Row>& block, const Query& query, int64_t d) {
    const int64_t n = query.row->head_dim - d;
    const float* p = query.scores + query.at + block.first;
    Vec acc = loadTail(query.out + d, n);
    for (int64_t i = 0; i < block.n; ++i) {
        acc = fma(set1(p[i]), block.rows[i].tail(d, n), acc);
    }
    storeTail(query.out + d, acc, n);
}

// The same columns of n queries, so that the next tile finds them in the first-level cache.
template <class Row, int kVecs>
QUIBBLE_INLINE void mixColumns(const RowBlock<Row>& block, const Query* queries, int64_t n, int64_t d) {
    int64_t i = 0;
    for (; i + kHeadTile <= n; i += kHeadTile) {
        mixTile<Row, kHeadTile, kVecs>(block, queries + i, d);
    }
    if constexpr (kHeadTile > 2) {
        if (i + 2 <= n) {
            mixTile<Row, 2, kVecs>(block, queries + i, d);
            i += 2;
        }
    }
    if (i < n) {
        mixTile<Row, 1, kVecs>(block, queries + i, d);
    }
}

// Adds the values of a part to the outputs of n queries whose at is set.
template <class Row>
void mixPart(const Part& part, const Query* queries, int64_t n) {
    const AttentionArgs& args = *queries[0].row;
    RowBlock<Row> block;
    for (int64_t begin = 0; begin < part.count; begin += kPositionBlock) {
        block.fill(args.v, part, begin);
        int64_t d = 0;
        if (n == 1) {
            for (; d + 16 * kMixVecsAlone <= args.head_dim; d += 16 * kMixVecsAlone) {
                mixTile<Row, 1, kMixVecsAlone>(block, queries, d);
            }
        }
        for (; d + 16 * kMixVecs <= args.head_dim; d += 16 * kMixVecs) {
            mixColumns<Row, kMixVecs>(block, queries, n, d);
        }
        for (; d + 16 <= args.head_dim; d += 16) {
            mixColumns<Row, 1>(block, queries, n, d);
        }
        for (int64_t i = 0; d < args.head_dim && i < n; ++i) {
            mixTail(block, queries[i], d);
        }
    }
}

void scores(const Part& part, const Query* queries, int64_t n) {
    switch (queries[0].row->k.type) {
        case TensorType::F16: scorePart<F16Row>(part, queries, n); return;
        case TensorType::BF16: scorePart<Bf16Row>(part, queries, n); return;
        case TensorType::Q8_0: scorePart<Q8Row>(part, queries, n); return;
        default: scorePart<F32Row>(part, queries, n); return;
    }
}

void mix(const Part& part, const Query* queries, int64_t n) {
    switch (queries[0].row->v.type) {
        case TensorType::F16: mixPart<F16Row>(part, queries, n); return;
        case TensorType::BF16: mixPart<Bf16Row>(part, queries, n); return;
        case TensorType::Q8_0: mixPart<Q8Row>(part, queries, n); return;
        default: mixPart<F32Row>(part, queries, n); return;
    }
}

// How many of n queries are of the first one's row: they are neighbours.
QUIBBLE_INLINE int64_t ofOneRow(const Query* queries, int64_t n) {
    int64_t i = 1;
    while (i < n && queries[i].row == queries[0].row) {
        ++i;
    }
    return i;
}

struct Range {
    int64_t begin;
    int64_t end;
};

// The range that holds those of all queries, which are made to know where in it theirs lie.
QUIBBLE_INLINE Range joinRanges(Query* queries, int64_t n) {
    Range all{queries[0].row->begin, queries[0].row->end};
    for (int64_t i = 1; i < n; ++i) {
        all.begin = least(all.begin, queries[i].row->begin);
        all.end = -least(-all.end, -queries[i].row->end);
    }
    for (int64_t i = 0; i < n; ++i) {
        const AttentionArgs& row = *queries[i].row;
        queries[i].at = all.begin - row.begin;
        queries[i].limit = row.end - row.begin;
    }
    return all;
}

void scoresOfMany(const Range& range, const Query* queries, int64_t n) {
    const KvRows& stored = queries[0].row->k;
    switch (stored.type) {
        case TensorType::F16: scoreBlocks<F16Row>(stored, range.begin, range.end, queries, n); return;
        case TensorType::BF16: scoreBlocks<Bf16Row>(stored, range.begin, range.end, queries, n); return;
        case TensorType::Q8_0: scoreBlocks<Q8Row>(stored, range.begin, range.end, queries, n); return;
        default: scoreBlocks<F32Row>(stored, range.begin, range.end, queries, n); return;
    }
}

// The ranges of all queries are read as one, since those of neighbouring rows overlap almost everywhere; lists row by
// row.
void scoreBatch(Query* queries, int64_t n) {
    const Range range = joinRanges(queries, n);
    if (takesBlocks(n, *queries[0].row, queries[0].row->k.type)) {
        scoresOfMany(range, queries, n);
    } else {
        scores({range.begin, nullptr, range.end - range.begin}, queries, n);
    }
    for (int64_t i = 0, count = 0; i < n; i += count) {
        count = ofOneRow(queries + i, n - i);
        const AttentionArgs& row = *queries[i].row;
        for (int64_t j = i; j < i + count; ++j) {
            queries[j].at = row.end - row.begin;
            queries[j].limit = queries[j].n;
        }
        scores({0, row.more, row.n_more}, queries + i, count);
    }
}

// Positions [begin, end), then the listed ones if asked, of queries of one row.
void mixRow(Query* queries, int64_t n, int64_t begin, int64_t end, bool listed) {
    const AttentionArgs& row = *queries[0].row;
    for (int64_t i = 0; i < n; ++i) {
        queries[i].at = begin - row.begin;
    }
    mix({begin, nullptr, end - begin}, queries, n);
    if (listed && row.n_more > 0) {
        for (int64_t i = 0; i < n; ++i) {
            queries[i].at = row.end - row.begin;
        }
        mix({0, row.more, row.n_more}, queries, n);
    }
}

// The ranges of all queries, block after block, then the lists row by row.
void mixMany(Query* queries, int64_t n) {
    const Range range = joinRanges(queries, n);
    const KvRows& stored = queries[0].row->v;
    switch (stored.type) {
        case TensorType::F16: mixBlocks<F16Row>(stored, range.begin, range.end, queries, n); break;
        case TensorType::BF16: mixBlocks<Bf16Row>(stored, range.begin, range.end, queries, n); break;
        case TensorType::Q8_0: mixBlocks<Q8Row>(stored, range.begin, range.end, queries, n); break;
        default: mixBlocks<F32Row>(stored, range.begin, range.end, queries, n); break;
    }
    for (int64_t i = 0, count = 0; i < n; i += count) {
        count = ofOneRow(queries + i, n - i);
        const int64_t range_end = queries[i].row->end;
        mixRow(queries + i, count, range_end, range_end, true);
    }
}

// Positions that all rows see are read for all together, those before and after row by row.
void mixBatch(Query* queries, int64_t n) {
    if (takesBlocks(n, *queries[0].row, queries[0].row->v.type)) {
        mixMany(queries, n);
        return;
    }
    int64_t begin = queries[0].row->begin;
    int64_t end = queries[0].row->end;
    for (int64_t i = 1; i < n; ++i) {
        begin = -least(-begin, -queries[i].row->begin);
        end = least(end, queries[i].row->end);
    }
    const bool shared = begin < end;
    for (int64_t i = 0, count = 0; i < n; i += count) {
        count = ofOneRow(queries + i, n - i);
        const AttentionArgs& row = *queries[i].row;
        mixRow(queries + i, count, row.begin, shared ? begin : row.end, !shared);
    }
    if (!shared) {
        return;
    }
    for (int64_t i = 0; i < n; ++i) {
        queries[i].at = begin - queries[i].row->begin;
    }
    mix({begin, nullptr, end - begin}, queries, n);
    for (int64_t i = 0, count = 0; i < n; i += count) {
        count = ofOneRow(queries + i, n - i);
        mixRow(queries + i, count, end, queries[i].row->end, true);
    }
}

}  // namespace

void isa::attention(const AttentionArgs* rows, int64_t n_rows) {
    const int64_t heads = rows->n_heads;
    const int64_t dim = rows->head_dim;
    Query queries[kQueryBatch];
    for (int64_t first = 0; first < n_rows * heads; first += kQueryBatch) {
        const int64_t n = least(kQueryBatch, n_rows * heads - first);
        for (int64_t i = 0; i < n; ++i) {
            const AttentionArgs& row = rows[(first + i) / heads];
            const int64_t head = (first + i) % heads;
            const int64_t n_kv = row.end - row.begin + row.n_more;
            const int64_t stride = row.score_stride > 0 ? row.score_stride : n_kv;
            queries[i] = {&row, row.q + head * dim, row.scores + head * stride, row.out + head * dim, n_kv, 0, 0};
        }
        scoreBatch(queries, n);
        for (int64_t i = 0; i < n; ++i) {
            const Query& query = queries[i];
            const float* sinks = query.row->sink;
            if (query.n > 0) {
                softmax(query.scores, query.n, sinks == nullptr ? nullptr : sinks + (first + i) % heads);
            }
            for (int64_t d = 0; d < dim; ++d) {
                query.out[d] = 0.0F;  // q may lie there
            }
        }
        mixBatch(queries, n);
    }
}

}  // namespace quibble::kernels
