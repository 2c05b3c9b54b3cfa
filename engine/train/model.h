#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

namespace quibble::train {

/// Shape of a llama-architecture model with tied embeddings.
struct ModelShape {
    int64_t vocab = 0;
    int64_t width = 256;
    int64_t layers = 4;
    int64_t heads = 8;
    int64_t kv_heads = 4;
    int64_t head_dim = 32;
    int64_t ffn = 768;
    double eps = 1e-5;
    double rope_base = 10000.0;
    int64_t context = 2048;
};

/// Rows of documents padded to one length: tokens [begin, begin + rows * length) of the flat batch.
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
    int64_t real_tokens = 0;  ///< without padding
};

struct Layer {
    torch::Tensor attn_norm, wq, wk, wv, wo, ffn_norm, w_gate, w_up, w_down;
};

/// The trainable model. Matrices are stored [out, in] in float32, as GGUF stores them; Q and K rows are in the order for
/// rotation of adjacent pairs. Products run in BF16 when bf16 is set, norms, softmax and the residual stream in float32.
class LlamaModel {
public:
    LlamaModel(const ModelShape& shape, uint64_t seed, bool bf16);

    const ModelShape& shape() const { return shape_; }
    /// Mean cross-entropy (nats) over the loss rows of a batch.
    torch::Tensor loss(const Batch& batch) const;
    /// Logits [rows, vocab] for one new token of each row. cache_k, cache_v: one [rows, kv_heads, max_length, head_dim] tensor a
    /// layer, written at positions[row]; attention sees 0..positions[row], of which the highest is max_position.
    torch::Tensor decode(const torch::Tensor& tokens, const torch::Tensor& positions, int64_t max_position,
                         std::vector<torch::Tensor>& cache_k, std::vector<torch::Tensor>& cache_v) const;

    /// GGUF names and tensors, in file order.
    std::vector<std::pair<std::string, torch::Tensor>> named() const;
    std::vector<torch::Tensor> hiddenMatrices() const;
    std::vector<torch::Tensor> otherParameters() const;
    void setBf16(bool on) { bf16_ = on; }

private:
    torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& w) const;
    torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& w) const;

    ModelShape shape_;
    bool bf16_ = true;
    torch::Tensor embedding_, output_norm_;
    torch::Tensor cos_, sin_;  ///< [context, head_dim / 2]
    std::vector<Layer> layers_;
};

}  // namespace quibble::train
