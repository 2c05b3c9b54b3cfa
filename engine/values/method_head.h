// What every method of every slot says of itself, and how one is found by what the user chose.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/values/param_spec.h"
#include "engine/values/result.h"

namespace quibble {

struct MethodHead {
    std::string_view id;      // the stem of its file
    std::string_view label;   // as it is shown
    std::string_view source;  // paper or common practice
    std::string_view help;    // one sentence
    std::span<const ParamSpec> params;
};

/// The method of a slot's table that `choice` names, its parameters checked. `what`: "draft method", for messages.
/// Errors: InvalidArgument for an unknown id (lists the known) or parameters out of range.
template <typename Method>
[[nodiscard]] Result<const Method*> findMethod(std::span<const Method* const> table, const MethodChoice& choice,
                                               std::string_view what) {
    std::string known;
    for (const Method* method : table) {
        if (method->id == choice.id) {
            if (auto checked = checkParams(choice, method->params); !checked) return tl::unexpected(checked.error());
            return method;
        }
        known += (known.empty() ? "" : ", ") + std::string(method->id);
    }
    return fail(ErrorCode::InvalidArgument, "no " + std::string(what) + " is called \"" + choice.id + "\"",
                "Known are: " + known);
}

/// Likewise of a slot that may be left empty: "none" gives nullptr.
template <typename Method>
[[nodiscard]] Result<const Method*> findMethodOrNone(std::span<const Method* const> table, const MethodChoice& choice,
                                                     std::string_view what) {
    if (choice.id == MethodChoice{}.id) {
        if (auto checked = checkParams(choice, {}); !checked) return tl::unexpected(checked.error());
        return nullptr;
    }
    auto found = findMethod(table, choice, what);
    if (!found && found.error().hint.starts_with("Known are: "))
        found.error().hint.insert(std::string_view("Known are: ").size(), "none, ");
    return found;
}

}  // namespace quibble
