// Writes a GGUF file of a real model's shape with random weights, so that speed can be measured anywhere without a download. The
// text such a model makes is noise.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "engine/values/result.h"

namespace quibble {

struct SynthShape {
    std::string_view id;
    std::string_view architecture;  // "qwen2", "qwen3", "llama"
    int n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff, vocab_size;
    bool tied_output;
    double rope_theta;
};

[[nodiscard]] std::span<const SynthShape> synthShapes();

/// type: F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K for every matrix. The same seed gives the same bytes.
/// Errors: NotFound (shape, lists the known), InvalidArgument (type), Io.
[[nodiscard]] Result<void> writeSynthModel(std::string_view shape, std::string_view type, std::uint64_t seed, const std::filesystem::path& path);

}  // namespace quibble
