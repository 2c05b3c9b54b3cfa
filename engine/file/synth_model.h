// Writes a GGUF file of a real model's shape with random weights, so that speed can be measured anywhere without a
// download. The text such a model makes is noise.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "engine/values/result.h"

namespace quibble {

struct SynthShape {
    std::string_view id;
    std::string_view architecture;  // as files name it: "qwen2", "gpt-oss"
    int n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff,
        vocab_size;  // d_ff: of one expert where there are experts
    bool tied_output;
    double rope_theta;
    int experts = 0, experts_used = 0;  // 0: dense
};

[[nodiscard]] std::span<const SynthShape> synthShapes();
/// What `type` may be, for help and errors.
[[nodiscard]] std::string synthTypeNames();

struct SynthRequest {
    std::string_view shape;
    std::string_view type;   // a tensor type for every matrix, or a mixture as files name it (Q4_K_M)
    std::uint64_t seed = 1;  // the same seed gives the same bytes
    int layers = 0;          // 0: as the shape has them
};

/// Rows that do not fill the blocks of a type get the next type that fits, as in quantized files of real models.
/// Errors: NotFound (shape, lists the known), InvalidArgument (type, layers), Io (among them: no room on the disk).
[[nodiscard]] Result<void> writeSynthModel(const SynthRequest& request, const std::filesystem::path& path);

}  // namespace quibble
