// SentencePiece byte-pair encoding: merge the neighbours whose union scores highest until none is in the vocabulary;
// characters that are not fall back to byte tokens. Internal to text.
#pragma once

#include <memory>
#include <vector>

#include "engine/text/tokenizer.h"
#include "engine/text/vocabulary.h"

namespace quibble {

class SpmTokenizer final : public Tokenizer {
public:
    [[nodiscard]] static Result<std::shared_ptr<const Tokenizer>> make(const ModelFile& file, std::shared_ptr<Vocabulary> vocabulary);

private:
    explicit SpmTokenizer(std::shared_ptr<const Vocabulary> vocabulary) : Tokenizer(std::move(vocabulary)) {}
    void encodeStretch(std::string_view text, bool space_prefix, std::vector<TokenId>& out) const override;
};

}  // namespace quibble
