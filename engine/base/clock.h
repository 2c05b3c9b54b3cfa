// The clock that runs and their passes are timed by.
#pragma once

#include <chrono>
#include <cstdint>

namespace quibble {

/// Of no meaning by itself: differences are spans of time, whatever the clock on the wall is set to.
inline std::int64_t nowNs() { return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace quibble
