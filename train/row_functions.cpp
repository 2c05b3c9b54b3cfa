#include "train/row_functions.h"

#include <cmath>

namespace quibble::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// sign -1 rotates back.
Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t head_dim, RopePairs pairs, float sign) {
    const Tensor in = x.to(torch::kFloat32).contiguous();
    Tensor out = torch::empty_like(in);
    const int64_t rows = in.size(0);
    const int64_t width = in.size(1);
    const int64_t half = head_dim / 2;
    const int64_t step = pairs == RopePairs::kAdjacent ? 2 : 1;
    const int64_t partner = pairs == RopePairs::kAdjacent ? 1 : half;
    const float* src = in.data_ptr<float>();
    const float* c = cos.data_ptr<float>();
    const float* s = sin.data_ptr<float>();
    float* dst = out.data_ptr<float>();
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t h = 0; h < width; h += head_dim) {
            const float* a = src + r * width + h;
            float* b = dst + r * width + h;
            for (int64_t i = 0; i < half; ++i) {
                const float co = c[r * half + i];
                const float si = sign * s[r * half + i];
                b[step * i] = a[step * i] * co - a[step * i + partner] * si;
                b[step * i + partner] = a[step * i] * si + a[step * i + partner] * co;
            }
        }
    }
    return out;
}

struct RopeFunction : torch::autograd::Function<RopeFunction> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t head_dim,
                          bool halves) {
        ctx->save_for_backward({cos, sin});
        ctx->saved_data["head_dim"] = head_dim;
        ctx->saved_data["halves"] = halves;
        ctx->saved_data["bf16"] = x.scalar_type() == torch::kBFloat16;
        return rotate(x, cos, sin, head_dim, halves ? RopePairs::kHalves : RopePairs::kAdjacent, 1.0F);
    }
    static tensor_list backward(AutogradContext* ctx, tensor_list grad) {
        const auto saved = ctx->get_saved_variables();
        const RopePairs pairs = ctx->saved_data["halves"].toBool() ? RopePairs::kHalves : RopePairs::kAdjacent;
        Tensor dx = rotate(grad[0], saved[0], saved[1], ctx->saved_data["head_dim"].toInt(), pairs, -1.0F);
        if (ctx->saved_data["bf16"].toBool()) dx = dx.to(torch::kBFloat16);
        return {dx, Tensor(), Tensor(), Tensor(), Tensor()};
    }
};

struct RmsNormFunction : torch::autograd::Function<RmsNormFunction> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& w, double eps) {
        const int64_t rows = x.size(0);
        const int64_t d = x.size(1);
        Tensor out = torch::empty_like(x);
        Tensor scale = torch::empty({rows}, x.options());
        const float* a = x.data_ptr<float>();
        const float* g = w.data_ptr<float>();
        float* b = out.data_ptr<float>();
        float* inv = scale.data_ptr<float>();
        for (int64_t r = 0; r < rows; ++r) {
            float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
            for (int64_t i = 0; i < d; ++i) sum += a[r * d + i] * a[r * d + i];
            inv[r] = 1.0F / std::sqrt(sum / static_cast<float>(d) + static_cast<float>(eps));
#pragma omp simd
            for (int64_t i = 0; i < d; ++i) b[r * d + i] = a[r * d + i] * inv[r] * g[i];
        }
        ctx->save_for_backward({x, w, scale});
        return out;
    }
    static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
        const auto saved = ctx->get_saved_variables();
        const Tensor grad = grads[0].contiguous();
        const int64_t rows = saved[0].size(0);
        const int64_t d = saved[0].size(1);
        Tensor dx = torch::empty_like(saved[0]);
        Tensor dw = torch::zeros_like(saved[1]);
        const float* x = saved[0].data_ptr<float>();
        const float* g = saved[1].data_ptr<float>();
        const float* inv = saved[2].data_ptr<float>();
        const float* dy = grad.data_ptr<float>();
        float* out = dx.data_ptr<float>();
        float* gw = dw.data_ptr<float>();
        for (int64_t r = 0; r < rows; ++r) {
            const float* xr = x + r * d;
            const float* yr = dy + r * d;
            float dot = 0.0F;
#pragma omp simd reduction(+ : dot)
            for (int64_t i = 0; i < d; ++i) dot += xr[i] * yr[i] * g[i];
            const float s = inv[r];
            const float k = dot * s * s * s / static_cast<float>(d);
#pragma omp simd
            for (int64_t i = 0; i < d; ++i) {
                out[r * d + i] = yr[i] * g[i] * s - xr[i] * k;
                gw[i] += yr[i] * xr[i] * s;
            }
        }
        return {dx, dw, Tensor()};
    }
};

}  // namespace

Tensor rope(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t head_dim, RopePairs pairs) {
    return RopeFunction::apply(x, cos, sin, head_dim, pairs == RopePairs::kHalves);
}

Tensor rmsNorm(const Tensor& x, const Tensor& w, double eps) { return RmsNormFunction::apply(x, w, eps); }

}  // namespace quibble::train
