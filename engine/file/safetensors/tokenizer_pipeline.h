// The stages around the merges of a tokenizer.json: what is done to text before they are looked up and after.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"

namespace quibble {

struct TokenizerPipeline {
    bool sentence_piece = false;  // U+2581 for spaces and byte tokens; else byte-level
    std::string pre_tokenizer;    // of a byte-level one, as PreTokenizer knows it
    bool ignore_merges = false;   // whole pieces are looked up before any merge
    bool fuses_unknown = false;   // for SentencePiece: unknown characters side by side are one token
    bool composes = false;        // Unicode normalization form C before anything else
    bool marks_begin = false;     // for SentencePiece: a U+2581 is put in front of each stretch between special tokens
    bool marks_spaces = false;    // for SentencePiece: spaces become U+2581 before added tokens are looked for
    bool space_prefix =
        false;  // for SentencePiece: after that a space is put in front of the text, unless the text begins with one
    bool space_after_special = true;  // ... and in front of what follows a special token
};

/// `where` names the file in errors. Errors: Unsupported (a stage that nothing here does), FileCorrupt (a stage without
/// its parts).
[[nodiscard]] Result<TokenizerPipeline> readTokenizerPipeline(const nlohmann::json& tokenizer,
                                                              const std::string& where);

/// Whether the text is put between special tokens ("TemplateProcessing").
struct PostProcessing {
    bool begins = false, ends = false;
    std::optional<std::int32_t> begin_id;  // of the token that begins, where the file says it
};
[[nodiscard]] PostProcessing readPostProcessing(const nlohmann::json& tokenizer);

}  // namespace quibble
