// The clock that runs and their passes are timed by, and the one on the wall.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

#include "engine/values/prompt_clock.h"

namespace quibble {

/// Of no meaning by itself: differences are spans of time, whatever the clock on the wall is set to.
inline std::int64_t nowNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/// What the clock on the wall shows now, in the time zone of this process.
inline PromptClock localPromptClock() {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm local{};
    const bool known = ::localtime_r(&seconds, &local) != nullptr;
    return {static_cast<std::int64_t>(seconds), known ? static_cast<std::int32_t>(local.tm_gmtoff) : 0};
}

}  // namespace quibble
