// What a run answered, and whether the right answer came up on the way.
// Error taxonomy: arXiv 2606.00206, section 4.2; its "overthinking" label needs no judge.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/grading/verdict.h"
#include "engine/metrics/reply_parts.h"
#include "engine/values/run_trace.h"

namespace quibble {

/// Raise it with every change of what counts as an answer or as right: grades that a database keeps are then made
/// again. 1: the rules of version 0.2.0 (docs/grading.md); whatever was graded before has 0.
inline constexpr int kGradingVersion = 1;

/// What answerIn() finds behind the reasoning span, as lists show it ("The answer is 1,318." gives "1318").
[[nodiscard]] std::optional<std::string> shownAnswer(const RunTrace& trace);

/// Against request().known_answer. A run that ended without an answer is wrong.
/// Empty: there is no known answer, or the run did not come to its own end and has not answered.
[[nodiscard]] std::optional<Grade> gradeOf(const RunTrace& trace);

/// Wrong in the end, though request().known_answer is mentioned in the reasoning. A run that was cut off before it
/// answered counts.
[[nodiscard]] bool isOverthinking(const RunTrace& trace);

/// Index into trace.points() of the token that completes the first mention of the known answer (firstMention()).
[[nodiscard]] std::optional<std::size_t> answerReachedAt(const RunTrace& trace, std::string_view known);

}  // namespace quibble
