// What a run answered, and whether the right answer came up on the way.
// Error taxonomy: arXiv 2606.00206, section 4.2; its "overthinking" label needs no judge.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/metrics/reply_parts.h"
#include "engine/values/run_trace.h"

namespace quibble {

/// Content of the last \boxed{...}, else the last number ("The answer is 1,318." gives "1318").
[[nodiscard]] std::optional<std::string> extractAnswer(std::string_view text_after_thinking);
[[nodiscard]] std::optional<std::string> extractAnswer(const RunTrace& trace);

/// Equal as decimal numbers ("042.50" and "42.5"), else equal texts without surrounding or repeated blanks.
[[nodiscard]] bool sameAnswer(std::string_view a, std::string_view b);

/// The run answered `known`. A run that gave no answer is wrong.
[[nodiscard]] bool isCorrect(const RunTrace& trace, std::string_view known);

/// Against request().known_answer. Empty: there is none, or the run did not come to its own end and has not answered.
[[nodiscard]] std::optional<bool> gradeOf(const RunTrace& trace);

/// Wrong in the end, though the known answer occurs in the reasoning. A run that was cut off before it answered counts.
[[nodiscard]] bool isOverthinking(const RunTrace& trace, std::string_view known);

/// Index into trace.points() of the token that completes the first occurrence of the known answer as a number of its own (not a
/// part of a longer number), or as a text when it is not a number.
[[nodiscard]] std::optional<std::size_t> answerReachedAt(const RunTrace& trace, std::string_view known);

}  // namespace quibble
