// Numbers inside a longer text: the base of finding an answer there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grading/literal.h"

namespace quibble {

/// Bytes [begin, end) of the text; the sign belongs to it, separators of thousands as well.
struct NumberInText {
    std::size_t begin = 0, end = 0;
    std::string value;  // canonicalText()
};

/// All decimal numbers, left to right. A minus (also U+2212) is a sign unless a digit, a letter or a closing bracket
/// stands before it, so "12-5" holds 12 and 5, and "= -5" holds -5. "1,234" and "1{,}234" are one number, "1, 234" are
/// two, ".5" is one half.
[[nodiscard]] std::vector<NumberInText> numbersIn(std::string_view text);

/// Bytes [begin, end) of a number with what belongs to it.
struct QuantityInText {
    std::size_t begin = 0, end = 0;
    bool fraction = false;  // "3/4", "2 1/3", "\frac{3}{4}"
};

/// As numbersIn(), but a fraction, a mixed number and a percent sign are one piece: "3/4", "2\frac{1}{3}", "50\%".
[[nodiscard]] std::vector<QuantityInText> quantitiesIn(std::string_view text);

}  // namespace quibble
