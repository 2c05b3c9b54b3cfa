// Parameters as data: the form, the command-line flag, the stored JSON and the range test are all made from a ParamSpec.
#pragma once

#include <cmath>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/values/result.h"

namespace quibble {

struct ParamSpec {
    std::string_view key{};    // "bits"
    std::string_view label{};  // "Bits per weight"
    std::string_view unit{};   // "bit", may be empty
    double low = 0;
    double high = 1;
    double step = 0;      // 0: any real number; 1: integers
    double fallback = 0;  // value when nothing is said
    std::string_view help{};
};

/// A method of a slot with its parameters, as the user chose them: "rtn:bits=3,group=64".
struct MethodChoice {
    std::string id = "none";
    std::vector<std::pair<std::string, double>> params;

    [[nodiscard]] double value(const ParamSpec& spec) const {
        for (const auto& [key, number] : params) {
            if (key == spec.key) return number;
        }
        return spec.fallback;
    }
    /// The form that parseMethodChoice reads back.
    [[nodiscard]] std::string text() const;

    bool operator==(const MethodChoice&) const = default;
};

/// "rtn:bits=3,group=64" -> MethodChoice. Does not know the method: checkParams does.
[[nodiscard]] inline Result<MethodChoice> parseMethodChoice(std::string_view text) {
    MethodChoice choice;
    const auto colon = text.find(':');
    choice.id = std::string(text.substr(0, colon));
    if (choice.id.empty()) {
        return fail(ErrorCode::InvalidArgument, "\"" + std::string(text) + "\" names no method", "Write id:key=value,key=value");
    }
    std::string_view rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const std::string item(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        const auto equals = item.find('=');
        char* end = nullptr;
        const std::string number = equals == std::string::npos ? std::string{} : item.substr(equals + 1);
        const double value = number.empty() ? 0.0 : std::strtod(number.c_str(), &end);
        if (number.empty() || *end != '\0' || !std::isfinite(value)) {
            return fail(ErrorCode::InvalidArgument, "\"" + item + "\" in \"" + std::string(text) + "\" is not key=number",
                        "Write id:key=value,key=value");
        }
        choice.params.emplace_back(item.substr(0, equals), value);
    }
    return choice;
}

inline std::string MethodChoice::text() const {
    std::string out = id;
    char separator = ':';
    for (const auto& [key, number] : params) {
        std::string digits = std::to_string(number);
        digits.erase(digits.find_last_not_of('0') + 1);
        if (digits.back() == '.') digits.pop_back();
        out += separator + key + '=' + digits;
        separator = ',';
    }
    return out;
}

/// Every key known, every value in range and on the step grid.
[[nodiscard]] inline Result<void> checkParams(const MethodChoice& choice, std::span<const ParamSpec> specs) {
    for (const auto& [key, number] : choice.params) {
        const ParamSpec* spec = nullptr;
        std::string known;
        for (const ParamSpec& candidate : specs) {
            if (candidate.key == key) spec = &candidate;
            known += (known.empty() ? "" : ", ") + std::string(candidate.key);
        }
        if (spec == nullptr) {
            return fail(ErrorCode::InvalidArgument, choice.id + " has no parameter \"" + key + "\"", "It knows: " + known);
        }
        const bool on_grid = spec->step == 0 || std::fmod(number - spec->low, spec->step) == 0;
        if (!(number >= spec->low && number <= spec->high) || !on_grid) {
            return fail(ErrorCode::InvalidArgument, choice.id + ": " + key + "=" + std::to_string(number) + " is out of range",
                        "Use " + std::to_string(spec->low) + " to " + std::to_string(spec->high) +
                            (spec->step == 1 ? ", whole numbers" : ""));
        }
    }
    return {};
}

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
