#include "engine/file/safetensors/tokenizer_pipeline.h"

#include <vector>

#include "engine/file/safetensors/json.h"
#include "engine/file/safetensors/split_rules.h"

namespace quibble {
namespace {

using nlohmann::json;

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

std::string_view typeOf(const json& stage) {
    const std::string* type = jsonText(stage, "type");
    return type == nullptr ? std::string_view() : std::string_view(*type);
}

bool hasText(const json& stage, const char* name, std::string_view expected) {
    const std::string* text = jsonText(stage, name);
    return text != nullptr && *text == expected;
}

// A stage, or those of the sequence that it is; sequences do not nest in published files.
std::vector<const json*> stagesOf(const json& tokenizer, const char* name, const char* list) {
    const json* stage = jsonObject(tokenizer, name);
    if (stage == nullptr) return {};
    if (typeOf(*stage) != "Sequence") return {stage};
    std::vector<const json*> stages;
    if (const json* members = jsonArray(*stage, list)) {
        for (const json& member : *members) stages.push_back(&member);
    }
    return stages;
}

class PipelineReader {
public:
    PipelineReader(const json& tokenizer, const std::string& where) : tokenizer_(tokenizer), where_(where) {}

    Result<TokenizerPipeline> read() {
        const json* model = jsonObject(tokenizer_, "model");
        if (model == nullptr)
            return fail(ErrorCode::FileCorrupt, where_ + ": there is no model",
                        "The tokenizer may be damaged: copy or download it again");
        if (typeOf(*model) != "BPE")
            return refuse("the tokenizer model " + shownName(typeOf(*model)) + " is not supported",
                          "Supported is: BPE");
        for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
            const json* member = jsonMember(*model, name);
            // NOLINTNEXTLINE(readability-container-size-empty): null is empty too, and is no text
            if (member != nullptr && *member != "")
                return refuse(std::string(name) + " is set, which is not supported", kNotGuessed);
        }
        pipeline_.sentence_piece = jsonFlag(*model, "byte_fallback", false);
        pipeline_.fuses_unknown = jsonFlag(*model, "fuse_unk", false);
        pipeline_.ignore_merges = jsonFlag(*model, "ignore_merges", false);
        if (auto normalized = readNormalizer(); !normalized) return tl::unexpected<Error>(normalized.error());
        if (auto split = pipeline_.sentence_piece ? readMetaspace() : readSplits(); !split)
            return tl::unexpected<Error>(split.error());
        return pipeline_;
    }

private:
    static constexpr const char* kNotGuessed =
        "A wrong split would shift every measurement, so none is guessed. A GGUF file of the model may open";
    [[nodiscard]] tl::unexpected<Error> refuse(std::string what, std::string hint) const {
        return fail(ErrorCode::Unsupported, where_ + ": " + std::move(what), std::move(hint));
    }

    Result<void> readNormalizer() {
        for (const json* stage : stagesOf(tokenizer_, "normalizer", "normalizers")) {
            const std::string_view type = typeOf(*stage);
            const json* pattern = jsonObject(*stage, "pattern");
            if (type == "NFC") {
                pipeline_.composes = true;
            } else if (pipeline_.sentence_piece && type == "Prepend" && hasText(*stage, "prepend", kSpaceMark)) {
                pipeline_.marks_begin = true;
            } else if (pipeline_.sentence_piece && type == "Replace" && pattern != nullptr &&
                       hasText(*pattern, "String", " ") && hasText(*stage, "content", kSpaceMark)) {
                pipeline_.marks_spaces = true;
            } else {
                return refuse(
                    "the normalizer " + shownName(type) + " is not supported",
                    "Supported are: NFC; beside byte_fallback also Prepend of U+2581 and Replace of spaces by it");
            }
        }
        return {};
    }

    // SentencePiece-style: spaces become U+2581 in the normalizer (older files) or in a pre-tokenizer that does not
    // split.
    Result<void> readMetaspace() {
        bool metaspace = false;
        for (const json* stage : stagesOf(tokenizer_, "pre_tokenizer", "pretokenizers")) {
            if (typeOf(*stage) != "Metaspace" || !hasText(*stage, "replacement", kSpaceMark) ||
                jsonFlag(*stage, "split", true)) {
                return refuse(
                    "the pre-tokenizer " + shownName(typeOf(*stage)) + " beside byte_fallback is not supported",
                    "Supported is: Metaspace with U+2581 that does not split");
            }
            const std::string* scheme = jsonText(*stage, "prepend_scheme");
            const std::string known = scheme != nullptr                            ? *scheme
                                      : jsonFlag(*stage, "add_prefix_space", true) ? "always"
                                                                                   : "never";
            if (known != "always" && known != "first" && known != "never")
                return refuse("the prepend_scheme " + shownName(known) + " is not known", kNotGuessed);
            pipeline_.space_prefix = known != "never";
            pipeline_.space_after_special = known == "always";
            metaspace = true;
        }
        if (!metaspace && !pipeline_.marks_spaces)
            return refuse("byte_fallback without U+2581 for spaces is not supported", kNotGuessed);
        return {};
    }

    Result<void> readSplits() {
        std::vector<std::string> patterns;
        bool byte_level = false;
        for (const json* stage : stagesOf(tokenizer_, "pre_tokenizer", "pretokenizers")) {
            const std::string_view type = typeOf(*stage);
            if (type == "ByteLevel") {
                if (jsonFlag(*stage, "add_prefix_space", true))
                    return refuse("a byte-level pre-tokenizer with add_prefix_space is not supported", kNotGuessed);
                if (jsonFlag(*stage, "use_regex", true)) patterns.emplace_back(kByteLevelPattern);
                byte_level = true;
            } else if (type == "Digits" && jsonFlag(*stage, "individual_digits", false)) {
                patterns.emplace_back(kSingleDigitPattern);
            } else if (const std::string* pattern = splitPattern(*stage)) {
                patterns.push_back(*pattern);
            } else {
                return refuse("the pre-tokenizer " + shownName(type) + " is not supported", kNotGuessed);
            }
        }
        if (!byte_level)
            return refuse("a tokenizer that is neither byte-level nor has byte_fallback is not supported", kNotGuessed);
        pipeline_.pre_tokenizer = splitRuleName(patterns);
        if (pipeline_.pre_tokenizer.empty()) {
            const std::string first = patterns.empty() ? "none at all" : shownName(patterns.front());
            return refuse("no pre-tokenizer is known for the " + std::to_string(patterns.size()) +
                              " expressions that split the text (" + first + ")",
                          kNotGuessed);
        }
        return {};
    }

    // The expression of a stage that keeps every match and everything between matches as a piece; nullptr for another
    // stage. The rules here match everywhere, so that to remove what does not match is the same.
    static const std::string* splitPattern(const json& stage) {
        const json* pattern = jsonObject(stage, "pattern");
        if (typeOf(stage) != "Split" || pattern == nullptr) return nullptr;
        const bool inverted = jsonFlag(stage, "invert", false);
        if (!hasText(stage, "behavior", inverted ? "Removed" : "Isolated")) return nullptr;
        return jsonText(*pattern, "Regex");
    }

    const json& tokenizer_;
    const std::string& where_;
    TokenizerPipeline pipeline_;
};

}  // namespace

Result<TokenizerPipeline> readTokenizerPipeline(const json& tokenizer, const std::string& where) {
    return PipelineReader(tokenizer, where).read();
}

namespace {

// The id that a template's special token stands for; nothing where it is several.
std::optional<std::int32_t> idOfSpecial(const json& stage, const json& part) {
    const std::string* name = jsonText(*jsonObject(part, "SpecialToken"), "id");
    const json* known = jsonObject(stage, "special_tokens");
    const json* token = name == nullptr || known == nullptr ? nullptr : jsonObject(*known, name->c_str());
    const json* ids = token == nullptr ? nullptr : jsonArray(*token, "ids");
    constexpr std::uint64_t kMost = 1u << 30;
    if (ids == nullptr || ids->size() != 1 || !ids->front().is_number_unsigned() ||
        ids->front().get<std::uint64_t>() > kMost)
        return std::nullopt;
    return ids->front().get<std::int32_t>();
}

}  // namespace

PostProcessing readPostProcessing(const json& tokenizer) {
    PostProcessing made;
    for (const json* stage : stagesOf(tokenizer, "post_processor", "processors")) {
        const json* single = typeOf(*stage) == "TemplateProcessing" ? jsonArray(*stage, "single") : nullptr;
        if (single == nullptr || single->empty()) continue;
        made.begins = jsonObject(single->front(), "SpecialToken") != nullptr;
        if (made.begins) made.begin_id = idOfSpecial(*stage, single->front());
        made.ends = jsonObject(single->back(), "SpecialToken") != nullptr;
    }
    return made;
}

}  // namespace quibble
