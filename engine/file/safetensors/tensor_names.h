// Names of weights in published checkpoints and in GGUF files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quibble {

/// "model.layers.3.self_attn.q_proj.weight" -> "blk.3.attn_q.weight"; an empty string for one that holds nothing a
/// model needs; nothing when no architecture here has such a tensor. `architecture` as in general.architecture.
[[nodiscard]] std::optional<std::string> ggufTensorName(std::string_view name, std::string_view architecture);

/// A number as names count layers and experts: up to four digits, no zero in front.
[[nodiscard]] bool isLayerNumber(std::string_view text);

}  // namespace quibble
