#include "engine/text/tokenizer.h"

#include <algorithm>
#include <iterator>

#include "engine/text/bpe_tokenizer.h"
#include "engine/text/spm_tokenizer.h"
#include "engine/text/vocabulary.h"

namespace quibble {

namespace {

// Plain text as the vocabulary wants it, and where the literal places lie in it.
struct NormalizedText {
    std::string text;
    std::vector<std::size_t> literal;
};

// The text is normalized in pieces from one literal place to the next: they begin characters with which nothing before
// them composes.
NormalizedText normalized(const TextNormalizer& normalizer, std::string_view text, std::span<const std::size_t> literal,
                          bool goes_on) {
    NormalizedText made;
    if (normalizer.marks_begin && !goes_on && !text.empty()) made.text = kSpaceMark;
    std::size_t done = 0;
    for (const std::size_t place : literal) {
        made.text += normalizer.apply(text.substr(done, place - done), true);
        made.literal.push_back(made.text.size());
        done = place;
    }
    made.text += normalizer.apply(text.substr(done), true);
    return made;
}

// The places inside of a part of the text, counted from its beginning.
std::vector<std::size_t> placesIn(std::string_view part, std::string_view text, std::span<const std::size_t> places) {
    const auto begin = static_cast<std::size_t>(part.data() - text.data());
    std::vector<std::size_t> inside;
    for (auto place = std::lower_bound(places.begin(), places.end(), begin);
         place != places.end() && *place < begin + part.size(); ++place)
        inside.push_back(*place - begin);
    return inside;
}

}  // namespace

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
    for (const TextPart& part : vocabulary_->specials.split(text, {options.parse_special, options.literal})) {
        if (part.id != kNoToken || !vocabulary_->normalizes()) {
            append(part);
        } else {
            const NormalizedText made =
                normalized(vocabulary_->normalizer, part.text, placesIn(part.text, text, options.literal), goes_on);
            for (const TextPart& inner :
                 vocabulary_->normalized_specials.split(made.text, {options.parse_special, made.literal}))
                append(inner);
        }
        goes_on = false;
    }
    if (options.vocabulary_bos_eos && vocabulary_->adds_eos && vocabulary_->eos) out.push_back(*vocabulary_->eos);
    return out;
}

std::vector<std::size_t> Tokenizer::controlPlaces(std::string_view text) const {
    std::vector<std::size_t> places, normalized_places, all;
    vocabulary_->specials.addControlPlaces(text, places);
    vocabulary_->normalized_specials.addControlPlaces(text, normalized_places);
    std::set_union(places.begin(), places.end(), normalized_places.begin(), normalized_places.end(),
                   std::back_inserter(all));
    return all;
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

const std::vector<std::string>& Tokenizer::notes() const { return vocabulary_->notes; }
std::string_view Tokenizer::chatTemplate() const { return vocabulary_->chat_template; }
std::string_view Tokenizer::preTokenizerName() const { return vocabulary_->pre_name; }

}  // namespace quibble
