// The parameters of a drafter while it runs.
#pragma once

#include <span>
#include <string>

#include "engine/values/param_spec.h"

namespace quibble {

/// `choice` with key = value, checked. Errors: InvalidArgument; `choice` is unchanged then.
[[nodiscard]] inline Result<void> changeParam(MethodChoice& choice, std::span<const ParamSpec> specs, std::string_view key, double value) {
    MethodChoice changed = choice;
    std::erase_if(changed.params, [&](const auto& param) { return param.first == key; });
    changed.params.emplace_back(key, value);
    if (auto checked = checkParams(changed, specs); !checked) return checked;
    choice = std::move(changed);
    return {};
}

}  // namespace quibble
