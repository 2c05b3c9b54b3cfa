// Decimal numbers inside a text, in a form that can be compared: the base of answer extraction and grading.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quibble {

/// Bytes [begin, end) of the text; the sign belongs to it, separators of thousands as well.
struct NumberInText {
    std::size_t begin = 0, end = 0;
    std::string value;  // canonical: optional '-', no leading zeros, no trailing zeros of a fraction: "-12.5", "0"
};

/// All numbers, left to right. A minus (also U+2212) is a sign unless a digit, a letter or a closing bracket stands before it,
/// so "12-5" holds 12 and 5, and "= -5" holds -5. "1,234" is one number, "1, 234" are two.
[[nodiscard]] std::vector<NumberInText> numbersIn(std::string_view text);

/// The number that the whole text is, apart from blanks, '$', '%' and a full stop around it.
[[nodiscard]] std::optional<std::string> asNumber(std::string_view text);

[[nodiscard]] constexpr bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace quibble
