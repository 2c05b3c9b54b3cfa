// The time of day that a chat template may print: an input of the run, so that its prompt can be made again.
#pragma once

#include <cstdint>

namespace quibble {

struct PromptClock {
    std::int64_t unix_s = 0;        // seconds since 1970 in UTC
    std::int32_t utc_offset_s = 0;  // what the clock on the wall is ahead of UTC
    bool operator==(const PromptClock&) const = default;
};

}  // namespace quibble
