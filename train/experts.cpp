#include "train/experts.h"

#include <cstring>
#include <numeric>
#include <tuple>

namespace quibble::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

Tensor indexTensor(const std::vector<int64_t>& values) { return torch::tensor(values, torch::kInt64); }

/// out[i] = x[rows[i]]. libtorch's own gradient of index_select adds row by row through its dispatcher: too slow for
/// thousands of rows.
struct GatherRows : torch::autograd::Function<GatherRows> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& rows) {
        ctx->save_for_backward({rows});
        ctx->saved_data["rows"] = x.size(0);
        return x.index_select(0, rows);
    }
    static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
        const Tensor rows = ctx->get_saved_variables()[0];
        const Tensor grad = grads[0].to(torch::kFloat32).contiguous();
        const int64_t d = grad.size(1);
        Tensor dx = torch::zeros({ctx->saved_data["rows"].toInt(), d});
        const auto* index = rows.data_ptr<int64_t>();
        const float* src = grad.data_ptr<float>();
        float* dst = dx.data_ptr<float>();
        for (int64_t i = 0; i < rows.size(0); ++i) {
            float* to = dst + index[i] * d;
#pragma omp simd
            for (int64_t c = 0; c < d; ++c) to[c] += src[i * d + c];
        }
        return {dx, Tensor()};
    }
};

/// out[r] = sum_p weights[r][p] * y[position[r * used + p]].
struct CombineRows : torch::autograd::Function<CombineRows> {
    static Tensor forward(AutogradContext* ctx, const Tensor& y, const Tensor& weights, const Tensor& position) {
        ctx->save_for_backward({y, weights, position});
        const int64_t d = y.size(1);
        const int64_t used = weights.size(1);
        Tensor out = torch::zeros({weights.size(0), d});
        const auto* index = position.data_ptr<int64_t>();
        const float* src = y.data_ptr<float>();
        const float* w = weights.data_ptr<float>();
        float* dst = out.data_ptr<float>();
        for (int64_t i = 0; i < position.size(0); ++i) {
            const float* from = src + index[i] * d;
            float* to = dst + i / used * d;
#pragma omp simd
            for (int64_t c = 0; c < d; ++c) to[c] += w[i] * from[c];
        }
        return out;
    }
    static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
        const auto saved = ctx->get_saved_variables();
        const Tensor grad = grads[0].to(torch::kFloat32).contiguous();
        const int64_t d = grad.size(1);
        const int64_t used = saved[1].size(1);
        Tensor dy = torch::empty_like(saved[0]);
        Tensor dw = torch::empty_like(saved[1]);
        const auto* index = saved[2].data_ptr<int64_t>();
        const float* y = saved[0].data_ptr<float>();
        const float* w = saved[1].data_ptr<float>();
        const float* g = grad.data_ptr<float>();
        float* to_y = dy.data_ptr<float>();
        float* to_w = dw.data_ptr<float>();
        for (int64_t i = 0; i < saved[2].size(0); ++i) {
            const float* row = g + i / used * d;
            const float* from = y + index[i] * d;
            float* to = to_y + index[i] * d;
            float dot = 0.0F;
#pragma omp simd reduction(+ : dot)
            for (int64_t c = 0; c < d; ++c) {
                to[c] = w[i] * row[c];
                dot += from[c] * row[c];
            }
            to_w[i] = dot;
        }
        return {dy, dw, Tensor()};
    }
};

}  // namespace

Routing route(const Tensor& x, const Tensor& router, int64_t used) {
    const Tensor logits = torch::matmul(x, router.t());
    const Tensor probabilities = logits.softmax(-1);
    const auto [top, chosen] = probabilities.topk(used, -1);
    const int64_t experts = router.size(0);
    const int64_t count = x.size(0) * used;
    Routing routing;
    routing.weights = (top / top.sum(-1, true)).contiguous();
    routing.load.assign(static_cast<std::size_t>(experts), 0);
    const Tensor flat = chosen.contiguous();
    const auto* expert = flat.data_ptr<int64_t>();
    for (int64_t i = 0; i < count; ++i) ++routing.load[static_cast<std::size_t>(expert[i])];
    std::vector<int64_t> next(routing.load.size(), 0);
    std::exclusive_scan(routing.load.begin(), routing.load.end(), next.begin(), int64_t{0});
    routing.row_of.resize(static_cast<std::size_t>(count));
    routing.position_of.resize(static_cast<std::size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
        const int64_t at = next[static_cast<std::size_t>(expert[i])]++;
        routing.position_of[static_cast<std::size_t>(i)] = at;
        routing.row_of[static_cast<std::size_t>(at)] = i / used;
    }
    const Tensor share = indexTensor(routing.load).to(torch::kFloat32) / static_cast<double>(count);
    routing.balance_loss = (probabilities.mean(0) * share).sum() * static_cast<double>(experts);
    routing.z_loss = logits.logsumexp(-1).square().mean();
    return routing;
}

Tensor mixExperts(const Tensor& x, const Experts& experts, const Routing& routing, torch::ScalarType type) {
    const Tensor gathered = GatherRows::apply(x, indexTensor(routing.row_of));
    const std::vector<Tensor> parts = gathered.to(type).split_with_sizes(routing.load);
    std::vector<Tensor> results;
    for (std::size_t e = 0; e < parts.size(); ++e) {
        if (routing.load[e] == 0) continue;
        const auto linear = [&](const Tensor& in, const Tensor& w) { return torch::matmul(in, w.to(type).t()); };
        results.push_back(
            linear(torch::silu(linear(parts[e], experts.gate[e])) * linear(parts[e], experts.up[e]), experts.down[e]));
    }
    const Tensor all = torch::cat(results).to(torch::kFloat32).contiguous();
    return CombineRows::apply(all, routing.weights, indexTensor(routing.position_of));
}

}  // namespace quibble::train
