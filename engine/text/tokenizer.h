// Text to token ids and back, from the vocabulary inside a model file. Byte-exact: any byte string, valid UTF-8 or not,
// encodes and decodes to itself (SentencePiece vocabularies add their space in front), unless a published
// tokenizer.json declares that text is normalized or that a token takes the white space beside it. Immutable after
// loading and safe to share between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/file/model_file.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"

namespace quibble {

struct Vocabulary;  // vocabulary.h

struct EncodeOptions {
    /// Recognise control tokens ("<|im_end|>") in the text. Tokens that the vocabulary marks as user-defined are
    /// recognised always, as the reference implementations do.
    bool parse_special = false;
    /// Places in the text, in order, that no control token may cover, for parse_special: where a user wrote what looks
    /// like one.
    std::span<const std::size_t> literal = {};
    /// Put the beginning-of-sequence token first whatever the vocabulary says (an absent one is left out).
    bool add_bos = false;
    /// Add beginning and end tokens where the vocabulary asks for them (tokenizer.ggml.add_bos_token, add_eos_token).
    bool vocabulary_bos_eos = false;
    /// The text goes on after other text: SentencePiece vocabularies then put no space in front. No effect on others.
    bool continuation = false;
};

class Tokenizer {
public:
    /// Errors: FileCorrupt (missing or contradictory vocabulary), Unsupported (unknown tokenizer model or
    /// pre-tokenizer; the message lists the known ones).
    [[nodiscard]] static Result<std::shared_ptr<const Tokenizer>> fromFile(const ModelFile& file);

    virtual ~Tokenizer() = default;
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;

    [[nodiscard]] std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const;

    /// Every place of the text where a control token could begin, in order.
    [[nodiscard]] std::vector<std::size_t> controlPlaces(std::string_view text) const;

    /// The bytes a token stands for; the text of the token for specials. Empty for ids out of range.
    [[nodiscard]] std::string_view tokenBytes(TokenId id) const;
    /// The bytes of all tokens joined.
    [[nodiscard]] std::string decode(const std::vector<TokenId>& ids) const;

    /// Control, unknown and unused tokens: shown to nobody unless asked for. User-defined tokens are not special.
    [[nodiscard]] bool isSpecial(TokenId id) const;
    /// Ends an answer: eos, eot, eom and the end tokens known by their text.
    [[nodiscard]] bool isEndOfGeneration(TokenId id) const;

    [[nodiscard]] std::size_t vocabSize() const;
    [[nodiscard]] std::optional<TokenId> bos() const;
    [[nodiscard]] std::optional<TokenId> eos() const;
    /// The lowest id whose tokenBytes are exactly these.
    [[nodiscard]] std::optional<TokenId> idOf(std::string_view exact_bytes) const;

    /// Whether the vocabulary asks for bos in front; chat templates that print bos themselves must then not get a
    /// second.
    [[nodiscard]] bool addsBos() const;
    [[nodiscard]] bool addsEos() const;

    /// Hex. Equal exactly when the vocabularies are equal: same bytes for every id. Padding ids at the end of the
    /// vocabulary are left out, so that models padded to other sizes compare equal.
    [[nodiscard]] const std::string& hash() const;
    /// The Jinja text in the file; empty when there is none.
    [[nodiscard]] std::string_view chatTemplate() const;
    /// What the file says wrongly about its tokens, and how it was read; for people.
    [[nodiscard]] const std::vector<std::string>& notes() const;
    /// "qwen2", "gpt-2", ...; "spm" for SentencePiece vocabularies.
    [[nodiscard]] std::string_view preTokenizerName() const;

protected:
    explicit Tokenizer(std::shared_ptr<const Vocabulary> vocabulary);
    /// Appends the ids of text that holds no special token. `space_prefix`: this stretch begins the text or follows a
    /// special token, where SentencePiece vocabularies put a space.
    virtual void encodeStretch(std::string_view text, bool space_prefix, std::vector<TokenId>& out) const = 0;

    std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace quibble
