#pragma once

#include <optional>
#include <string>

#include "engine/train/bpe_trainer.h"
#include "engine/train/model.h"

namespace quibble::train {

/// The chat template stored in the file: one user turn, then the model starts inside its thought.
extern const char* const kChatTemplate;

/// Writes the model as a GGUF file (architecture llama, matrices F16, norms F32, tied output, tokenizer inside).
/// Returns what went wrong, or nothing.
std::optional<std::string> exportGguf(const std::string& path, const LlamaModel& model, const ToyTokenizer& tokenizer,
                                      const std::string& name);

}  // namespace quibble::train
