#include "engine/train/model.h"

#include <cmath>

#include "engine/train/attention.h"

namespace quibble::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// Rotates adjacent pairs of x [n, heads * head_dim] by the angle of each row's position; sign -1 rotates back.
Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t head_dim, float sign) {
    const Tensor in = x.to(torch::kFloat32).contiguous();
    Tensor out = torch::empty_like(in);
    const int64_t rows = in.size(0);
    const int64_t width = in.size(1);
    const int64_t half = head_dim / 2;
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
                b[2 * i] = a[2 * i] * co - a[2 * i + 1] * si;
                b[2 * i + 1] = a[2 * i] * si + a[2 * i + 1] * co;
            }
        }
    }
    return out;
}

struct RopeFunction : torch::autograd::Function<RopeFunction> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t head_dim) {
        ctx->save_for_backward({cos, sin});
        ctx->saved_data["head_dim"] = head_dim;
        ctx->saved_data["bf16"] = x.scalar_type() == torch::kBFloat16;
        return rotate(x, cos, sin, head_dim, 1.0F);
    }
    static tensor_list backward(AutogradContext* ctx, tensor_list grad) {
        const auto saved = ctx->get_saved_variables();
        Tensor dx = rotate(grad[0], saved[0], saved[1], ctx->saved_data["head_dim"].toInt(), -1.0F);
        if (ctx->saved_data["bf16"].toBool()) dx = dx.to(torch::kBFloat16);
        return {dx, Tensor(), Tensor(), Tensor()};
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

Tensor parameter(const Tensor& t) {
    return t.clone().set_requires_grad(true);
}

}  // namespace

LlamaModel::LlamaModel(const ModelShape& shape, uint64_t seed, bool bf16) : shape_(shape), bf16_(bf16) {
    torch::manual_seed(seed);
    const int64_t q = shape.heads * shape.head_dim;
    const int64_t kv = shape.kv_heads * shape.head_dim;
    const auto matrix = [](int64_t out, int64_t in) { return parameter(torch::randn({out, in}) / std::sqrt(static_cast<double>(in))); };
    embedding_ = parameter(torch::randn({shape.vocab, shape.width}) * 0.02);
    output_norm_ = parameter(torch::ones({shape.width}));
    for (int64_t i = 0; i < shape.layers; ++i) {
        Layer layer;
        layer.attn_norm = parameter(torch::ones({shape.width}));
        layer.ffn_norm = parameter(torch::ones({shape.width}));
        layer.wq = matrix(q, shape.width);
        layer.wk = matrix(kv, shape.width);
        layer.wv = matrix(kv, shape.width);
        layer.w_gate = matrix(shape.ffn, shape.width);
        layer.w_up = matrix(shape.ffn, shape.width);
        // Blocks start as the identity, so that early gradients reach the embedding undisturbed.
        layer.wo = parameter(torch::zeros({shape.width, q}));
        layer.w_down = parameter(torch::zeros({shape.width, shape.ffn}));
        layers_.push_back(layer);
    }
    const int64_t half = shape.head_dim / 2;
    const Tensor inverse = torch::pow(shape.rope_base, -torch::arange(half, torch::kFloat64) / static_cast<double>(half));
    const Tensor angle = torch::arange(shape.context, torch::kFloat64).unsqueeze(1) * inverse.unsqueeze(0);
    cos_ = angle.cos().to(torch::kFloat32).contiguous();
    sin_ = angle.sin().to(torch::kFloat32).contiguous();
}

Tensor LlamaModel::linear(const Tensor& x, const Tensor& w) const {
    if (!bf16_) return torch::matmul(x, w.t());
    return torch::matmul(x.to(torch::kBFloat16), w.to(torch::kBFloat16).t());
}

Tensor LlamaModel::norm(const Tensor& x, const Tensor& w) const {
    return RmsNormFunction::apply(x, w, shape_.eps);
}

Tensor LlamaModel::loss(const Batch& batch) const {
    const Tensor cos = cos_.index_select(0, batch.positions);
    const Tensor sin = sin_.index_select(0, batch.positions);
    Tensor x = torch::embedding(embedding_, batch.tokens);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const Layer& layer = layers_[i];
        Tensor h = norm(x, layer.attn_norm);
        if (bf16_) h = h.to(torch::kBFloat16);
        const Tensor q = RopeFunction::apply(linear(h, layer.wq), cos, sin, shape_.head_dim);
        const Tensor k = RopeFunction::apply(linear(h, layer.wk), cos, sin, shape_.head_dim);
        const Tensor v = linear(h, layer.wv).to(torch::kFloat32);
        Tensor attended = causalAttention(q, k, v, batch.groups, shape_.heads, shape_.kv_heads);
        if (i + 1 == layers_.size()) {  // behind the last attention only the rows with loss matter
            x = x.index_select(0, batch.loss_rows);
            attended = attended.index_select(0, batch.loss_rows);
        }
        x = x + linear(attended, layer.wo);
        Tensor f = norm(x, layer.ffn_norm);
        if (bf16_) f = f.to(torch::kBFloat16);
        x = x + linear(torch::silu(linear(f, layer.w_gate)) * linear(f, layer.w_up), layer.w_down);
    }
    return torch::nn::functional::cross_entropy(linear(norm(x, output_norm_), embedding_).to(torch::kFloat32), batch.targets);
}

Tensor LlamaModel::decode(const Tensor& tokens, const Tensor& positions, int64_t max_position, std::vector<Tensor>& cache_k,
                          std::vector<Tensor>& cache_v) const {
    const Tensor cos = cos_.index_select(0, positions);
    const Tensor sin = sin_.index_select(0, positions);
    const int64_t rows = tokens.size(0);
    const int64_t repeat = shape_.heads / shape_.kv_heads;
    const int64_t seen = max_position + 1;
    const Tensor row_ids = torch::arange(rows);
    const Tensor mask =
        (torch::arange(seen).unsqueeze(0) > positions.unsqueeze(1)).to(torch::kFloat32).mul(-1e30F).view({rows, 1, 1, seen});
    Tensor x = torch::embedding(embedding_, tokens);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const Layer& layer = layers_[i];
        const Tensor h = norm(x, layer.attn_norm);
        const Tensor q =
            rotate(linear(h, layer.wq), cos, sin, shape_.head_dim, 1.0F).view({rows, shape_.kv_heads, repeat, shape_.head_dim});
        const Tensor k = rotate(linear(h, layer.wk), cos, sin, shape_.head_dim, 1.0F).view({rows, shape_.kv_heads, shape_.head_dim});
        const Tensor v = linear(h, layer.wv).to(torch::kFloat32).view({rows, shape_.kv_heads, shape_.head_dim});
        using torch::indexing::Slice;
        cache_k[i].index_put_({row_ids, Slice(), positions}, k);
        cache_v[i].index_put_({row_ids, Slice(), positions}, v);
        const Tensor keys = cache_k[i].narrow(2, 0, seen);
        const Tensor values = cache_v[i].narrow(2, 0, seen);
        const Tensor scores = torch::matmul(q, keys.transpose(2, 3)) / std::sqrt(static_cast<double>(shape_.head_dim)) + mask;
        x = x + linear(torch::matmul(scores.softmax(-1), values).reshape({rows, -1}), layer.wo).to(torch::kFloat32);
        const Tensor f = norm(x, layer.ffn_norm);
        x = x + linear(torch::silu(linear(f, layer.w_gate)) * linear(f, layer.w_up), layer.w_down).to(torch::kFloat32);
    }
    return linear(norm(x, output_norm_), embedding_).to(torch::kFloat32);
}

std::vector<std::pair<std::string, Tensor>> LlamaModel::named() const {
    std::vector<std::pair<std::string, Tensor>> all{{"token_embd.weight", embedding_}, {"output_norm.weight", output_norm_}};
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const std::string p = "blk." + std::to_string(i) + ".";
        const Layer& l = layers_[i];
        const std::vector<std::pair<const char*, Tensor>> parts{{"attn_norm", l.attn_norm}, {"attn_q", l.wq},      {"attn_k", l.wk},
                                                                {"attn_v", l.wv},           {"attn_output", l.wo}, {"ffn_norm", l.ffn_norm},
                                                                {"ffn_gate", l.w_gate},     {"ffn_up", l.w_up},    {"ffn_down", l.w_down}};
        for (const auto& [name, tensor] : parts) all.emplace_back(p + name + ".weight", tensor);
    }
    return all;
}

std::vector<Tensor> LlamaModel::hiddenMatrices() const {
    std::vector<Tensor> all;
    for (const Layer& l : layers_) {
        for (const Tensor& t : {l.wq, l.wk, l.wv, l.wo, l.w_gate, l.w_up, l.w_down}) all.push_back(t);
    }
    return all;
}

std::vector<Tensor> LlamaModel::otherParameters() const {
    std::vector<Tensor> all{embedding_, output_norm_};
    for (const Layer& l : layers_) {
        all.push_back(l.attn_norm);
        all.push_back(l.ffn_norm);
    }
    return all;
}

}  // namespace quibble::train
