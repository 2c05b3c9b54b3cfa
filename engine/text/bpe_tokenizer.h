// Byte-level byte-pair encoding: split, then merge the pair of lowest rank until none is left. Internal to text.
#pragma once

#include <memory>
#include <vector>

#include "engine/text/pair_merges.h"
#include "engine/text/pre_tokenizer.h"
#include "engine/text/tokenizer.h"
#include "engine/text/vocabulary.h"

namespace quibble {

class BpeTokenizer final : public Tokenizer {
public:
    [[nodiscard]] static Result<std::shared_ptr<const Tokenizer>> make(const ModelFile& file,
                                                                       std::shared_ptr<Vocabulary> vocabulary);

private:
    BpeTokenizer(std::shared_ptr<const Vocabulary> vocabulary, std::shared_ptr<const PreTokenizer> splitter,
                 bool ignore_merges)
        : Tokenizer(std::move(vocabulary)), splitter_(std::move(splitter)), ignore_merges_(ignore_merges) {}

    [[nodiscard]] Result<void> readMerges(const ModelFile& file);
    void encodeStretch(std::string_view text, bool space_prefix, std::vector<TokenId>& out) const override;
    void encodePiece(std::string_view piece, SymbolRow& scratch, std::vector<TokenId>& out) const;
    void emit(std::uint32_t symbol, std::vector<TokenId>& out) const;
    void emitByte(unsigned char byte, std::vector<TokenId>& out) const;

    std::shared_ptr<const PreTokenizer> splitter_;
    bool ignore_merges_;  // whole pieces are looked up in the vocabulary before any merge
    MergeTable merges_;
    // Symbols below vocabSize() are tokens. Above are the bytes that have no token and merge results that are none:
    // their bytes are kept here, and they fall apart again when a piece is done.
    std::vector<std::string> extra_symbols_;
    std::vector<std::uint32_t> byte_symbols_;  // 256
};

}  // namespace quibble
