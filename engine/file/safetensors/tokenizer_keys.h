// tokenizer.json of a published checkpoint, with the settings beside it, as GGUF keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "engine/file/safetensors/key_builder.h"
#include "engine/values/result.h"

namespace quibble {

/// Texts of the files beside the weights; empty where there is no such file.
struct CheckpointTexts {
    std::string_view config;             // config.json
    std::string_view tokenizer;          // tokenizer.json
    std::string_view tokenizer_config;   // tokenizer_config.json: names of special tokens, chat template
    std::string_view generation_config;  // generation_config.json: which tokens end an answer
    std::string_view chat_template;      // chat_template.jinja, which goes before the one in tokenizer_config.json
};

/// Byte-level BPE and SentencePiece-style BPE with byte tokens. `folder` stands for the place in errors; `rows`: of the
/// token embedding, up to which the vocabulary is filled with padding. Errors: FileCorrupt (contradictory), Unsupported
/// (a tokenizer that nothing here does exactly: refused, not guessed).
[[nodiscard]] Result<void> addTokenizerKeys(const CheckpointTexts& texts, const nlohmann::json& config,
                                            const std::string& folder, std::uint64_t rows, KeyBuilder& keys);

}  // namespace quibble
