// The numbers that define a transformer, read from GGUF metadata and checked against each other and against the tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/model_file.h"
#include "engine/values/result.h"

namespace quibble {

enum class Architecture { Llama, Qwen2, Qwen3 };

struct ModelConfig {
    Architecture architecture = Architecture::Llama;
    std::string architecture_name;  // as in the file
    std::string name;               // general.name, or the file's stem
    int n_layers = 0;
    int d_model = 0;
    int n_heads = 0;
    int n_kv_heads = 0;
    int head_dim = 0;        // of q, k and v
    int d_ff = 0;
    int vocab_size = 0;
    int context_length = 0;  // positions the model was made for
    float norm_eps = 1e-5F;
    int rope_dim = 0;        // rotated dimensions of a head, even
    double rope_theta = 10000;
    bool rope_adjacent_pairs = true;  // llama; otherwise halves
    double rope_linear_scale = 1;     // positions are divided by this
    bool tied_output = false;         // the output layer is the token embedding

    [[nodiscard]] int dQ() const { return n_heads * head_dim; }
    [[nodiscard]] int dKv() const { return n_kv_heads * head_dim; }
};

/// Errors: Unsupported (an architecture or a feature that nothing here runs, with the list of those that do),
/// FileCorrupt (a key is missing, absurd, or contradicts another).
[[nodiscard]] Result<ModelConfig> readModelConfig(const ModelFile& file);

/// cos and sin tables are made from this: inverse frequency of each rotated pair, [rope_dim / 2].
/// `factors` is the rope_freqs tensor (divisors per pair) or empty.
[[nodiscard]] std::vector<double> ropeInverseFrequencies(const ModelConfig& config, const std::vector<float>& factors);

}  // namespace quibble
