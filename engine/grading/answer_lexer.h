// Cuts an answer, in LaTeX or as plain text, into tokens. What only concerns the looks (\left, \, $ ~) is dropped here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/grading/literal.h"

namespace quibble {

enum class TokenKind {
    Number,    // literal; text as written
    Letter,    // a symbol
    Word,      // a word of prose or a unit
    Function,  // sin, log, ...
    Command,   // frac, sqrt, binom, begin, end, pmod: what has arguments; begin and end carry the environment in `text`
    Currency,  // text: dollar, euro, pound, yen
    Sign,      // sign
    End,
};

// Signs that are not the character itself: L at most, G at least, N not equal, A about, P plus-minus, M minus-plus, U
// union, E element of, D degree, S and T the brackets of a set, R a new row.
struct AnswerToken {
    TokenKind kind = TokenKind::End;
    char sign = 0;
    bool blank_before = false;
    std::string text;
    Literal literal;
};

struct LexedAnswer {
    std::vector<AnswerToken> tokens;  // the last one is End
    std::string fault;                // not empty: what could not be read
};

[[nodiscard]] LexedAnswer lexAnswer(std::string_view text);

/// Signs outside of ASCII written as LaTeX: "\xC2\xBD" as \frac{1}{2}, "\xE2\x88\x9A" as sqrt, a true minus as '-'.
[[nodiscard]] std::string withoutSymbols(std::string_view text);

}  // namespace quibble
