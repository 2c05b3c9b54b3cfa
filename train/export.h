#pragma once

#include <optional>
#include <string>

#include "train/bpe_trainer.h"
#include "train/model.h"

namespace quibble::train {

/// The chat template stored in the file: one user turn, then the model starts inside its thought.
extern const char* const kChatTemplate;

/// "llama", or "qwen3moe" with experts.
const char* architectureOf(const ModelShape& shape);

/// Writes the model as a GGUF file (matrices F16, norms and router F32, experts of a layer behind each other, tied
/// output, tokenizer inside). Returns what went wrong, or nothing.
std::optional<std::string> exportGguf(const std::string& path, const Transformer& model, const ToyTokenizer& tokenizer,
                                      const std::string& name);

}  // namespace quibble::train
