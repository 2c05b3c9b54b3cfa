// Where the answer stands in what a model wrote, and what of a known answer is the answer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace quibble {

/// In the order in which they are tried.
enum class AnswerRule { Boxed, Statement, LastLine, LastNumber };

struct AnswerText {
    std::string text;
    AnswerRule rule = AnswerRule::LastNumber;
};

/// The last \boxed{...} or \fbox{...} that is not empty; else behind the last "answer is", "answer:" or "####"; else
/// the last line if it is nothing but a choice or a formula; else the last number with the formula it stands in. Time
/// grows linearly with the text.
[[nodiscard]] std::optional<AnswerText> answerIn(std::string_view text);

/// Of a known answer the part that counts: behind the last "####", in the last box, or all of it.
[[nodiscard]] std::string knownAnswer(std::string_view text);

/// An answer as lists show it: a plain number in canonical decimal form, anything else as it was written, with single
/// blanks.
[[nodiscard]] std::string shownAnswer(std::string_view answer);

/// First byte behind the first mention of the known answer in a text: as a number of its own, as a letter in a dress,
/// or as words.
[[nodiscard]] std::optional<std::size_t> firstMention(std::string_view text, std::string_view known);

/// "box", "statement", "last line", "last number"
[[nodiscard]] const char* answerRuleText(AnswerRule rule);

}  // namespace quibble
