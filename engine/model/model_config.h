// The numbers that define a transformer, read from GGUF metadata and checked against each other and against the
// tensors.
#pragma once

#include <cstdint>
#include <string>

#include "engine/file/model_file.h"
#include "engine/values/result.h"

namespace quibble {

enum class Architecture { Llama, Qwen2, Qwen3, Qwen3Moe, Olmoe, GptOss };

/// RMS norm of queries and keys before RoPE: none, over each head, or over all heads together.
enum class QkNorm { None, PerHead, FullWidth };

/// Mixture of experts in place of the feed-forward layer. All weights of a token come from one router row of n_experts
/// logits.
struct ExpertConfig {
    int count = 0;             // 0: a dense model
    int used = 0;              // experts a token, 1 to count
    int d_ff = 0;              // of one expert
    bool renormalise = false;  // the chosen probabilities are divided by max(sum, kMinExpertWeightSum)
    float weight_scale = 1;    // of the combination weights, last
};

/// How positions are turned into angles (frequencies: rope_table.h).
struct RopeConfig {
    int dim = 0;  // rotated dimensions of a head, even
    double theta = 10000;
    bool adjacent_pairs = true;  // elements 2i and 2i + 1 turn together (llama); false: elements i and i + dim / 2 do
    double linear_scale = 1;     // positions are divided by this
    // YaRN (arXiv 2309.00071): pairs that turn often keep their frequency, slow ones are divided by the factor.
    bool yarn = false;
    double yarn_factor = 1;
    double yarn_original_context = 0;
    double yarn_beta_fast = 32, yarn_beta_slow = 1;  // turns within the original context
    double yarn_mix = 1;                             // share of YaRN against plain division
    double attention_factor = 1;                     // multiplies cos and sin, as does YaRN's own 1 + 0.1 ln factor
    bool yarn_truncate =
        true;  // the ramp begins and ends at whole pairs (as llama.cpp; the published gpt-oss code does not)
};

struct ModelConfig {
    Architecture architecture = Architecture::Llama;
    std::string architecture_name;  // as in the file
    std::string name;               // general.name, or modelTitle
    int n_layers = 0;
    int d_model = 0;
    int n_heads = 0;
    int n_kv_heads = 0;
    int head_dim = 0;  // of q, k and v
    int d_ff = 0;      // of a dense feed-forward layer
    int vocab_size = 0;
    int context_length = 0;  // positions the model was made for
    float norm_eps = 1e-5F;
    RopeConfig rope;
    ExpertConfig experts;
    QkNorm qk_norm = QkNorm::None;
    int sliding_window = 0;  // positions that a row of a windowed layer sees, itself included; 0: all
    int window_period = 0;   // in each group of so many layers, all but the last have the window; 0: all layers have it
    bool attention_sinks = false;  // one more logit a head in the softmax, whose share is dropped
    bool clamped_swiglu = false;   // min(g, 7) sigmoid(1.702 g) (clamp(u, -7, 7) + 1)
    bool tied_output = false;      // the output layer is the token embedding

    [[nodiscard]] int dQ() const { return n_heads * head_dim; }
    [[nodiscard]] int dKv() const { return n_kv_heads * head_dim; }
    [[nodiscard]] bool hasExperts() const { return experts.count > 0; }
    /// Positions that a row of this layer sees, itself included; 0: all.
    [[nodiscard]] int windowOf(int layer) const {
        return window_period == 0 || layer % window_period < window_period - 1 ? sliding_window : 0;
    }
};

/// The smallest normal F16 number: what llama.cpp divides by at least when it renormalises expert weights.
inline constexpr float kMinExpertWeightSum = 6.103515625e-5F;

/// Errors: Unsupported (an architecture or a feature that nothing here runs, with the list of those that do),
/// FileCorrupt (a key is missing, absurd, or contradicts another).
[[nodiscard]] Result<ModelConfig> readModelConfig(const ModelFile& file);

}  // namespace quibble
