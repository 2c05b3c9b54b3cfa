// Reads an answer, as a model or the author of a problem wrote it, into a form that can be compared.
// The text is untrusted: its length, the depth of its brackets and the size of the tree are bounded, and reading is
// linear in them.
#pragma once

#include <string>
#include <string_view>

#include "engine/grading/expression.h"

namespace quibble {

struct Reading {
    Node value;         // meaningless with a fault
    std::string fault;  // not empty: why no rule of mathematics reads the text
    std::string words;  // the text as prose: lower case, single blanks, no markup, no articles
    char choice = 0;    // the letter of a multiple-choice answer in any of its dresses; 0: it is none
};

[[nodiscard]] Reading readAnswer(std::string_view text);

/// The value in one line: "1/2", "{1, sqrt(2)}", "choice C".
[[nodiscard]] std::string describe(const Reading& reading);
[[nodiscard]] std::string describe(const Node& node);

/// A plain number, possibly negative or in dollars, in canonical decimal form; empty: it is something else.
[[nodiscard]] std::string plainNumber(const Reading& reading);

}  // namespace quibble
