// Norm, rotation, gate, sum and attention over vectors. Included once by each instruction set's layer file, after its vec_*.h and
// vec_math.h. Definitions and tolerances: op_table.h. Every sum has one order, given by its length alone.
#pragma once

#include "kernels/op_table.h"

namespace quibble::kernels {
namespace {

void rmsNormBody(const float* x, const float* gain, int64_t dim, float eps, float* y) {
    Wide low = wideZero();
    Wide high = wideZero();
    int64_t i = 0;
    for (; i + 16 <= dim; i += 16) {
        const Vec v = load(x + i);
        low = fma(lower(v), lower(v), low);
        high = fma(upper(v), upper(v), high);
    }
    if (i < dim) {
        const Vec v = loadTail(x + i, dim - i);
        low = fma(lower(v), lower(v), low);
        high = fma(upper(v), upper(v), high);
    }
    const double mean = sumLanes(add(low, high)) / static_cast<double>(dim);
    const Vec scale = set1(static_cast<float>(1.0 / __builtin_sqrt(mean + static_cast<double>(eps))));
    for (i = 0; i + 16 <= dim; i += 16) {
        store(y + i, mul(mul(load(x + i), scale), load(gain + i)));
    }
    if (i < dim) {
        storeTail(y + i, mul(mul(loadTail(x + i, dim - i), scale), loadTail(gain + i, dim - i)), dim - i);
    }
}

void ropeHalves(float* x, int64_t pairs, const float* cos, const float* sin) {
    for (int64_t i = 0; i < pairs; i += 16) {
        const int64_t n = pairs - i < 16 ? pairs - i : 16;
        const bool full = n == 16;
        const Vec a = full ? load(x + i) : loadTail(x + i, n);
        const Vec b = full ? load(x + pairs + i) : loadTail(x + pairs + i, n);
        const Vec c = full ? load(cos + i) : loadTail(cos + i, n);
        const Vec s = full ? load(sin + i) : loadTail(sin + i, n);
        const Vec first = fms(a, c, mul(b, s));
        const Vec second = fma(b, c, mul(a, s));
        if (full) {
            store(x + i, first);
            store(x + pairs + i, second);
        } else {
            storeTail(x + i, first, n);
            storeTail(x + pairs + i, second, n);
        }
    }
}

void ropeAdjacent(float* x, int64_t pairs, const float* cos, const float* sin) {
    for (int64_t i = 0; i < pairs; i += 8) {
        const int64_t n = pairs - i < 8 ? pairs - i : 8;
        const Vec v = n == 8 ? load(x + 2 * i) : loadTail(x + 2 * i, 2 * n);
        const Vec c = loadDoubled(cos + i, n);
        const Vec s = loadDoubled(sin + i, n);
        const Vec rotated = alternate(v, c, mul(swapPairs(v), s));
        if (n == 8) {
            store(x + 2 * i, rotated);
        } else {
            storeTail(x + 2 * i, rotated, 2 * n);
        }
    }
}

void ropeBody(float* x, int64_t /*head_dim*/, int64_t rot_dim, const float* cos, const float* sin, bool adjacent_pairs) {
    if (adjacent_pairs) {
        ropeAdjacent(x, rot_dim / 2, cos, sin);
    } else {
        ropeHalves(x, rot_dim / 2, cos, sin);
    }
}

QUIBBLE_INLINE Vec gated(Vec gate, Vec up) {
    const Vec e = expVec(sub(zero(), gate));
    return mul(div(gate, add(set1(1.0F), e)), up);
}

void swiGluBody(const float* gate, const float* up, int64_t n, float* y) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store(y + i, gated(load(gate + i), load(up + i)));
    }
    if (i < n) {
        storeTail(y + i, gated(loadTail(gate + i, n - i), loadTail(up + i, n - i)), n - i);
    }
}

void addBody(const float* a, const float* b, int64_t n, float* y) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store(y + i, add(load(a + i), load(b + i)));
    }
    if (i < n) {
        storeTail(y + i, add(loadTail(a + i, n - i), loadTail(b + i, n - i)), n - i);
    }
}

// scores[i] = scale * <q, k_i> for kKeys neighbouring positions, in the order of a matmul element.
template <int kKeys>
QUIBBLE_INLINE void scoreKeys(const AttentionArgs& args, int64_t i) {
    Vec acc[kKeys];
    const float* k[kKeys];
#pragma GCC unroll 4
    for (int j = 0; j < kKeys; ++j) {
        acc[j] = zero();
        k[j] = args.k + (i + j) * args.k_stride;
    }
    int64_t d = 0;
    for (; d + 16 <= args.head_dim; d += 16) {
        const Vec q = load(args.q + d);
#pragma GCC unroll 4
        for (int j = 0; j < kKeys; ++j) {
            acc[j] = fma(load(k[j] + d), q, acc[j]);
        }
    }
    if (d < args.head_dim) {
        const int64_t n = args.head_dim - d;
        const Vec q = loadTail(args.q + d, n);
#pragma GCC unroll 4
        for (int j = 0; j < kKeys; ++j) {
            acc[j] = fma(loadTail(k[j] + d, n), q, acc[j]);
        }
    }
    if constexpr (kKeys == 4) {
        sumLanes4(acc[0], acc[1], acc[2], acc[3], args.scores + i);
    } else {
        args.scores[i] = sumLanes(acc[0]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < kKeys; ++j) {
        args.scores[i + j] *= args.scale;
    }
}

// In place: scores -> probabilities. Lanes that pad the last vector add 0 to the sum.
void softmax(float* scores, int64_t n) {
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
    const Vec shift = set1(top);
    Vec sum = zero();
    for (i = 0; i + 16 <= n; i += 16) {
        const Vec e = expVec(sub(load(scores + i), shift));
        store(scores + i, e);
        sum = add(sum, e);
    }
    if (i < n) {
        const Vec e = keepLanes(expVec(sub(loadTail(scores + i, n - i), shift)), n - i);
        storeTail(scores + i, e, n - i);
        sum = add(sum, e);
    }
    const Vec inverse = set1(1.0F / sumLanes(sum));
    for (i = 0; i + 16 <= n; i += 16) {
        store(scores + i, mul(load(scores + i), inverse));
    }
    if (i < n) {
        storeTail(scores + i, mul(loadTail(scores + i, n - i), inverse), n - i);
    }
}

// out[d .. d + 16 kVecs) = sum_i p_i v_i, positions in order.
template <int kVecs>
QUIBBLE_INLINE void mixValues(const AttentionArgs& args, int64_t d) {
    Vec acc[kVecs];
#pragma GCC unroll 8
    for (int j = 0; j < kVecs; ++j) {
        acc[j] = zero();
    }
    const float* v = args.v + d;
    for (int64_t i = 0; i < args.n_kv; ++i, v += args.v_stride) {
        const Vec p = set1(args.scores[i]);
#pragma GCC unroll 8
        for (int j = 0; j < kVecs; ++j) {
            acc[j] = fma(p, load(v + 16 * j), acc[j]);
        }
    }
#pragma GCC unroll 8
    for (int j = 0; j < kVecs; ++j) {
        store(args.out + d + 16 * j, acc[j]);
    }
}

void mixTail(const AttentionArgs& args, int64_t d) {
    const int64_t n = args.head_dim - d;
    Vec acc = zero();
    for (int64_t i = 0; i < args.n_kv; ++i) {
        acc = fma(set1(args.scores[i]), loadTail(args.v + i * args.v_stride + d, n), acc);
    }
    storeTail(args.out + d, acc, n);
}

void attentionBody(const AttentionArgs& args) {
    int64_t i = 0;
    for (; i + 4 <= args.n_kv; i += 4) {
        scoreKeys<4>(args, i);
    }
    for (; i < args.n_kv; ++i) {
        scoreKeys<1>(args, i);
    }
    if (args.n_kv > 0) {
        softmax(args.scores, args.n_kv);
    }
    int64_t d = 0;
    for (; d + 16 * kMixVecs <= args.head_dim; d += 16 * kMixVecs) {
        mixValues<kMixVecs>(args, d);
    }
    for (; d + 64 <= args.head_dim; d += 64) {
        mixValues<4>(args, d);
    }
    for (; d + 32 <= args.head_dim; d += 32) {
        mixValues<2>(args, d);
    }
    for (; d + 16 <= args.head_dim; d += 16) {
        mixValues<1>(args, d);
    }
    if (d < args.head_dim) {
        mixTail(args, d);
    }
}

}  // namespace
}  // namespace quibble::kernels
