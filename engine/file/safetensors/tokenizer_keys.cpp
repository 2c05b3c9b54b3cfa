#include "engine/file/safetensors/tokenizer_keys.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "engine/file/added_token.h"
#include "engine/file/safetensors/json.h"
#include "engine/file/safetensors/tokenizer_pipeline.h"

namespace quibble {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxTokens = std::size_t{1} << 22;
constexpr const char* kDamaged = "The tokenizer may be damaged: copy or download it again";

// Numbers of tokenizer.ggml.token_type.
enum Kind : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

// Whether a token of the model means its own letters: byte-level and SentencePiece vocabularies write some characters
// as others.
bool isWrittenAsMeant(std::string_view text, bool sentence_piece) {
    if (sentence_piece) return text.find("\xE2\x96\x81") == std::string_view::npos;
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// The token table while it is put together.
struct TokenTable {
    std::vector<std::string> texts;
    std::vector<std::int32_t> kinds;
    std::map<std::string, std::int32_t, std::less<>> ids;
};

class Translation {
public:
    Translation(const json& tokenizer, const std::string& where, KeyBuilder& keys)
        : tokenizer_(tokenizer), where_(where), keys_(keys) {}

    Result<void> readTokens(const json& tokenizer_config, std::uint64_t rows);
    Result<void> readMerges();
    [[nodiscard]] const TokenTable& table() const { return table_; }
    void writeTokens();
    Result<void> readPipeline();

private:
    [[nodiscard]] tl::unexpected<Error> corrupt(std::string what) const {
        return fail(ErrorCode::FileCorrupt, where_ + ": " + std::move(what), kDamaged);
    }
    [[nodiscard]] tl::unexpected<Error> refuse(std::string what) const {
        return fail(
            ErrorCode::Unsupported, where_ + ": " + std::move(what),
            "A wrong token would shift every measurement, so none is guessed. A GGUF file of the model may open");
    }
    /// Ids reach at most to the rows of the embedding or, in a longer vocabulary, to the number of its tokens.
    void limitIds(std::uint64_t rows);
    Result<void> place(std::string text, const json& id, std::int32_t kind);
    Result<void> readAdded(const json& tokenizer_config);
    Result<void> add(const json& token, const json& id, const std::string& text);
    void markBytes();

    const json& tokenizer_;
    const std::string& where_;
    KeyBuilder& keys_;
    TokenTable table_;
    std::uint64_t id_limit_ = 0;
    TokenizerPipeline pipeline_;
    std::vector<std::string> merges_;             // "left right"
    std::map<std::int32_t, std::int32_t> added_;  // id -> sum of AddedTokenFlag
    std::vector<std::int32_t> added_order_;       // ids
};

Result<void> Translation::readPipeline() {
    auto pipeline = readTokenizerPipeline(tokenizer_, where_);
    if (!pipeline) return tl::unexpected<Error>(pipeline.error());
    pipeline_ = *pipeline;
    return {};
}

void Translation::limitIds(std::uint64_t rows) {
    std::uint64_t entries = jsonObject(*jsonObject(tokenizer_, "model"), "vocab")->size();
    if (const json* added = jsonArray(tokenizer_, "added_tokens")) entries += added->size();
    id_limit_ = std::min<std::uint64_t>(kMaxTokens, std::max(rows, entries));
}

Result<void> Translation::place(std::string text, const json& id, std::int32_t kind) {
    if (!id.is_number_unsigned()) return corrupt("token " + shownName(text) + " has no id that is a whole number");
    if (id.get<std::uint64_t>() >= id_limit_) {
        return corrupt("token " + shownName(text) + " has the id " + std::to_string(id.get<std::uint64_t>()) +
                       ", beyond the vocabulary of " + std::to_string(id_limit_));
    }
    const auto index = id.get<std::size_t>();
    if (index >= table_.texts.size()) {
        table_.texts.resize(index + 1);
        table_.kinds.resize(index + 1, 0);
    }
    if (table_.kinds[index] != 0 && table_.texts[index] != text) {
        return corrupt("id " + std::to_string(index) + " stands for " + shownName(table_.texts[index]) + " and for " +
                       shownName(text));
    }
    const auto [known, added] = table_.ids.emplace(text, static_cast<std::int32_t>(index));
    if (!added && known->second != static_cast<std::int32_t>(index)) {
        return corrupt("token " + shownName(text) + " has the ids " + std::to_string(known->second) + " and " +
                       std::to_string(index));
    }
    table_.texts[index] = std::move(text);
    table_.kinds[index] = kind;
    return {};
}

Result<void> Translation::add(const json& token, const json& id, const std::string& text) {
    const bool special = jsonFlag(token, "special", false), in_model = table_.ids.count(text) != 0;
    if (auto placed = place(text, id, special ? kControl : kUserDefined); !placed) return placed;
    std::int32_t flags = in_model && isWrittenAsMeant(text, pipeline_.sentence_piece) ? kAddedMergeable : 0;
    if (jsonFlag(token, "lstrip", false)) flags |= kAddedStripsLeft;
    if (jsonFlag(token, "rstrip", false)) flags |= kAddedStripsRight;
    if (jsonFlag(token, "single_word", false)) flags |= kAddedSingleWord;
    if (jsonFlag(token, "normalized", !special)) flags |= kAddedNormalized;
    if (added_.emplace(id.get<std::int32_t>(), flags).second) added_order_.push_back(id.get<std::int32_t>());
    return {};
}

// The added tokens of tokenizer.json, and those that only tokenizer_config.json has.
Result<void> Translation::readAdded(const json& tokenizer_config) {
    const json* added = jsonArray(tokenizer_, "added_tokens");
    for (std::size_t i = 0; added != nullptr && i < added->size(); ++i) {
        const json& token = (*added)[i];
        const std::string* text = jsonText(token, "content");
        const json* id = jsonMember(token, "id");
        if (text == nullptr || text->empty() || id == nullptr)
            return corrupt("added token " + std::to_string(i) + " has no content or no id");
        if (auto read = add(token, *id, *text); !read) return read;
    }
    const json* more = jsonObject(tokenizer_config, "added_tokens_decoder");
    if (more == nullptr) return {};
    for (const auto& [key, token] : more->items()) {
        const std::string* text = jsonText(token, "content");
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
        if (text == nullptr || text->empty() || error != std::errc{} || end != key.data() + key.size()) continue;
        const auto known = table_.ids.find(*text);
        if (known != table_.ids.end() && added_.count(known->second) != 0) continue;
        if (auto read =
                add(token, known != table_.ids.end() ? json(static_cast<std::uint64_t>(known->second)) : json(number),
                    *text);
            !read)
            return read;
    }
    return {};
}

void Translation::markBytes() {
    constexpr char kDigits[] = "0123456789ABCDEF";
    for (unsigned byte = 0; byte < 256; ++byte) {
        const std::string text = std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
        if (const auto found = table_.ids.find(text); found != table_.ids.end())
            table_.kinds[static_cast<std::size_t>(found->second)] = kByte;
    }
}

Result<void> Translation::readTokens(const json& tokenizer_config, std::uint64_t rows) {
    const json* model = jsonObject(tokenizer_, "model");
    const json* vocabulary = model == nullptr ? nullptr : jsonObject(*model, "vocab");
    if (vocabulary == nullptr || vocabulary->empty()) return corrupt("there is no vocabulary (model.vocab)");
    limitIds(rows);
    for (const auto& [text, id] : vocabulary->items()) {
        if (auto placed = place(text, id, kNormal); !placed) return placed;
    }
    if (auto added = readAdded(tokenizer_config); !added) return added;
    if (pipeline_.sentence_piece) markBytes();
    if (const std::string* unknown = jsonText(*model, "unk_token")) {
        const auto found = table_.ids.find(*unknown);
        if (found == table_.ids.end()) return corrupt("unk_token " + shownName(*unknown) + " is no token");
        if (pipeline_.sentence_piece) table_.kinds[static_cast<std::size_t>(found->second)] = kUnknown;
    }
    // Padding takes the ids that no token has, and the rows that only round the embedding up.
    const auto size = static_cast<std::size_t>(
        std::max<std::uint64_t>(table_.texts.size(), std::min<std::uint64_t>(rows, kMaxTokens)));
    table_.texts.resize(size);
    table_.kinds.resize(size, 0);
    for (std::size_t id = 0; id < size; ++id) {
        if (table_.kinds[id] != 0) continue;
        table_.texts[id] = "[PAD" + std::to_string(id) + "]";
        table_.kinds[id] = kUnused;
    }
    return {};
}

Result<void> Translation::readMerges() {
    const json* merges = jsonArray(*jsonObject(tokenizer_, "model"), "merges");
    if (merges == nullptr) return corrupt("there is no list model.merges");
    for (std::size_t rank = 0; rank < merges->size(); ++rank) {
        // "left right", or ["left", "right"] in newer files; no part holds a space.
        const json& merge = (*merges)[rank];
        std::string left, right;
        if (const std::string* text = merge.get_ptr<const std::string*>()) {
            const std::size_t space = text->find(' ');
            if (space != std::string::npos) {
                left = text->substr(0, space);
                right = text->substr(space + 1);
            }
        } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
            left = merge[0].get<std::string>();
            right = merge[1].get<std::string>();
        }
        if (left.empty() || right.empty() || left.find(' ') != std::string::npos ||
            right.find(' ') != std::string::npos) {
            return corrupt("merge " + std::to_string(rank) + " is not a pair of texts without spaces");
        }
        merges_.push_back(left + " " + right);
    }
    return {};
}

void Translation::writeTokens() {
    keys_.text("tokenizer.ggml.model", pipeline_.sentence_piece ? "llama" : "gpt2");
    keys_.text("tokenizer.ggml.pre", pipeline_.sentence_piece ? "default" : pipeline_.pre_tokenizer);
    keys_.texts("tokenizer.ggml.tokens", table_.texts);
    keys_.ints("tokenizer.ggml.token_type", table_.kinds);
    if (pipeline_.sentence_piece) {
        keys_.texts("quibble.tokenizer.merges", merges_);
        keys_.flag("quibble.tokenizer.fuses_unknown", pipeline_.fuses_unknown);
        keys_.flag("quibble.tokenizer.marks_begin", pipeline_.marks_begin);
        keys_.flag("quibble.tokenizer.marks_spaces", pipeline_.marks_spaces);
        keys_.flag("tokenizer.ggml.add_space_prefix", pipeline_.space_prefix);
        keys_.flag("quibble.tokenizer.prefix_where_missing", true);
        keys_.flag("quibble.tokenizer.space_after_special", pipeline_.space_after_special);
        const auto unknown = std::find(table_.kinds.begin(), table_.kinds.end(), kUnknown);
        if (unknown != table_.kinds.end())
            keys_.uint("tokenizer.ggml.unknown_token_id", static_cast<std::uint64_t>(unknown - table_.kinds.begin()));
    } else {
        keys_.texts("tokenizer.ggml.merges", merges_);
    }
    keys_.flag("quibble.tokenizer.ignore_merges", pipeline_.ignore_merges);
    keys_.flag("quibble.tokenizer.composes", pipeline_.composes);
    // Of two tokens that normalize to one text, a special one is found.
    std::stable_partition(added_order_.begin(), added_order_.end(),
                          [&](std::int32_t id) { return table_.kinds[static_cast<std::size_t>(id)] == kControl; });
    std::vector<std::int32_t> flags;
    for (const std::int32_t id : added_order_) flags.push_back(added_.at(id));
    keys_.ints("quibble.tokenizer.added_ids", added_order_);
    keys_.ints("quibble.tokenizer.added_flags", flags);
}

// The id of a special token that a settings file names: a text, or an object with it.
std::optional<std::int32_t> namedToken(const json& settings, const char* name, const TokenTable& table) {
    const std::string* text = jsonText(settings, name);
    if (const json* object = jsonObject(settings, name); text == nullptr && object != nullptr)
        text = jsonText(*object, "content");
    const auto found = text == nullptr ? table.ids.end() : table.ids.find(*text);
    return found == table.ids.end() ? std::nullopt : std::optional<std::int32_t>(found->second);
}

// Ids in a settings file: one number or a list. Those that are no token are left out.
std::vector<std::int32_t> numberedTokens(const json& settings, const char* name, const TokenTable& table) {
    std::vector<std::int32_t> ids;
    const auto take = [&](const json& id) {
        if (id.is_number_unsigned() && id.get<std::uint64_t>() < table.texts.size())
            ids.push_back(id.get<std::int32_t>());
    };
    const json* member = jsonMember(settings, name);
    if (member == nullptr) return ids;
    if (!member->is_array()) {
        take(*member);
    } else {
        for (const json& id : *member) take(id);
    }
    return ids;
}

void writeSpecials(const json& tokenizer_config, const json& generation_config, const json& config,
                   const PostProcessing& added, const TokenTable& table, KeyBuilder& keys) {
    // The names in tokenizer_config.json go before the numbers elsewhere, which are wrong in some published folders.
    auto bos = namedToken(tokenizer_config, "bos_token", table);
    auto eos = namedToken(tokenizer_config, "eos_token", table);
    std::vector<std::int32_t> ends;
    for (const json* settings : {&generation_config, &config}) {
        const auto begins = numberedTokens(*settings, "bos_token_id", table);
        if (!bos && !begins.empty() && jsonMember(tokenizer_config, "bos_token") == nullptr) bos = begins.front();
        const auto numbers = numberedTokens(*settings, "eos_token_id", table);
        if (!eos && !numbers.empty()) eos = numbers.front();
        if (ends.empty()) ends = numbers;
    }
    // Where nothing else names the token that begins a text, it is the one that tokenizer.json itself puts in front.
    if (!bos && added.begin_id && static_cast<std::size_t>(*added.begin_id) < table.texts.size()) bos = added.begin_id;
    if (bos) keys.uint("tokenizer.ggml.bos_token_id", static_cast<std::uint64_t>(*bos));
    if (eos) keys.uint("tokenizer.ggml.eos_token_id", static_cast<std::uint64_t>(*eos));
    if (!ends.empty()) keys.ints("quibble.tokenizer.end_ids", ends);
}

// In tokenizer_config.json: one text, or several with names, as a list or an object, of which "default" counts, or the
// only one. Nothing when it is another thing.
std::optional<std::string> templateOf(const json& tokenizer_config) {
    const json* member = jsonMember(tokenizer_config, "chat_template");
    if (member == nullptr) return std::string();
    if (const std::string* text = member->get_ptr<const std::string*>()) return *text;
    if (!member->is_array() && !member->is_object()) return std::nullopt;
    std::optional<std::string> found;
    for (const auto& [key, entry] : member->items()) {
        const std::string* name = member->is_object() ? &key : jsonText(entry, "name");
        const std::string* text =
            member->is_object() ? entry.get_ptr<const std::string*>() : jsonText(entry, "template");
        if (name == nullptr || text == nullptr) return std::nullopt;
        if (*name == "default" || member->size() == 1) found = *text;
    }
    return found.value_or("");
}

}  // namespace

Result<void> addTokenizerKeys(const CheckpointTexts& texts, const json& config, const std::string& folder,
                              std::uint64_t rows, KeyBuilder& keys) {
    const std::string where = folder + "tokenizer.json";
    auto tokenizer = parseJsonObject(texts.tokenizer, where);
    if (!tokenizer) return tl::unexpected<Error>(tokenizer.error());
    const auto settings = [&](std::string_view text, const char* name) {
        return text.empty() ? Result<json>(json::object()) : parseJsonObject(text, folder + name);
    };
    auto tokenizer_config = settings(texts.tokenizer_config, "tokenizer_config.json");
    if (!tokenizer_config) return tl::unexpected<Error>(tokenizer_config.error());
    auto generation_config = settings(texts.generation_config, "generation_config.json");
    if (!generation_config) return tl::unexpected<Error>(generation_config.error());

    Translation translation(*tokenizer, where, keys);
    if (auto read = translation.readPipeline(); !read) return read;
    if (auto read = translation.readTokens(*tokenizer_config, rows); !read) return read;
    if (auto read = translation.readMerges(); !read) return read;
    translation.writeTokens();
    const PostProcessing added = readPostProcessing(*tokenizer);
    writeSpecials(*tokenizer_config, *generation_config, config, added, translation.table(), keys);
    const auto wrong = [&](const char* name, const char* kind) {
        return fail(ErrorCode::FileCorrupt, folder + "tokenizer_config.json: " + name + " is not " + kind,
                    "Download the model's folder again, with all its .json files");
    };
    for (const char* name : {"add_bos_token", "add_eos_token"}) {
        const json* flag = jsonMember(*tokenizer_config, name);
        if (flag != nullptr && !flag->is_boolean()) return wrong(name, "true or false");
    }
    keys.flag("tokenizer.ggml.add_bos_token", jsonFlag(*tokenizer_config, "add_bos_token", added.begins));
    keys.flag("tokenizer.ggml.add_eos_token", jsonFlag(*tokenizer_config, "add_eos_token", added.ends));
    auto chat_template = texts.chat_template.empty() ? templateOf(*tokenizer_config) : std::string(texts.chat_template);
    if (!chat_template) return wrong("chat_template", "a text, or texts with names");
    if (!chat_template->empty()) keys.text("tokenizer.chat_template", std::move(*chat_template));
    return {};
}

}  // namespace quibble
