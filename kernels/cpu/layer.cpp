// Norm, rotation, gates and sum over vectors. Definitions and tolerances: op_table.h. Every sum has one order, given by
// its length alone.
#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_math.h"

#include "kernels/cpu/tables.h"

namespace quibble::kernels {
namespace {

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

QUIBBLE_INLINE Vec gated(Vec gate, Vec up) {
    const Vec e = expVec(sub(zero(), gate));
    return mul(div(gate, add(set1(1.0F), e)), up);
}

// The variable operand comes second, so that a NaN passes through.
QUIBBLE_INLINE Vec gatedClamped(Vec gate, Vec up, Vec alpha, Vec limit) {
    const Vec g = min(limit, gate);
    const Vec u = min(limit, max(sub(zero(), limit), up));
    const Vec e = expVec(mul(sub(zero(), alpha), g));
    return mul(div(g, add(set1(1.0F), e)), add(u, set1(1.0F)));
}

}  // namespace

void isa::rmsNorm(const float* x, const float* gain, int64_t dim, float eps, float* y) {
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

void isa::rope(float* x, int64_t /*head_dim*/, int64_t rot_dim, const float* cos, const float* sin,
               bool adjacent_pairs) {
    if (adjacent_pairs) {
        ropeAdjacent(x, rot_dim / 2, cos, sin);
    } else {
        ropeHalves(x, rot_dim / 2, cos, sin);
    }
}

void isa::swiGlu(const float* gate, const float* up, int64_t n, float* y) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store(y + i, gated(load(gate + i), load(up + i)));
    }
    if (i < n) {
        storeTail(y + i, gated(loadTail(gate + i, n - i), loadTail(up + i, n - i)), n - i);
    }
}

void isa::swiGluClamped(const float* gate, const float* up, int64_t n, float alpha, float limit, float* y) {
    const Vec a = set1(alpha);
    const Vec top = set1(limit);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store(y + i, gatedClamped(load(gate + i), load(up + i), a, top));
    }
    if (i < n) {
        storeTail(y + i, gatedClamped(loadTail(gate + i, n - i), loadTail(up + i, n - i), a, top), n - i);
    }
}

void isa::add(const float* a, const float* b, int64_t n, float* y) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store(y + i, add(load(a + i), load(b + i)));
    }
    if (i < n) {
        storeTail(y + i, add(loadTail(a + i, n - i), loadTail(b + i, n - i)), n - i);
    }
}

}  // namespace quibble::kernels
