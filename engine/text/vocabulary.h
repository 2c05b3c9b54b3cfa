// The token table of a model file: bytes and kind of every id, and what the file says about special ids.
// Used by the encoders; everyone else uses Tokenizer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/file/model_file.h"
#include "engine/text/byte_index.h"
#include "engine/text/special_matcher.h"
#include "engine/text/text_normalizer.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"

namespace quibble {

/// tokenizer.ggml.token_type, with the numbers of the format.
enum class TokenKind : std::uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

/// The merges of a SentencePiece-style tokenizer.json, "left right"; GGUF files of that form have scores instead.
inline constexpr std::string_view kSentencePieceMerges = "quibble.tokenizer.merges";
/// The ids that a tokenizer.json lists as added tokens.
inline constexpr std::string_view kAddedIds = "quibble.tokenizer.added_ids";

/// How the texts of normal tokens are written in the file.
enum class VocabularyForm {
    ByteLevel,      // "gpt2": each byte as one printable character
    SentencePiece,  // "llama": U+2581 for a space, "<0x0A>" for a byte
};

struct Vocabulary {
    VocabularyForm form = VocabularyForm::ByteLevel;
    std::string bytes;                  // all tokens' bytes, one after the other
    std::vector<std::uint32_t> begins;  // size() + 1 places in bytes
    std::vector<TokenKind> kinds;
    std::vector<float> scores;               // SentencePiece of GGUF files only
    std::vector<TokenId> byte_tokens;        // 256; the token of a single byte, kNoToken where there is none
    ByteIndex mergeable;                     // bytes -> id of tokens that plain text may become
    ByteIndex all;                           // bytes -> lowest id
    SpecialMatcher specials;                 // in text as it is given
    TextNormalizer normalizer;               // of what lies between them
    SpecialMatcher normalized_specials;      // in text after that
    std::vector<TokenId> end_of_generation;  // sorted
    std::optional<TokenId> bos;
    std::optional<TokenId> eos;
    std::optional<TokenId> unknown;
    bool adds_bos = false;
    bool adds_eos = false;
    bool adds_space_prefix = false;
    bool prefix_where_missing = false;  // only in front of text that does not begin with a space
    bool space_after_special = true;    // the prefix also goes in front of what follows a special token
    std::string pre_name;
    std::string chat_template;
    std::string hash;
    std::vector<std::string> notes;  // what the file says wrongly and how it was read, for people

    [[nodiscard]] bool normalizes() const { return normalizer.active() || !normalized_specials.empty(); }
    [[nodiscard]] std::size_t size() const { return kinds.size(); }
    [[nodiscard]] std::string_view tokenBytes(std::size_t id) const {
        return std::string_view(bytes).substr(begins[id], begins[id + 1] - begins[id]);
    }

    /// Reads everything but the merges. Errors: FileCorrupt, Unsupported.
    [[nodiscard]] static Result<std::shared_ptr<Vocabulary>> fromFile(const ModelFile& file);
};

/// Byte -> character of the byte-level alphabet: printable Latin-1 bytes stand for themselves, the others for U+0100
/// upwards in order of the byte.
[[nodiscard]] char32_t byteLevelCharacter(std::uint8_t byte);
/// The bytes that a text in the byte-level alphabet stands for; nothing when it holds another character.
[[nodiscard]] std::optional<std::string> decodeByteLevel(std::string_view text);

/// The byte of a byte token's text: 10 of "<0x0A>"; nothing of another text.
[[nodiscard]] std::optional<std::uint8_t> parseByteToken(std::string_view text);

/// The text with each U+2581 replaced by the space it stands for.
[[nodiscard]] std::string decodeSentencePiece(std::string_view text);

}  // namespace quibble
