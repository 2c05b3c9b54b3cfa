#include "kernels/reference/reference.h"

#include <cmath>
#include <limits>

namespace quibble::kernels::reference {

void logitStats(const float* z, int64_t n, LogitStats* out) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    *out = LogitStats{std::numeric_limits<float>::quiet_NaN(), kNan, kNan, kNan, -1};
    float max = -INFINITY;
    int32_t argmax = -1;
    for (int64_t i = 0; i < n; ++i) {
        if (std::isnan(z[i])) {
            return;
        }
        if (z[i] > max) {
            max = z[i];
            argmax = static_cast<int32_t>(i);
        }
    }
    if (argmax < 0 || !std::isfinite(max)) {
        return;
    }
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i) {
        sum += std::exp(static_cast<double>(z[i]) - static_cast<double>(max));
    }
    const double lse = static_cast<double>(max) + std::log(sum);
    double entropy = 0.0;
    for (int64_t i = 0; i < n; ++i) {
        const double log_p = static_cast<double>(z[i]) - lse;
        const double p = std::exp(log_p);
        entropy -= p > 0.0 ? p * log_p : 0.0;
    }
    double varentropy = 0.0;
    for (int64_t i = 0; i < n; ++i) {
        const double log_p = static_cast<double>(z[i]) - lse;
        const double p = std::exp(log_p);
        varentropy += p > 0.0 ? p * (log_p + entropy) * (log_p + entropy) : 0.0;
    }
    *out = LogitStats{max, lse, entropy, varentropy, argmax};
}

double klDivergence(const float* zp, double lse_p, const float* zq, double lse_q, int64_t n) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i) {
        const double log_p = static_cast<double>(zp[i]) - lse_p;
        const double log_q = static_cast<double>(zq[i]) - lse_q;
        const double p = std::exp(log_p);
        if (p != 0.0) {  // NaN goes on
            sum += p * (log_p - log_q);
        }
    }
    return sum;
}

}  // namespace quibble::kernels::reference
