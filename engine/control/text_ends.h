// Where a text may be cut, and with which tokens a thought is closed.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"

namespace quibble {

/// The tokens that close a thought of a model with this vocabulary and begin its answer: the closing tag of the pair
/// that the vocabulary holds as tokens, or the end of the channel and the head of the final one (thought_marks.h).
/// Errors: Unsupported where the vocabulary has no such mark as a token.
[[nodiscard]] Result<std::vector<TokenId>> closingOfThought(const Tokenizer& tokenizer);

/// The tokens of a text in which {end} stands for the end of the thought; where it does not stand, it is put behind the
/// text. Control tokens in the text are recognised.
[[nodiscard]] std::vector<TokenId> encodeWithEnd(const Tokenizer& tokenizer, std::string_view text,
                                                 std::span<const TokenId> closing);

/// Whether the text ends in the middle of a character of UTF-8: more tokens must come before anything is put behind it.
[[nodiscard]] bool endsInsideCharacter(const Tokenizer& tokenizer, std::span<const TokenId> text);
/// Whether the text ends with a sentence (., !, ? or their full-width forms, also before closing quotes or brackets) or
/// with a line, and goes on with `next`. The point in a number ("3." before "14") and the one behind a number that
/// begins a line ("1. First") end none.
[[nodiscard]] bool sentenceEndsBefore(const Tokenizer& tokenizer, std::span<const TokenId> text, TokenId next);
/// Likewise where whatever comes next begins something new.
[[nodiscard]] bool sentenceEnds(const Tokenizer& tokenizer, std::span<const TokenId> text);

}  // namespace quibble
