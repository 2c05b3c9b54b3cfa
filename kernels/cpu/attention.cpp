// Attention of the query heads that share one K/V head, and the rounding of rows into the cache.
// Definitions and tolerances: op_table.h.
//
// The fixed orders: a score is a product in the order of matmul.cpp; the softmax adds position i to lane i mod 16 in rising i; an output
// element adds its positions in rising i, by fused multiply-add. Positions are numbered as they are listed, so where a row lies changes
// nothing, and a tile of several heads keeps the sums of each apart.
#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_math.h"

#include "kernels/cpu/stored_rows.h"
#include "kernels/cpu/tables.h"

namespace quibble::kernels {
namespace {

constexpr int64_t kPositionBlock = 64;  // values that all heads use before the next are read

QUIBBLE_INLINE int64_t positionCount(const AttentionArgs& args) { return args.end - args.begin + args.n_more; }

// Where position number i is stored.
QUIBBLE_INLINE const std::byte* storedAt(const AttentionArgs& args, const KvRows& rows, int64_t i) {
    const int64_t listed = i - (args.end - args.begin);
    const int64_t position = listed < 0 ? args.begin + i : static_cast<int64_t>(args.more[listed]);
    return rows.data + position * rows.stride;
}

// Scores of kKeys positions from i on for kHeads heads from h on.
template <class Row, int kKeys, int kHeads>
QUIBBLE_INLINE void scoreTile(const AttentionArgs& args, const Row (&keys)[kKeys], int64_t i, int64_t h) {
    Vec acc[kHeads * kKeys];
#pragma GCC unroll 16
    for (Vec& sum : acc) {
        sum = zero();
    }
    const float* q = args.q + h * args.head_dim;
    int64_t d = 0;
    for (; d + 16 <= args.head_dim; d += 16) {
        Vec k[kKeys];
#pragma GCC unroll 8
        for (int j = 0; j < kKeys; ++j) {
            k[j] = keys[j].at(d);
        }
#pragma GCC unroll 8
        for (int head = 0; head < kHeads; ++head) {
            const Vec x = load(q + head * args.head_dim + d);
#pragma GCC unroll 8
            for (int j = 0; j < kKeys; ++j) {
                acc[head * kKeys + j] = fma(k[j], x, acc[head * kKeys + j]);
            }
        }
    }
    if (d < args.head_dim) {
        const int64_t n = args.head_dim - d;
        for (int head = 0; head < kHeads; ++head) {
            const Vec x = loadTail(q + head * args.head_dim + d, n);
            for (int j = 0; j < kKeys; ++j) {
                acc[head * kKeys + j] = fma(keys[j].tail(d, n), x, acc[head * kKeys + j]);
            }
        }
    }
    float sums[kHeads * kKeys];
    int done = 0;
#pragma GCC unroll 8
    for (; done + 4 <= kHeads * kKeys; done += 4) {
        sumLanes4(acc[done], acc[done + 1], acc[done + 2], acc[done + 3], sums + done);
    }
#pragma GCC unroll 8
    for (; done < kHeads * kKeys; ++done) {
        sums[done] = sumLanes(acc[done]);
    }
    const int64_t n_kv = positionCount(args);
    for (int head = 0; head < kHeads; ++head) {
        for (int j = 0; j < kKeys; ++j) {
            args.scores[(h + head) * n_kv + i + j] = sums[head * kKeys + j] * args.scale;
        }
    }
}

template <class Row, int kKeys>
QUIBBLE_INLINE void scoreHeads(const AttentionArgs& args, int64_t i) {
    Row keys[kKeys];
    for (int j = 0; j < kKeys; ++j) {
        keys[j].p = storedAt(args, args.k, i + j);
    }
    int64_t h = 0;
    for (; h + kHeadTile <= args.n_heads; h += kHeadTile) {
        scoreTile<Row, kKeys, kHeadTile>(args, keys, i, h);
    }
    if constexpr (kHeadTile > 2) {
        if (h + 2 <= args.n_heads) {
            scoreTile<Row, kKeys, 2>(args, keys, i, h);
            h += 2;
        }
    }
    if (h < args.n_heads) {
        scoreTile<Row, kKeys, 1>(args, keys, i, h);
    }
}

template <class Row>
void scoreAll(const AttentionArgs& args) {
    const int64_t n_kv = positionCount(args);
    int64_t i = 0;
    for (; i + kKeyTile <= n_kv; i += kKeyTile) {
        scoreHeads<Row, kKeyTile>(args, i);
    }
    for (; i < n_kv; ++i) {
        scoreHeads<Row, 1>(args, i);
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

// A block of positions meets the outputs: where they are, their probabilities, and whether they are the first.
template <class Row>
struct ValueBlock {
    const AttentionArgs& args;
    int64_t first = 0;
    int64_t n = 0;
    Row rows[kPositionBlock] = {};
};

// out[d .. d + 16 kVecs) of kHeads heads from h on, going on from what out holds.
template <class Row, int kHeads, int kVecs>
QUIBBLE_INLINE void mixTile(const ValueBlock<Row>& block, int64_t h, int64_t d) {
    const AttentionArgs& args = block.args;
    const int64_t n_kv = positionCount(args);
    const float* p = args.scores + h * n_kv + block.first;
    float* out = args.out + h * args.head_dim + d;
    Vec acc[kHeads][kVecs];
#pragma GCC unroll 8
    for (int head = 0; head < kHeads; ++head) {
#pragma GCC unroll 8
        for (int j = 0; j < kVecs; ++j) {
            acc[head][j] = block.first == 0 ? zero() : load(out + head * args.head_dim + 16 * j);
        }
    }
    for (int64_t i = 0; i < block.n; ++i) {
        Vec v[kVecs];
#pragma GCC unroll 8
        for (int j = 0; j < kVecs; ++j) {
            v[j] = block.rows[i].at(d + 16 * j);
        }
#pragma GCC unroll 8
        for (int head = 0; head < kHeads; ++head) {
            const Vec share = set1(p[head * n_kv + i]);
#pragma GCC unroll 8
            for (int j = 0; j < kVecs; ++j) {
                acc[head][j] = fma(share, v[j], acc[head][j]);
            }
        }
    }
#pragma GCC unroll 8
    for (int head = 0; head < kHeads; ++head) {
#pragma GCC unroll 8
        for (int j = 0; j < kVecs; ++j) {
            store(out + head * args.head_dim + 16 * j, acc[head][j]);
        }
    }
}

template <class Row>
QUIBBLE_INLINE void mixTail(const ValueBlock<Row>& block, int64_t h, int64_t d) {
    const AttentionArgs& args = block.args;
    const int64_t n = args.head_dim - d;
    const float* p = args.scores + h * positionCount(args) + block.first;
    float* out = args.out + h * args.head_dim + d;
    Vec acc = block.first == 0 ? zero() : loadTail(out, n);
    for (int64_t i = 0; i < block.n; ++i) {
        acc = fma(set1(p[i]), block.rows[i].tail(d, n), acc);
    }
    storeTail(out, acc, n);
}

template <class Row, int kHeads>
QUIBBLE_INLINE void mixHeads(const ValueBlock<Row>& block, int64_t h) {
    const int64_t dim = block.args.head_dim;
    int64_t d = 0;
    if constexpr (kHeads == 1) {
        for (; d + 16 * kMixVecsAlone <= dim; d += 16 * kMixVecsAlone) {
            mixTile<Row, 1, kMixVecsAlone>(block, h, d);
        }
    }
    for (; d + 16 * kMixVecs <= dim; d += 16 * kMixVecs) {
        mixTile<Row, kHeads, kMixVecs>(block, h, d);
    }
    for (; d + 16 <= dim; d += 16) {
        mixTile<Row, kHeads, 1>(block, h, d);
    }
    if (d < dim) {
        for (int head = 0; head < kHeads; ++head) {
            mixTail(block, h + head, d);
        }
    }
}

template <class Row>
void mixAll(const AttentionArgs& args) {
    const int64_t n_kv = positionCount(args);
    ValueBlock<Row> block{.args = args};
    for (block.first = 0; block.first < n_kv; block.first += kPositionBlock) {
        block.n = least(kPositionBlock, n_kv - block.first);
        for (int64_t i = 0; i < block.n; ++i) {
            block.rows[i].p = storedAt(args, args.v, block.first + i);
        }
        int64_t h = 0;
        for (; h + kHeadTile <= args.n_heads; h += kHeadTile) {
            mixHeads<Row, kHeadTile>(block, h);
        }
        if constexpr (kHeadTile > 2) {
            if (h + 2 <= args.n_heads) {
                mixHeads<Row, 2>(block, h);
                h += 2;
            }
        }
        if (h < args.n_heads) {
            mixHeads<Row, 1>(block, h);
        }
    }
}

template <void (*kStore)(std::byte*, Vec)>
QUIBBLE_INLINE void storeHalves(const float* src, int64_t n, std::byte* dst) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        kStore(dst + 2 * i, load(src + i));
    }
    if (i < n) {
        std::byte last[32];
        kStore(last, loadTail(src + i, n - i));
        __builtin_memcpy(dst + 2 * i, last, static_cast<size_t>(2 * (n - i)));
    }
}

// One block of 32 in the bytes that quantizeRow gives.
QUIBBLE_INLINE void storeQ8(const float* src, std::byte* dst) {
    const Vec a = load(src);
    const Vec b = load(src + 16);
    const Vec infinite = fma(a, zero(), mul(b, zero()));  // NaN in a lane that is not finite
    const float d = maxLanes(max(magnitude(a), magnitude(b))) / 127.0F;
    float inverse = d > 0.0F ? 1.0F / d : 0.0F;
    inverse = inverse <= 3.4028234e38F ? inverse : 0.0F;
    const bool finite = !anyNan(infinite);
    const uint16_t scale = finite ? halfOf(d) : uint16_t{0x7E00};
    __builtin_memcpy(dst, &scale, sizeof(scale));
    storeS8(dst + 2, finite ? halvesAway(mul(a, set1(inverse))) : zero());
    storeS8(dst + 18, finite ? halvesAway(mul(b, set1(inverse))) : zero());
}

}  // namespace

void isa::attention(const AttentionArgs& args) {
    const int64_t n_kv = positionCount(args);
    if (n_kv == 0) {
        for (int64_t i = 0; i < args.n_heads * args.head_dim; ++i) {
            args.out[i] = 0.0F;
        }
        return;
    }
    switch (args.k.type) {
        case TensorType::F16: scoreAll<F16Row>(args); break;
        case TensorType::BF16: scoreAll<Bf16Row>(args); break;
        case TensorType::Q8_0: scoreAll<Q8Row>(args); break;
        default: scoreAll<F32Row>(args); break;
    }
    for (int64_t h = 0; h < args.n_heads; ++h) {
        softmax(args.scores + h * n_kv, n_kv, args.sink == nullptr ? nullptr : args.sink + h);
    }
    switch (args.v.type) {
        case TensorType::F16: mixAll<F16Row>(args); break;
        case TensorType::BF16: mixAll<Bf16Row>(args); break;
        case TensorType::Q8_0: mixAll<Q8Row>(args); break;
        default: mixAll<F32Row>(args); break;
    }
}

void isa::storeKv(TensorType type, const float* src, int64_t n, std::byte* dst) {
    if (n <= 0) {
        return;  // the pointers may be null
    }
    switch (type) {
        case TensorType::F16: storeHalves<storeF16>(src, n, dst); return;
        case TensorType::BF16: storeHalves<storeBf16>(src, n, dst); return;
        case TensorType::Q8_0:
            for (int64_t i = 0; i < n; i += 32) {
                storeQ8(src + i, dst + i / 32 * 34);
            }
            return;
        default: __builtin_memcpy(dst, src, static_cast<size_t>(n) * sizeof(float)); return;
    }
}

}  // namespace quibble::kernels
