#include "train/model.h"

#include <cmath>

#include "train/attention.h"
#include "train/row_functions.h"

namespace quibble::train {
namespace {

using torch::Tensor;

Tensor parameter(const Tensor& t) { return t.clone().set_requires_grad(true); }

Tensor matrix(int64_t out, int64_t in) {
    return parameter(torch::randn({out, in}) / std::sqrt(static_cast<double>(in)));
}

RopePairs pairsOf(const ModelShape& shape) { return shape.experts > 0 ? RopePairs::kHalves : RopePairs::kAdjacent; }

/// Root mean square of each head's numbers, averaged. x [n, heads * head_dim].
double meanHeadRms(const Tensor& x, int64_t head_dim) {
    const torch::NoGradGuard no_grad;
    return x.detach().to(torch::kFloat32).reshape({-1, head_dim}).square().mean(1).sqrt().mean().item<double>();
}

}  // namespace

Transformer::Transformer(const ModelShape& shape, uint64_t seed, bool bf16) : shape_(shape), bf16_(bf16) {
    torch::manual_seed(seed);
    embedding_ = parameter(torch::randn({shape.vocab, shape.width}) * 0.02);
    output_norm_ = parameter(torch::ones({shape.width}));
    for (int64_t i = 0; i < shape.layers; ++i) layers_.push_back(makeLayer());
    const int64_t half = shape.head_dim / 2;
    const Tensor inverse =
        torch::pow(shape.rope_base, -torch::arange(half, torch::kFloat64) / static_cast<double>(half));
    const Tensor angle = torch::arange(shape.context, torch::kFloat64).unsqueeze(1) * inverse.unsqueeze(0);
    cos_ = angle.cos().to(torch::kFloat32).contiguous();
    sin_ = angle.sin().to(torch::kFloat32).contiguous();
}

Layer Transformer::makeLayer() const {
    const int64_t q = shape_.heads * shape_.head_dim;
    const int64_t kv = shape_.kv_heads * shape_.head_dim;
    // Blocks start as the identity, so that early gradients reach the embedding undisturbed.
    const auto zeros = [](int64_t out, int64_t in) { return parameter(torch::zeros({out, in})); };
    Layer layer;
    layer.attn_norm = parameter(torch::ones({shape_.width}));
    layer.ffn_norm = parameter(torch::ones({shape_.width}));
    layer.wq = matrix(q, shape_.width);
    layer.wk = matrix(kv, shape_.width);
    layer.wv = matrix(kv, shape_.width);
    layer.wo = zeros(shape_.width, q);
    if (shape_.experts == 0) {
        layer.w_gate = matrix(shape_.ffn, shape_.width);
        layer.w_up = matrix(shape_.ffn, shape_.width);
        layer.w_down = zeros(shape_.width, shape_.ffn);
        return layer;
    }
    layer.q_norm = parameter(torch::ones({shape_.head_dim}));
    layer.k_norm = parameter(torch::ones({shape_.head_dim}));
    layer.experts.router = parameter(torch::randn({shape_.experts, shape_.width}) * 0.02);
    for (int64_t e = 0; e < shape_.experts; ++e) {
        layer.experts.gate.push_back(matrix(shape_.ffn, shape_.width));
        layer.experts.up.push_back(matrix(shape_.ffn, shape_.width));
        layer.experts.down.push_back(zeros(shape_.width, shape_.ffn));
    }
    return layer;
}

Tensor Transformer::linear(const Tensor& x, const Tensor& w) const {
    if (!bf16_) return torch::matmul(x, w.t());
    return torch::matmul(x.to(torch::kBFloat16), w.to(torch::kBFloat16).t());
}

Tensor Transformer::norm(const Tensor& x, const Tensor& w) const { return rmsNorm(x, w, shape_.eps); }

Tensor Transformer::headNorm(const Tensor& x, const Tensor& w) const {
    if (!w.defined()) return x;
    return norm(x.to(torch::kFloat32).reshape({-1, shape_.head_dim}), w).view({x.size(0), -1});
}

Transformer::Angles Transformer::angles(const Tensor& positions) const {
    return {cos_.index_select(0, positions), sin_.index_select(0, positions)};
}

Transformer::Heads Transformer::project(const Layer& layer, const Tensor& x, const Angles& turn,
                                        Observed* observed) const {
    const Tensor h = rounded(norm(x, layer.attn_norm));
    const Tensor q = linear(h, layer.wq);
    const Tensor k = linear(h, layer.wk);
    if (observed != nullptr) {
        observed->q_rms.push_back(meanHeadRms(q, shape_.head_dim));
        observed->k_rms.push_back(meanHeadRms(k, shape_.head_dim));
    }
    return {rope(headNorm(q, layer.q_norm), turn.cos, turn.sin, shape_.head_dim, pairsOf(shape_)),
            rope(headNorm(k, layer.k_norm), turn.cos, turn.sin, shape_.head_dim, pairsOf(shape_)),
            linear(h, layer.wv).to(torch::kFloat32)};
}

Tensor Transformer::feedForward(const Layer& layer, const Tensor& x, Forward* losses, Observed* observed) const {
    const Tensor f = norm(x, layer.ffn_norm);
    if (shape_.experts == 0) {
        const Tensor h = rounded(f);
        return linear(torch::silu(linear(h, layer.w_gate)) * linear(h, layer.w_up), layer.w_down);
    }
    const Routing routing = route(f, layer.experts.router, shape_.experts_used);
    if (observed != nullptr) observed->load.push_back(routing.load);
    if (losses != nullptr) {
        losses->balance_loss =
            losses->balance_loss.defined() ? losses->balance_loss + routing.balance_loss : routing.balance_loss;
        losses->z_loss = losses->z_loss.defined() ? losses->z_loss + routing.z_loss : routing.z_loss;
    }
    return mixExperts(f, layer.experts, routing, bf16_ ? torch::kBFloat16 : torch::kFloat32);
}

Forward Transformer::forward(const Batch& batch, Observed* observed) const {
    const Angles turn = angles(batch.positions);
    Forward result;
    Tensor x = torch::embedding(embedding_, batch.tokens);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const Layer& layer = layers_[i];
        const Heads heads = project(layer, x, turn, observed);
        Tensor attended = causalAttention(heads.q, heads.k, heads.v, batch.groups, shape_.heads, shape_.kv_heads);
        if (i + 1 == layers_.size()) {  // behind the last attention only the rows with loss matter
            x = x.index_select(0, batch.loss_rows);
            attended = attended.index_select(0, batch.loss_rows);
        }
        x = x + linear(attended, layer.wo);
        x = x + feedForward(layer, x, &result, observed);
    }
    result.logits = linear(norm(x, output_norm_), embedding_).to(torch::kFloat32);
    return result;
}

Tensor Transformer::decode(const Tensor& tokens, const Tensor& positions, int64_t max_position,
                           std::vector<Tensor>& cache_k, std::vector<Tensor>& cache_v) const {
    const Angles turn = angles(positions);
    const int64_t rows = tokens.size(0);
    const int64_t repeat = shape_.heads / shape_.kv_heads;
    const int64_t seen = max_position + 1;
    const Tensor row_ids = torch::arange(rows);
    const Tensor mask = (torch::arange(seen).unsqueeze(0) > positions.unsqueeze(1))
                            .to(torch::kFloat32)
                            .mul(-1e30F)
                            .view({rows, 1, 1, seen});
    Tensor x = torch::embedding(embedding_, tokens);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const Layer& layer = layers_[i];
        const Heads heads = project(layer, x, turn, nullptr);
        using torch::indexing::Slice;
        cache_k[i].index_put_({row_ids, Slice(), positions}, heads.k.view({rows, shape_.kv_heads, shape_.head_dim}));
        cache_v[i].index_put_({row_ids, Slice(), positions}, heads.v.view({rows, shape_.kv_heads, shape_.head_dim}));
        const Tensor keys = cache_k[i].narrow(2, 0, seen);
        const Tensor values = cache_v[i].narrow(2, 0, seen);
        const Tensor q = heads.q.view({rows, shape_.kv_heads, repeat, shape_.head_dim});
        const Tensor scores =
            torch::matmul(q, keys.transpose(2, 3)) / std::sqrt(static_cast<double>(shape_.head_dim)) + mask;
        x = x + linear(torch::matmul(scores.softmax(-1), values).reshape({rows, -1}), layer.wo).to(torch::kFloat32);
        x = x + feedForward(layer, x, nullptr, nullptr).to(torch::kFloat32);
    }
    return linear(norm(x, output_norm_), embedding_).to(torch::kFloat32);
}

std::vector<std::pair<std::string, Tensor>> Transformer::named() const {
    std::vector<std::pair<std::string, Tensor>> all{{"token_embd.weight", embedding_},
                                                    {"output_norm.weight", output_norm_}};
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const std::string p = "blk." + std::to_string(i) + ".";
        const Layer& l = layers_[i];
        const std::vector<std::pair<const char*, Tensor>> parts{
            {"attn_norm", l.attn_norm}, {"attn_q", l.wq},          {"attn_k", l.wk},
            {"attn_v", l.wv},           {"attn_q_norm", l.q_norm}, {"attn_k_norm", l.k_norm},
            {"attn_output", l.wo},      {"ffn_norm", l.ffn_norm},  {"ffn_gate", l.w_gate},
            {"ffn_up", l.w_up},         {"ffn_down", l.w_down},    {"ffn_gate_inp", l.experts.router}};
        for (const auto& [name, tensor] : parts) {
            if (tensor.defined()) all.emplace_back(p + name + ".weight", tensor);
        }
        const std::vector<std::pair<const char*, const std::vector<Tensor>*>> stacks{
            {"ffn_gate_exps", &l.experts.gate}, {"ffn_up_exps", &l.experts.up}, {"ffn_down_exps", &l.experts.down}};
        for (const auto& [name, stack] : stacks) {
            for (std::size_t e = 0; e < stack->size(); ++e)
                all.emplace_back(p + name + ".weight." + std::to_string(e), (*stack)[e]);
        }
    }
    return all;
}

std::vector<Tensor> Transformer::hiddenMatrices() const {
    std::vector<Tensor> all;
    for (const Layer& l : layers_) {
        for (const Tensor& t : {l.wq, l.wk, l.wv, l.wo, l.w_gate, l.w_up, l.w_down}) {
            if (t.defined()) all.push_back(t);
        }
        for (const auto* stack : {&l.experts.gate, &l.experts.up, &l.experts.down})
            all.insert(all.end(), stack->begin(), stack->end());
    }
    return all;
}

std::vector<Tensor> Transformer::otherParameters() const {
    std::vector<Tensor> all{embedding_, output_norm_};
    for (const Layer& l : layers_) {
        for (const Tensor& t : {l.attn_norm, l.ffn_norm, l.q_norm, l.k_norm, l.experts.router}) {
            if (t.defined()) all.push_back(t);
        }
    }
    return all;
}

}  // namespace quibble::train
