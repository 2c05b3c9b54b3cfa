// The regular expressions that published tokenizer.json files split text with, and the pre-tokenizers that do the same
// here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quibble {

struct PublishedSplitRule {
    std::string_view name;                   // as PreTokenizer::byName knows it
    std::vector<std::string_view> patterns;  // applied in turn
};

[[nodiscard]] std::span<const PublishedSplitRule> publishedSplitRules();

/// Empty when no pre-tokenizer here is known to do the same.
[[nodiscard]] std::string_view splitRuleName(const std::vector<std::string>& patterns);

/// What "ByteLevel" splits by when it is not told otherwise, and "Digits" one by one.
inline constexpr std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kSingleDigitPattern = R"(\p{N})";

}  // namespace quibble
