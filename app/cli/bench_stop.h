// How a measurement that takes long ends early: a report holds what was measured until then and says why there is no
// more.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"

namespace quibble::cli {

inline constexpr const char* kIncomplete = "incomplete";  // key of the reason in a report; absent: it is whole

[[nodiscard]] inline Result<void> stoppedHere() { return fail(ErrorCode::Cancelled, "interrupted"); }

/// JSON has a null for what there is no figure of.
[[nodiscard]] inline nlohmann::ordered_json orNull(const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

}  // namespace quibble::cli
