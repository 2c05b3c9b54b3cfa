// Parameters as data: the form, the command-line flag, the stored JSON and the range test are all made from a
// ParamSpec.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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

/// The shortest digits that read back as the same number, with a point under any locale; whole numbers up to 15 digits
/// without an exponent.
[[nodiscard]] inline std::string paramText(double value) {
    std::array<char, 64> digits{};
    const bool whole = std::abs(value) < 1e15 && value == std::trunc(value);
    const auto end = whole ? std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<long long>(value))
                           : std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return std::string(digits.data(), end.ptr);
}

/// "1 to 4096, whole numbers"
[[nodiscard]] inline std::string rangeText(const ParamSpec& spec) {
    return paramText(spec.low) + " to " + paramText(spec.high) + (spec.step == 1 ? ", whole numbers" : "");
}

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
        return fail(ErrorCode::InvalidArgument, "\"" + std::string(text) + "\" names no method",
                    "Write id:key=value,key=value");
    }
    for (std::size_t at = colon; at != std::string_view::npos;) {
        const std::size_t comma = text.find(',', at + 1);
        const std::string_view item = text.substr(at + 1, comma == std::string_view::npos ? comma : comma - at - 1);
        const std::size_t equals = item.find('=');
        const std::string_view number = equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1);
        double value = 0;
        const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), value);
        if (number.empty() || fault != std::errc{} || end != number.data() + number.size() || !std::isfinite(value)) {
            return fail(ErrorCode::InvalidArgument,
                        "\"" + std::string(item) + "\" in \"" + std::string(text) + "\" is not key=number",
                        "Write id:key=value,key=value");
        }
        choice.params.emplace_back(std::string(item.substr(0, equals)), value);
        at = comma;
    }
    return choice;
}

inline std::string MethodChoice::text() const {
    std::string out = id;
    char separator = ':';
    for (const auto& [key, number] : params) {
        out += separator + key + '=' + paramText(number);
        separator = ',';
    }
    return out;
}

/// Every key known and named once, every value in range and on the step grid.
[[nodiscard]] inline Result<void> checkParams(const MethodChoice& choice, std::span<const ParamSpec> specs) {
    for (const auto& [key, number] : choice.params) {
        const ParamSpec* spec = nullptr;
        std::string known;
        for (const ParamSpec& candidate : specs) {
            if (candidate.key == key) spec = &candidate;
            known += (known.empty() ? "" : ", ") + std::string(candidate.key);
        }
        if (spec == nullptr) {
            return fail(ErrorCode::InvalidArgument, choice.id + " has no parameter \"" + key + "\"",
                        known.empty() ? "It takes none" : "It knows: " + known);
        }
        if (std::count_if(choice.params.begin(), choice.params.end(),
                          [&key = key](const auto& other) { return other.first == key; }) > 1) {
            return fail(ErrorCode::InvalidArgument, choice.id + ": " + key + " is given more than once",
                        "Name each parameter once");
        }
        const bool on_grid = spec->step == 0 || std::fmod(number - spec->low, spec->step) == 0;
        if (!(number >= spec->low && number <= spec->high) || !on_grid) {
            return fail(ErrorCode::InvalidArgument,
                        choice.id + ": " + key + "=" + paramText(number) + " is out of range",
                        "Use " + rangeText(*spec));
        }
    }
    return {};
}

/// `choice` with key = value, checked. Errors: InvalidArgument; `choice` is unchanged then.
[[nodiscard]] inline Result<void> changeParam(MethodChoice& choice, std::span<const ParamSpec> specs,
                                              std::string_view key, double value) {
    MethodChoice changed = choice;
    std::erase_if(changed.params, [&](const auto& param) { return param.first == key; });
    changed.params.emplace_back(key, value);
    if (auto checked = checkParams(changed, specs); !checked) return checked;
    choice = std::move(changed);
    return {};
}

}  // namespace quibble
