// Python's string operations on UTF-8. A byte that belongs to no valid character counts as one character.
// Letters change their case one for one, and the sharp s; the other ligatures and final sigmas of Unicode's special
// casing stay.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quibble::jinja {

/// The characters of the text in order.
[[nodiscard]] std::vector<std::string_view> characters(std::string_view text);
[[nodiscard]] std::size_t characterCount(std::string_view text);

/// White space as str.isspace has it.
[[nodiscard]] std::string_view stripLeft(std::string_view text);
[[nodiscard]] std::string_view stripRight(std::string_view text);
[[nodiscard]] inline std::string_view strip(std::string_view text) { return stripLeft(stripRight(text)); }
/// Strips characters that occur in `set`.
[[nodiscard]] std::string_view stripLeft(std::string_view text, std::string_view set);
[[nodiscard]] std::string_view stripRight(std::string_view text, std::string_view set);

[[nodiscard]] std::string lowerCase(std::string_view text);
[[nodiscard]] std::string upperCase(std::string_view text);
/// First letter of the text upper, the rest lower.
[[nodiscard]] std::string capitalize(std::string_view text);
/// str.title: the first letter of each run of letters upper, the rest lower.
[[nodiscard]] std::string titleCase(std::string_view text);
/// The filter "title": words end at white space and at - ( { [ < only.
[[nodiscard]] std::string titleWords(std::string_view text);

/// At most max_splits cuts (negative: all), from the left or from the right. REQUIRES separator not empty.
[[nodiscard]] std::vector<std::string_view> splitAt(std::string_view text, std::string_view separator, long max_splits,
                                                    bool from_right);
/// At runs of white space, none at the ends.
[[nodiscard]] std::vector<std::string_view> splitWords(std::string_view text, long max_splits);
/// The same from the right.
[[nodiscard]] std::vector<std::string_view> splitWordsFromRight(std::string_view text, long max_splits);
/// At line ends as Python knows them, which are left out unless `keep`.
[[nodiscard]] std::vector<std::string_view> splitLines(std::string_view text, bool keep);

/// At most max_count (negative: all) occurrences. REQUIRES from not empty.
[[nodiscard]] std::string replaceAll(std::string_view text, std::string_view from, std::string_view to, long max_count);

}  // namespace quibble::jinja
