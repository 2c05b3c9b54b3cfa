#include "train/upcycle.h"

#include <map>
#include <vector>

namespace quibble::train {
namespace {

using torch::Tensor;

std::map<std::string, Tensor> tensorsOf(const Transformer& model) {
    std::map<std::string, Tensor> all;
    for (const auto& [name, tensor] : model.named()) all.emplace(name, tensor.detach());
    return all;
}

/// Rows (2i, 2i + 1) of every head to (i, i + half).
Tensor halvesFromPairs(const Tensor& w, int64_t head_dim) {
    return w.view({-1, head_dim / 2, 2, w.size(1)}).transpose(1, 2).reshape(w.sizes());
}

/// The neurons of every expert: random permutations of all dense neurons, cut into parts.
std::vector<Tensor> drawNeurons(int64_t dense_ffn, const ModelShape& shape) {
    std::vector<Tensor> parts;
    while (static_cast<int64_t>(parts.size()) < shape.experts) {
        for (const Tensor& part : torch::randperm(dense_ffn).split(shape.ffn)) parts.push_back(part);
    }
    return parts;
}

}  // namespace

void upcycle(const Transformer& dense, const Batch& sample, uint64_t seed, Transformer& moe) {
    const torch::NoGradGuard no_grad;
    const ModelShape& shape = moe.shape();
    const int64_t dense_ffn = dense.shape().ffn;
    TORCH_CHECK(dense_ffn % shape.ffn == 0 && shape.experts % (dense_ffn / shape.ffn) == 0 &&
                    dense.shape().layers == shape.layers,
                "upcycle: the shapes do not fit");
    torch::manual_seed(seed);
    Observed observed;
    dense.forward(sample, &observed);
    std::map<std::string, Tensor> from = tensorsOf(dense);
    std::map<std::string, Tensor> to = tensorsOf(moe);
    for (auto& [name, tensor] : to) {
        const auto found = from.find(name);
        if (found == from.end()) continue;  // router, experts, norms of heads
        const bool turned = name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight");
        tensor.copy_(turned ? halvesFromPairs(found->second, shape.head_dim) : found->second);
    }
    const double scale = static_cast<double>(dense_ffn) / static_cast<double>(shape.ffn);
    for (int64_t i = 0; i < shape.layers; ++i) {
        const std::string p = "blk." + std::to_string(i) + ".";
        to.at(p + "attn_q_norm.weight").fill_(observed.q_rms[static_cast<std::size_t>(i)]);
        to.at(p + "attn_k_norm.weight").fill_(observed.k_rms[static_cast<std::size_t>(i)]);
        const std::vector<Tensor> neurons = drawNeurons(dense_ffn, shape);
        for (int64_t e = 0; e < shape.experts; ++e) {
            const Tensor& chosen = neurons[static_cast<std::size_t>(e)];
            const std::string end = "_exps.weight." + std::to_string(e);
            to.at(p + "ffn_gate" + end).copy_(from.at(p + "ffn_gate.weight").index_select(0, chosen));
            to.at(p + "ffn_up" + end).copy_(from.at(p + "ffn_up.weight").index_select(0, chosen));
            to.at(p + "ffn_down" + end).copy_(from.at(p + "ffn_down.weight").index_select(1, chosen) * scale);
        }
    }
}

}  // namespace quibble::train
