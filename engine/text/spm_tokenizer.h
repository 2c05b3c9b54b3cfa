// SentencePiece byte-pair encoding: merge the neighbours whose union scores highest until none is in the vocabulary, or
// by a list of merges where a tokenizer.json has one; characters that are not in the vocabulary fall back to byte
// tokens. Internal to text.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/text/pair_merges.h"
#include "engine/text/tokenizer.h"
#include "engine/text/vocabulary.h"

namespace quibble {

class SpmTokenizer final : public Tokenizer {
public:
    [[nodiscard]] static Result<std::shared_ptr<const Tokenizer>> make(const ModelFile& file,
                                                                       std::shared_ptr<Vocabulary> vocabulary);

private:
    explicit SpmTokenizer(std::shared_ptr<const Vocabulary> vocabulary) : Tokenizer(std::move(vocabulary)) {}
    [[nodiscard]] Result<void> readMerges(const ModelFile& file);
    void encodeStretch(std::string_view text, bool space_prefix, std::vector<TokenId>& out) const override;
    // Parts of texts with plain spaces.
    void encodeByScores(std::string_view part, std::vector<TokenId>& out) const;
    void encodeByMerges(std::string_view part, std::vector<TokenId>& out) const;
    [[nodiscard]] std::vector<std::uint32_t> symbolsOf(std::string_view part) const;

    std::optional<MergeTable> merges_;
    bool ignore_merges_ = false;  // a whole stretch is looked up before any merge
    bool fuses_unknown_ = false;  // neighbouring unknown characters are one token
};

}  // namespace quibble
