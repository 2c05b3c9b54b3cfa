// Statistics of a row of logits and the divergence of two, in double.
#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_math.h"

#include "kernels/cpu/tables.h"

namespace quibble::kernels {
namespace {

// Sums of e^t, t e^t and t^2 e^t.
struct Moments {
    Wide one = wideZero();
    Wide first = wideZero();
    Wide second = wideZero();

    QUIBBLE_INLINE void add(Wide t) {
        // Far below the maximum e^t is 0, and t must not be minus infinity times that.
        const Wide bounded = max(wideSet1(-1000.0), t);
        const Wide e = expWide(bounded);
        const Wide te = mul(bounded, e);
        one = kernels::add(one, e);
        first = kernels::add(first, te);
        second = fma(bounded, te, second);
    }
};

// The largest logit in *top; false when one is NaN.
bool findMax(const float* z, int64_t n, float* top) {
    Vec best = set1(-__builtin_inff());
    Vec nan = zero();  // becomes NaN in a lane that saw one
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const Vec v = load(z + i);
        best = max(best, v);
        nan = fma(v, zero(), nan);  // infinities give NaN too
    }
    *top = maxLanes(best);
    for (; i < n; ++i) {
        *top = z[i] > *top ? z[i] : *top;
        if (z[i] != z[i]) {
            return false;
        }
    }
    if (!anyNan(nan)) {
        return true;
    }
    for (i = 0; i < n; ++i) {
        if (z[i] != z[i]) {
            return false;
        }
    }
    return true;
}

int32_t firstEqual(const float* z, int64_t n, float value) {
    const Vec wanted = set1(value);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const unsigned lanes = equalLanes(load(z + i), wanted);
        if (lanes != 0) {
            return static_cast<int32_t>(i + __builtin_ctz(lanes));
        }
    }
    for (; i < n; ++i) {
        if (z[i] == value) {
            return static_cast<int32_t>(i);
        }
    }
    return -1;
}

// p (log p - log q); 0 where p is 0.
QUIBBLE_INLINE Wide klTerm(Wide zp, Wide lse_p, Wide zq, Wide lse_q) {
    const Wide log_p = sub(zp, lse_p);
    const Wide log_q = sub(zq, lse_q);
    return zeroWhereLess(mul(expWide(log_p), sub(log_p, log_q)), log_p, wideSet1(-708.0));
}

}  // namespace

void isa::logitStats(const float* z, int64_t n, LogitStats* out) {
    out->max = __builtin_nanf("");
    out->log_sum_exp = out->entropy = out->varentropy = __builtin_nan("");
    out->argmax = -1;
    float top = -__builtin_inff();
    if (n <= 0 || !findMax(z, n, &top) || !(top - top == 0.0F)) {
        return;
    }
    const Wide shift = wideSet1(static_cast<double>(top));
    Moments low;
    Moments high;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const Vec v = load(z + i);
        low.add(sub(lower(v), shift));
        high.add(sub(upper(v), shift));
    }
    if (i < n) {
        alignas(64) float rest[16];
        for (int64_t j = 0; j < 16; ++j) {
            rest[j] = i + j < n ? z[i + j] : -__builtin_inff();
        }
        const Vec v = load(rest);
        low.add(sub(lower(v), shift));
        high.add(sub(upper(v), shift));
    }
    const double sum = sumLanes(add(low.one, high.one));
    const double mean = sumLanes(add(low.first, high.first)) / sum;
    const double square = sumLanes(add(low.second, high.second)) / sum;
    const double log_sum = __builtin_log(sum);
    out->max = top;
    out->log_sum_exp = static_cast<double>(top) + log_sum;
    out->entropy = log_sum - mean;
    const double variance = square - mean * mean;
    out->varentropy = variance > 0.0 ? variance : 0.0;  // a difference of equals may round below zero
    out->argmax = firstEqual(z, n, top);
}

double isa::klDivergence(const float* zp, double lse_p, const float* zq, double lse_q, int64_t n) {
    const Wide shift_p = wideSet1(lse_p);
    const Wide shift_q = wideSet1(lse_q);
    Wide low = wideZero();
    Wide high = wideZero();
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const Vec p = load(zp + i);
        const Vec q = load(zq + i);
        low = add(low, klTerm(lower(p), shift_p, lower(q), shift_q));
        high = add(high, klTerm(upper(p), shift_p, upper(q), shift_q));
    }
    if (i < n) {
        alignas(64) float rest_p[16];
        alignas(64) float rest_q[16];
        for (int64_t j = 0; j < 16; ++j) {
            rest_p[j] = i + j < n ? zp[i + j] : -__builtin_inff();
            rest_q[j] = i + j < n ? zq[i + j] : 0.0F;
        }
        low = add(low, klTerm(lower(load(rest_p)), shift_p, lower(load(rest_q)), shift_q));
        high = add(high, klTerm(upper(load(rest_p)), shift_p, upper(load(rest_q)), shift_q));
    }
    return sumLanes(add(low, high));
}

}  // namespace quibble::kernels
