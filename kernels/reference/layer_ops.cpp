#include "kernels/reference/reference.h"

#include <cmath>

namespace quibble::kernels::reference {

void rmsNorm(const float* x, const float* gain, int64_t dim, float eps, float* y) {
    double sum = 0.0;
    for (int64_t i = 0; i < dim; ++i) {
        sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    const double scale = 1.0 / std::sqrt(sum / static_cast<double>(dim) + static_cast<double>(eps));
    for (int64_t i = 0; i < dim; ++i) {
        y[i] = static_cast<float>(static_cast<double>(x[i]) * scale * static_cast<double>(gain[i]));
    }
}

void rope(float* x, int64_t /*head_dim*/, int64_t rot_dim, const float* cos, const float* sin, bool adjacent_pairs) {
    const int64_t pairs = rot_dim / 2;
    for (int64_t i = 0; i < pairs; ++i) {
        float& first = adjacent_pairs ? x[2 * i] : x[i];
        float& second = adjacent_pairs ? x[2 * i + 1] : x[i + pairs];
        const double a = static_cast<double>(first);
        const double b = static_cast<double>(second);
        const double c = static_cast<double>(cos[i]);
        const double s = static_cast<double>(sin[i]);
        first = static_cast<float>(a * c - b * s);
        second = static_cast<float>(a * s + b * c);
    }
}

void swiGlu(const float* gate, const float* up, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) {
        const double g = static_cast<double>(gate[i]);
        y[i] = static_cast<float>(g / (1.0 + std::exp(-g)) * static_cast<double>(up[i]));
    }
}

void swiGluClamped(const float* gate, const float* up, int64_t n, float alpha, float limit, float* y) {
    for (int64_t i = 0; i < n; ++i) {
        // Comparisons with NaN are false, so that a NaN stays.
        const double g = static_cast<double>(gate[i] > limit ? limit : gate[i]);
        const double u = static_cast<double>(up[i] > limit ? limit : up[i] < -limit ? -limit : up[i]);
        y[i] = static_cast<float>(g / (1.0 + std::exp(-static_cast<double>(alpha) * g)) * (u + 1.0));
    }
}

void add(const float* a, const float* b, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) {
        y[i] = a[i] + b[i];
    }
}

}  // namespace quibble::kernels::reference
