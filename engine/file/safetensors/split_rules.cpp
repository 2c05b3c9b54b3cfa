#include "engine/file/safetensors/split_rules.h"

#include <algorithm>

namespace quibble {

std::span<const PublishedSplitRule> publishedSplitRules() {
    static const std::vector<PublishedSplitRule> rules = {
        {"gpt-2", {kByteLevelPattern}},
        {"qwen2",
         {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
        {"llama-bpe",
         {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
        {"gpt-4o",
         {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
        // The third names its characters from U+4E00 to U+9FA5, U+0800 to U+4E00 and U+AC00 to U+D7FF.
        {"deepseek-coder",
         {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)",
          "[\xE4\xB8\x80-\xE9\xBE\xA5\xE0\xA0\x80-\xE4\xB8\x80\xEA\xB0\x80-\xED\x9F\xBF]+", kSingleDigitPattern}},
    };
    return rules;
}

std::string_view splitRuleName(const std::vector<std::string>& patterns) {
    for (const PublishedSplitRule& rule : publishedSplitRules()) {
        if (std::equal(rule.patterns.begin(), rule.patterns.end(), patterns.begin(), patterns.end())) return rule.name;
    }
    return {};
}

}  // namespace quibble
