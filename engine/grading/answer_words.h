// Answers as prose: what is left without markup, letters of multiple-choice answers, units.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quibble {

/// Without \text and its like, markdown's stars, dollar signs around LaTeX and repeated blanks. All other LaTeX stays.
[[nodiscard]] std::string plainText(std::string_view text);

/// plainText() in lower case without articles and without punctuation at its ends.
[[nodiscard]] std::string proseOf(std::string_view text);

struct ChoiceText {
    char letter = 0;        // upper case
    std::string_view rest;  // what stands behind the letter: the text of the choice
};
/// "(C)", "C.", "C)", "[C]", "C: 18", "option C". `plain` comes from plainText().
[[nodiscard]] std::optional<ChoiceText> choiceIn(std::string_view plain);

/// One name for each unit: "Dollars" is "dollar", "centimeters" is "cm".
[[nodiscard]] std::string unitName(std::string_view word);

/// "2 thirds", "3 squared", "5 minus", "5 because": a word behind a number that is no unit.
[[nodiscard]] bool changesValue(std::string_view word);

/// "seven" is 7, up to twenty; -1: no number.
[[nodiscard]] int numberWord(std::string_view word);

}  // namespace quibble
