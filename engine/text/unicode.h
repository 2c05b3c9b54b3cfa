// What the tokenizers need to know of Unicode: classes of characters, and text composed (normalization form C).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace quibble {

/// The property White_Space, as first and last character of each range.
inline constexpr std::array<std::pair<char32_t, char32_t>, 10> kWhiteSpace = {{{0x9, 0xd},
                                                                               {0x20, 0x20},
                                                                               {0x85, 0x85},
                                                                               {0xa0, 0xa0},
                                                                               {0x1680, 0x1680},
                                                                               {0x2000, 0x200a},
                                                                               {0x2028, 0x2029},
                                                                               {0x202f, 0x202f},
                                                                               {0x205f, 0x205f},
                                                                               {0x3000, 0x3000}}};
[[nodiscard]] bool isWhiteSpace(char32_t character);

/// A character of a word (\w in Unicode TS 18, annex C): alphabetic, mark, decimal digit, connecting punctuation,
/// joiner.
[[nodiscard]] bool isWordCharacter(char32_t character);

/// The text in normalization form C (Unicode annex 15); bytes that are not UTF-8 stay, and divide it. Time is linear up
/// to the sorting of the marks on one character.
[[nodiscard]] std::string composed(std::string_view text);

}  // namespace quibble
