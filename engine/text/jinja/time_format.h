// A date and a time as Python's strftime writes them in English, under any locale and in any time zone of this process.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/values/prompt_clock.h"

namespace quibble::jinja {

/// Knows the directives of the C library and their flags - _ 0 ^ #. What it does not know is copied. A time has no
/// zone, as in the library that templates are published for: %z and %Z are empty. Nothing when the year has not one to
/// four digits.
[[nodiscard]] std::optional<std::string> formatTime(std::string_view format, const PromptClock& clock);

}  // namespace quibble::jinja
