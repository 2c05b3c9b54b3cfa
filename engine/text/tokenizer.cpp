#include "engine/text/tokenizer.h"

#include <algorithm>

#include "engine/text/bpe_tokenizer.h"
#include "engine/text/spm_tokenizer.h"
#include "engine/text/vocabulary.h"

namespace quibble {

Tokenizer::Tokenizer(std::shared_ptr<const Vocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {}

Result<std::shared_ptr<const Tokenizer>> Tokenizer::fromFile(const ModelFile& file) {
    auto vocabulary = Vocabulary::fromFile(file);
    if (!vocabulary) return tl::unexpected<Error>(vocabulary.error());
    if ((*vocabulary)->form == VocabularyForm::SentencePiece) return SpmTokenizer::make(file, std::move(*vocabulary));
    return BpeTokenizer::make(file, std::move(*vocabulary));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
    std::vector<TokenId> out;
    const bool with_bos = options.add_bos || (options.vocabulary_bos_eos && vocabulary_->adds_bos);
    if (with_bos && vocabulary_->bos) out.push_back(*vocabulary_->bos);
    bool goes_on = options.continuation;
    bool space_prefix = !options.continuation;
    const auto append = [&](const TextPart& part) {
        if (part.id == kNoToken) {
            encodeStretch(part.text, space_prefix, out);
        } else {
            out.push_back(part.id);
        }
        space_prefix = part.id != kNoToken && vocabulary_->space_after_special;
    };
    for (const TextPart& part : vocabulary_->specials.split(text, options.parse_special)) {
        if (part.id != kNoToken || !vocabulary_->normalizes()) {
            append(part);
        } else {
            const std::string normalized = vocabulary_->normalizer.apply(part.text, goes_on);
            for (const TextPart& inner : vocabulary_->normalized_specials.split(normalized, options.parse_special)) append(inner);
        }
        goes_on = false;
    }
    if (options.vocabulary_bos_eos && vocabulary_->adds_eos && vocabulary_->eos) out.push_back(*vocabulary_->eos);
    return out;
}

std::string_view Tokenizer::tokenBytes(TokenId id) const {
    if (id < 0 || static_cast<std::size_t>(id) >= vocabulary_->size()) return {};
    return vocabulary_->tokenBytes(static_cast<std::size_t>(id));
}

std::string Tokenizer::decode(const std::vector<TokenId>& ids) const {
    std::string out;
    for (const TokenId id : ids) out += tokenBytes(id);
    return out;
}

bool Tokenizer::isSpecial(TokenId id) const {
    if (id < 0 || static_cast<std::size_t>(id) >= vocabulary_->size()) return false;
    const TokenKind kind = vocabulary_->kinds[static_cast<std::size_t>(id)];
    return kind == TokenKind::Control || kind == TokenKind::Unknown || kind == TokenKind::Unused;
}

bool Tokenizer::isEndOfGeneration(TokenId id) const {
    return std::binary_search(vocabulary_->end_of_generation.begin(), vocabulary_->end_of_generation.end(), id);
}

std::size_t Tokenizer::vocabSize() const { return vocabulary_->size(); }
std::optional<TokenId> Tokenizer::bos() const { return vocabulary_->bos; }
std::optional<TokenId> Tokenizer::eos() const { return vocabulary_->eos; }

std::optional<TokenId> Tokenizer::idOf(std::string_view exact_bytes) const {
    const std::uint32_t id = vocabulary_->all.lookup(exact_bytes);
    return id == ByteIndex::kNone ? std::nullopt : std::optional<TokenId>(static_cast<TokenId>(id));
}

bool Tokenizer::addsBos() const { return vocabulary_->adds_bos; }
bool Tokenizer::addsEos() const { return vocabulary_->adds_eos; }
const std::string& Tokenizer::hash() const { return vocabulary_->hash; }
std::string_view Tokenizer::chatTemplate() const { return vocabulary_->chat_template; }
std::string_view Tokenizer::preTokenizerName() const { return vocabulary_->pre_name; }

}  // namespace quibble
