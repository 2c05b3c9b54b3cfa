// How far a run is and how long the rest may take, from its trace alone: so window and command line say the same.
#pragma once

#include <optional>

#include "engine/values/run_trace.h"

namespace quibble {

struct RunProgress {
    int tokens = 0;  // generated, those that a branch took over included
    int limit =
        0;  // where the run ends if nothing else ends it: the token limit as it stands now, or the room in the context
    std::optional<double>
        seconds_left;  // to the limit, at the pace of the last tokens; nothing before a few have come, or at the end
};

[[nodiscard]] RunProgress runProgress(const RunTrace& trace);

/// A duration as people say it: one of seconds below a minute, of minutes below an hour, or hours and minutes.
struct RoundedTime {
    int hours = 0, minutes = 0, seconds = 0;
};
[[nodiscard]] RoundedTime roundedTime(double seconds);

}  // namespace quibble
