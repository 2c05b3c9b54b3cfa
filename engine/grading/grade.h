// Is this the known answer? The one place that decides it. docs/grading.md has the rules for users.
#pragma once

#include <string_view>

#include "engine/grading/verdict.h"

namespace quibble {

/// `answer` is an answer alone, as answerIn() finds it; `known` may also be a solution that ends in "#### 42" or holds
/// a box. What no rule can decide is NotGradable with the reason. Never throws, whatever the texts hold.
[[nodiscard]] Grade gradeAnswer(std::string_view answer, std::string_view known) noexcept;

/// gradeAnswer() says Right.
[[nodiscard]] bool sameAnswer(std::string_view a, std::string_view b) noexcept;

}  // namespace quibble
