#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "train/experts.h"

namespace quibble::train {

/// Shape of a model with tied embeddings. Without experts it is of the architecture llama: rotation of adjacent pairs,
/// one FFN a layer. With experts it is qwen3moe: rotation of halves, norms of Q and K for each head, experts in place
/// of the FFN.
struct ModelShape {
    int64_t vocab = 0;
    int64_t width = 256;
    int64_t layers = 4;
    int64_t heads = 8;
    int64_t kv_heads = 4;
    int64_t head_dim = 32;
    int64_t ffn = 768;  ///< of the FFN, or of one expert
    int64_t experts = 0;
    int64_t experts_used = 0;
    double eps = 1e-5;
    double rope_base = 10000.0;
    int64_t context = 2048;
};

/// Documents of one length: tokens [begin, begin + rows * length) of the flat batch.
struct RowGroup {
    int64_t begin = 0;
    int64_t rows = 0;
    int64_t length = 0;
};

/// A flat batch: tokens and positions of all groups behind each other, and where loss is taken.
struct Batch {
    torch::Tensor tokens;     ///< int64 [n]
    torch::Tensor positions;  ///< int64 [n]
    torch::Tensor loss_rows;  ///< int64 [m], rows whose next token carries loss
    torch::Tensor targets;    ///< int64 [m]
    std::vector<RowGroup> groups;
};

/// q_norm and k_norm exist with experts, the w_ matrices of the FFN without.
struct Layer {
    torch::Tensor attn_norm, wq, wk, wv, wo, q_norm, k_norm, ffn_norm, w_gate, w_up, w_down;
    Experts experts;
};

/// What a pass through the model shows besides its logits; one entry a layer.
struct Observed {
    std::vector<std::vector<int64_t>> load;  ///< assignments of each expert
    std::vector<double> q_rms, k_rms;  ///< of one head's numbers before norm and rotation, mean over heads and rows
};

/// Logits of the rows with loss, and the router's losses summed over the layers (undefined without experts).
struct Forward {
    torch::Tensor logits;
    torch::Tensor balance_loss, z_loss;
};

/// The trainable model. Matrices are stored [out, in] in float32, as GGUF stores them; Q and K rows are in the order
/// that the architecture's rotation asks for. Products run in BF16 when bf16 is set; norms, softmax, router and
/// residual stream in float32.
class Transformer {
public:
    Transformer(const ModelShape& shape, uint64_t seed, bool bf16);

    const ModelShape& shape() const { return shape_; }
    /// One pass over a batch. `observed` may be null.
    Forward forward(const Batch& batch, Observed* observed = nullptr) const;
    /// Logits [rows, vocab] for one new token of each row. cache_k, cache_v: one [rows, kv_heads, max_length, head_dim]
    /// tensor a layer, written at positions[row]; attention sees 0..positions[row], of which the highest is
    /// max_position.
    torch::Tensor decode(const torch::Tensor& tokens, const torch::Tensor& positions, int64_t max_position,
                         std::vector<torch::Tensor>& cache_k, std::vector<torch::Tensor>& cache_v) const;

    /// Every parameter under its GGUF name, in file order. Experts carry their number behind a dot
    /// ("blk.0.ffn_up_exps.weight.3"); in the file they lie behind each other in one tensor.
    std::vector<std::pair<std::string, torch::Tensor>> named() const;
    std::vector<torch::Tensor> hiddenMatrices() const;
    std::vector<torch::Tensor> otherParameters() const;
    bool bf16() const { return bf16_; }
    void setBf16(bool on) { bf16_ = on; }

private:
    struct Angles {
        torch::Tensor cos, sin;  ///< [rows, head_dim / 2]
    };
    struct Heads {
        torch::Tensor q, k, v;  ///< [rows, heads * head_dim], q and k rotated
    };

    Layer makeLayer() const;
    Angles angles(const torch::Tensor& positions) const;
    Heads project(const Layer& layer, const torch::Tensor& x, const Angles& turn, Observed* observed) const;
    torch::Tensor headNorm(const torch::Tensor& x, const torch::Tensor& w) const;
    torch::Tensor feedForward(const Layer& layer, const torch::Tensor& x, Forward* losses, Observed* observed) const;
    torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& w) const;
    torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& w) const;
    torch::Tensor rounded(const torch::Tensor& x) const { return bf16_ ? x.to(torch::kBFloat16) : x; }

    ModelShape shape_;
    bool bf16_ = true;
    torch::Tensor embedding_, output_norm_;
    torch::Tensor cos_, sin_;  ///< [context, head_dim / 2]
    std::vector<Layer> layers_;
};

}  // namespace quibble::train
