// The names that answers use: LaTeX commands, functions, units, signs of Unicode.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "engine/grading/answer_lexer.h"

namespace quibble {

/// What a command without text arguments stands for. Kind End: only for the looks.
struct TexMeaning {
    std::string_view name;
    TokenKind kind;
    std::string_view text;
    char sign;
};

[[nodiscard]] const TexMeaning* texMeaning(std::string_view name);
/// \text and its like: their content is prose.
[[nodiscard]] bool isTextCommand(std::string_view name);
[[nodiscard]] bool isFunctionName(std::string_view name);
/// "pi", "infinity" and the like as plain letters; empty: none.
[[nodiscard]] std::string_view plainSymbol(std::string_view letters);
/// A run of letters is a word, not a product of symbols: a unit, a short word of prose, or four letters and more.
[[nodiscard]] bool isProse(std::string_view letters, bool after_blank);
/// Length of the sign at the beginning and its LaTeX; length 0: a character of its own.
[[nodiscard]] std::pair<std::size_t, std::string_view> symbolAsTex(std::string_view text);

}  // namespace quibble
