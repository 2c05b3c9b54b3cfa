#include "engine/text/vocabulary.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include <xxhash.h>

#include "engine/file/added_token.h"
#include "engine/file/gguf/gguf_keys.h"
#include "engine/text/token_kinds.h"
#include "engine/text/utf8.h"
#include "engine/values/thought_marks.h"

namespace quibble {
namespace {

constexpr std::size_t kMaxTokens = 1u << 24;
constexpr std::size_t kMaxBytes = 1u << 30;
constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kTokenKinds = "tokenizer.ggml.token_type";

tl::unexpected<Error> corrupt(const ModelFile& file, std::string what) {
    return fail(ErrorCode::FileCorrupt, file.path() + ": " + std::move(what),
                "The vocabulary in the file is damaged or made by a faulty converter");
}

bool isPrintableByte(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

// The alphabet of byte-level BPE in both directions.
struct ByteLevelAlphabet {
    std::array<char32_t, 256> character{};
    std::array<std::int16_t, 0x144> byte{};  // -1: not in the alphabet

    ByteLevelAlphabet() {
        byte.fill(-1);
        char32_t next = 0x100;
        for (unsigned value = 0; value < 256; ++value) {
            character[value] = isPrintableByte(value) ? value : next++;
            byte[character[value]] = static_cast<std::int16_t>(value);
        }
    }
};

const ByteLevelAlphabet& alphabet() {
    static const ByteLevelAlphabet made;
    return made;
}

// What a token stands for, given its text in the file.
std::string meaning(VocabularyForm form, TokenKind kind, std::string_view text) {
    if (kind == TokenKind::Byte) {
        if (const auto byte = parseByteToken(text)) return std::string(1, static_cast<char>(*byte));
        return std::string(text);
    }
    if (kind != TokenKind::Normal) return std::string(text);
    if (form == VocabularyForm::SentencePiece) return decodeSentencePiece(text);
    // A normal token outside the alphabet can never be produced by the encoder; it is shown as it is written.
    return decodeByteLevel(text).value_or(std::string(text));
}

// "[PAD151936]": rows that only round the vocabulary up.
bool isPadding(const Vocabulary& vocabulary, std::size_t id) {
    return vocabulary.kinds[id] == TokenKind::Unused || vocabulary.tokenBytes(id) == "[PAD" + std::to_string(id) + "]";
}

std::string hashTokens(const Vocabulary& vocabulary) {
    std::size_t used = vocabulary.size();
    while (used > 0 && isPadding(vocabulary, used - 1)) --used;
    // The lengths first: the same bytes cut differently are another vocabulary.
    const XXH64_hash_t seed = XXH3_64bits(vocabulary.begins.data(), (used + 1) * sizeof(std::uint32_t));
    const XXH128_hash_t hash = XXH3_128bits_withSeed(vocabulary.bytes.data(), vocabulary.begins[used], seed);
    char text[33];
    std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                  static_cast<unsigned long long>(hash.low64));
    return text;
}

// Fills bytes, begins, kinds and scores.
Result<void> readTokens(TypedKeys& keys, Vocabulary& vocabulary) {
    const ModelFile& file = keys.file();
    const GgufArray* tokens = keys.texts(kTokens);
    const GgufArray* kinds = keys.wholeNumbers(kTokenKinds);
    const GgufArray* scores = keys.numbers("tokenizer.ggml.scores");
    if (!keys.fault().empty()) return corrupt(file, keys.fault());
    if (tokens == nullptr || tokens->size() == 0)
        return corrupt(file, "there is no list of strings " + std::string(kTokens));
    if (tokens->size() > kMaxTokens)
        return corrupt(file, std::to_string(tokens->size()) + " tokens; the limit is " + std::to_string(kMaxTokens));
    if (kinds != nullptr && kinds->size() != tokens->size()) {
        return corrupt(file, std::string(kTokenKinds) + " has " + std::to_string(kinds->size()) + " entries for " +
                                 std::to_string(tokens->size()) + " tokens");
    }
    const bool scored = vocabulary.form == VocabularyForm::SentencePiece && file.value(kSentencePieceMerges) == nullptr;
    if (scored && (scores == nullptr || scores->size() != tokens->size()))
        return corrupt(file, "tokenizer.ggml.scores does not have one entry per token");

    for (std::size_t id = 0; id < tokens->size(); ++id) {
        const std::int64_t kind = kinds == nullptr ? 1 : kinds->integer(id).value_or(0);
        if (kind < 1 || kind > 6)
            return corrupt(file, "token " + std::to_string(id) + " has the unknown kind " + std::to_string(kind));
        vocabulary.kinds.push_back(static_cast<TokenKind>(kind));
    }
    vocabulary.notes = mendTokenKinds(file, vocabulary.kinds);
    vocabulary.begins.reserve(tokens->size() + 1);
    vocabulary.begins.push_back(0);
    for (std::size_t id = 0; id < tokens->size(); ++id) {
        vocabulary.bytes += meaning(vocabulary.form, vocabulary.kinds[id], tokens->strings()[id]);
        if (vocabulary.bytes.size() > kMaxBytes)
            return corrupt(file, "the tokens have more than " + std::to_string(kMaxBytes) + " bytes");
        vocabulary.begins.push_back(static_cast<std::uint32_t>(vocabulary.bytes.size()));
        if (scored) vocabulary.scores.push_back(static_cast<float>(scores->number(id).value_or(0.0)));
    }
    return {};
}

// The tables that point into bytes; bytes must not change after this.
void indexTokens(Vocabulary& vocabulary) {
    vocabulary.all = ByteIndex(vocabulary.size());
    vocabulary.mergeable = ByteIndex(vocabulary.size());
    vocabulary.byte_tokens.assign(256, kNoToken);
    for (std::size_t id = 0; id < vocabulary.size(); ++id) {
        const std::string_view bytes = vocabulary.tokenBytes(id);
        const TokenKind kind = vocabulary.kinds[id];
        vocabulary.all.insert(bytes, static_cast<std::uint32_t>(id));
        if (kind == TokenKind::Normal && !bytes.empty())
            vocabulary.mergeable.insert(bytes, static_cast<std::uint32_t>(id));
        const bool byte_level = vocabulary.form == VocabularyForm::ByteLevel;
        if (bytes.size() == 1 && kind == (byte_level ? TokenKind::Normal : TokenKind::Byte)) {
            TokenId& slot = vocabulary.byte_tokens[static_cast<unsigned char>(bytes.front())];
            if (slot == kNoToken) slot = static_cast<TokenId>(id);
        }
    }
}

// Of a GGUF file: every token whose kind says so.
void findByKind(Vocabulary& vocabulary) {
    for (std::size_t id = 0; id < vocabulary.size(); ++id) {
        const TokenKind kind = vocabulary.kinds[id];
        if (kind != TokenKind::Control && kind != TokenKind::Unknown && kind != TokenKind::UserDefined) continue;
        vocabulary.specials.add(vocabulary.tokenBytes(id),
                                {.id = static_cast<TokenId>(id), .control = kind != TokenKind::UserDefined});
    }
}

// Of a tokenizer.json: those it lists, each as it wants to be found.
Result<void> readAddedTokens(TypedKeys& keys, Vocabulary& vocabulary) {
    const ModelFile& file = keys.file();
    const GgufArray* ids = keys.wholeNumbers(kAddedIds);
    const GgufArray* flags = keys.wholeNumbers("quibble.tokenizer.added_flags");
    if (!keys.fault().empty()) return corrupt(file, keys.fault());
    if (ids == nullptr) {
        findByKind(vocabulary);
        return {};
    }
    if (flags == nullptr || flags->size() != ids->size())
        return corrupt(file, "quibble.tokenizer.added_flags does not have one entry per id");
    vocabulary.specials = SpecialMatcher(SpecialMatcher::Skipped::Hide);
    vocabulary.normalized_specials = SpecialMatcher(SpecialMatcher::Skipped::Hide);
    for (std::size_t i = 0; i < ids->size(); ++i) {
        const std::int64_t id = ids->integer(i).value_or(-1), flag = flags->integer(i).value_or(0);
        if (id < 0 || static_cast<std::uint64_t>(id) >= vocabulary.size())
            return corrupt(file, "quibble.tokenizer.added_ids holds what is no id");
        const auto index = static_cast<std::size_t>(id);
        const SpecialToken token{.id = static_cast<TokenId>(id),
                                 .control = vocabulary.kinds[index] != TokenKind::UserDefined,
                                 .strips_left = (flag & kAddedStripsLeft) != 0,
                                 .strips_right = (flag & kAddedStripsRight) != 0,
                                 .single_word = (flag & kAddedSingleWord) != 0};
        const std::string_view bytes = vocabulary.tokenBytes(index);
        if ((flag & kAddedNormalized) != 0)
            vocabulary.normalized_specials.add(vocabulary.normalizer.apply(bytes), token);
        else
            vocabulary.specials.add(bytes, token);
        if ((flag & kAddedMergeable) != 0) vocabulary.mergeable.insert(bytes, static_cast<std::uint32_t>(index));
    }
    return {};
}

void readNormalizer(TypedKeys& keys, Vocabulary& vocabulary) {
    vocabulary.normalizer = {.composes = keys.truth("quibble.tokenizer.composes").value_or(false),
                             .marks_begin = keys.truth("quibble.tokenizer.marks_begin").value_or(false),
                             .marks_spaces = keys.truth("quibble.tokenizer.marks_spaces").value_or(false)};
}

Result<std::optional<TokenId>> readId(const ModelFile& file, const Vocabulary& vocabulary, std::string_view key) {
    if (file.value(key) == nullptr) return std::optional<TokenId>{};
    const auto id = file.getInt(key);
    if (id == -1 || id == std::int64_t{0xFFFFFFFF}) return std::optional<TokenId>{};  // some converters write "none" so
    if (!id || *id < 0 || static_cast<std::uint64_t>(*id) >= vocabulary.size()) {
        return corrupt(file, std::string(key) + " is " + describeGgufValue(*file.value(key)) +
                                 ", which is no id of the " + std::to_string(vocabulary.size()) + " tokens");
    }
    return std::optional<TokenId>(static_cast<TokenId>(*id));
}

Result<void> readSpecialIds(TypedKeys& keys, Vocabulary& vocabulary) {
    const ModelFile& file = keys.file();
    std::vector<TokenId>& ends = vocabulary.end_of_generation;
    struct Field {
        std::string_view key;
        std::optional<TokenId>* id;
        bool ends_generation;
    };
    std::optional<TokenId> eot, eom;
    const Field fields[] = {
        {"tokenizer.ggml.bos_token_id", &vocabulary.bos, false},
        {"tokenizer.ggml.eos_token_id", &vocabulary.eos, true},
        {"tokenizer.ggml.unknown_token_id", &vocabulary.unknown, false},
        {"tokenizer.ggml.eot_token_id", &eot, true},
        {"tokenizer.ggml.eom_token_id", &eom, true},
    };
    for (const Field& field : fields) {
        auto id = readId(file, vocabulary, field.key);
        if (!id) return tl::unexpected<Error>(id.error());
        *field.id = *id;
        if (field.ends_generation && *id) ends.push_back(**id);
    }
    // More of them, as published checkpoints list them.
    const GgufArray* listed = keys.wholeNumbers("quibble.tokenizer.end_ids");
    if (!keys.fault().empty()) return corrupt(file, keys.fault());
    for (std::size_t i = 0; listed != nullptr && i < listed->size(); ++i) {
        const auto id = listed->integer(i);
        if (!id || *id < 0 || static_cast<std::uint64_t>(*id) >= vocabulary.size())
            return corrupt(file, "quibble.tokenizer.end_ids holds what is no id");
        ends.push_back(static_cast<TokenId>(*id));
    }
    const auto has = [&](std::string_view text) { return vocabulary.all.lookup(text) != ByteIndex::kNone; };
    // Models whose turn has several messages, as gpt-oss: <|end|> ends a message, and other marks end the turn.
    const bool has_messages = has(kChannelMark) || (has("<|flush|>") && has("<|calls|>"));
    for (std::size_t id = 0; id < vocabulary.size(); ++id) {
        if (vocabulary.kinds[id] != TokenKind::Control && vocabulary.kinds[id] != TokenKind::UserDefined) continue;
        const std::string_view text = vocabulary.tokenBytes(id);
        const bool only_a_message = text == kTurnEndMark && has_messages;
        if (isEndText(text) && !only_a_message) ends.push_back(static_cast<TokenId>(id));
    }
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    return {};
}

}  // namespace

std::optional<std::uint8_t> parseByteToken(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
    std::uint8_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
    if (error != std::errc{} || end != text.data() + 5) return std::nullopt;
    return value;
}

std::string decodeSentencePiece(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (text.substr(at).starts_with(kSpaceMark)) {
            out += ' ';
            at += kSpaceMark.size();
        } else {
            out += text[at++];
        }
    }
    return out;
}

char32_t byteLevelCharacter(std::uint8_t byte) { return alphabet().character[byte]; }

std::optional<std::string> decodeByteLevel(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8Length(text, at);
        if (length == 0) return std::nullopt;
        const char32_t character = utf8Decode(text, at, length);
        if (character >= alphabet().byte.size() || alphabet().byte[character] < 0) return std::nullopt;
        out += static_cast<char>(static_cast<unsigned char>(alphabet().byte[character]));
        at += length;
    }
    return out;
}

Result<std::shared_ptr<Vocabulary>> Vocabulary::fromFile(const ModelFile& file) {
    TypedKeys keys(file);
    const auto model = keys.text("tokenizer.ggml.model");
    if (!keys.fault().empty()) return corrupt(file, keys.fault());
    if (!model) return corrupt(file, "there is no tokenizer.ggml.model, so no vocabulary");
    auto made = std::make_shared<Vocabulary>();
    if (*model == "llama") {
        made->form = VocabularyForm::SentencePiece;
    } else if (*model != "gpt2") {
        return fail(ErrorCode::Unsupported,
                    file.path() + ": the tokenizer model \"" + toValidUtf8(model->substr(0, 60)) + "\" is not known",
                    "Known: gpt2 (byte-level BPE), llama (SentencePiece)");
    }
    if (auto read = readTokens(keys, *made); !read) return tl::unexpected<Error>(read.error());
    indexTokens(*made);
    readNormalizer(keys, *made);
    if (auto read = readAddedTokens(keys, *made); !read) return tl::unexpected<Error>(read.error());
    if (auto read = readSpecialIds(keys, *made); !read) return tl::unexpected<Error>(read.error());
    const bool sentence_piece = made->form == VocabularyForm::SentencePiece;
    made->pre_name = sentence_piece ? "spm" : std::string(keys.text("tokenizer.ggml.pre").value_or(""));
    made->adds_bos = keys.truth("tokenizer.ggml.add_bos_token").value_or(sentence_piece);
    made->adds_eos = keys.truth("tokenizer.ggml.add_eos_token").value_or(false);
    made->adds_space_prefix = keys.truth("tokenizer.ggml.add_space_prefix").value_or(sentence_piece);
    made->prefix_where_missing = keys.truth("quibble.tokenizer.prefix_where_missing").value_or(false);
    made->space_after_special = keys.truth("quibble.tokenizer.space_after_special").value_or(true);
    made->chat_template = keys.text("tokenizer.chat_template").value_or("");
    if (!keys.fault().empty()) return corrupt(file, keys.fault());
    made->hash = hashTokens(*made);
    return made;
}

}  // namespace quibble
