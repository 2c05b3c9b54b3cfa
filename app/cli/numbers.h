// Numeric options. What is written must be a number of the option's type and range, with nothing behind it; else the
// command says so and does not start.
#pragma once

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/values/param_spec.h"

namespace quibble::cli {

template <typename Number>
std::string numberText(Number value) {
    if constexpr (std::is_floating_point_v<Number>)
        return paramText(value);
    else
        return std::to_string(value);
}

/// "0 to 256"; empty for real numbers without bounds.
template <typename Number>
std::string rangeText(Number low, Number high) {
    const bool any = low == std::numeric_limits<Number>::lowest() && high == std::numeric_limits<Number>::max();
    return any && std::is_floating_point_v<Number> ? std::string() : numberText(low) + " to " + numberText(high);
}

/// The same for the help, where a bound that is only the type's is not worth a word.
template <typename Number>
std::string helpRange(Number low, Number high) {
    if (high < std::numeric_limits<Number>::max()) return rangeText(low, high);
    return low > std::numeric_limits<Number>::lowest() ? "at least " + numberText(low) : std::string();
}

/// The number in its plain form, so that the parser of the command line reads nothing else into it (a leading 0 as
/// octal); a fault: what is wrong.
template <typename Number>
std::string readNumber(std::string& text, Number low, Number high) {
    const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
    const char* end = text.data() + text.size();
    Number value{};
    const auto [stopped, fault] = std::from_chars(begin, end, value);
    const bool inside = fault == std::errc{} && stopped == end && value >= low && value <= high;  // NaN is in no range
    if (inside) {
        text = numberText(value);
        return {};
    }
    const std::string kind = std::is_floating_point_v<Number> ? "number" : "whole number", range = rangeText(low, high);
    return "\"" + text + "\" is not a " + kind + (range.empty() ? "" : " from " + range);
}

namespace number_detail {

template <typename Target>
struct Element {
    using type = Target;
};
template <typename Item>
struct Element<std::vector<Item>> {
    using type = Item;
};
template <typename Item>
struct Element<std::optional<Item>> {
    using type = Item;
};

}  // namespace number_detail

/// Adds an option that takes a number, or several, each of [low, high].
template <typename Target, typename Number = typename number_detail::Element<Target>::type>
CLI::Option* addNumber(CLI::App& command, const std::string& name, Target& target, const std::string& help,
                       std::type_identity_t<Number> low = std::numeric_limits<Number>::lowest(),
                       std::type_identity_t<Number> high = std::numeric_limits<Number>::max()) {
    CLI::Option* option = command.add_option(name, target, help);
    if constexpr (std::is_same_v<Target, Number> || requires { target.size(); }) option->capture_default_str();
    return option->transform(CLI::Validator(
        [low, high](std::string& text) { return readNumber<Number>(text, low, high); }, helpRange<Number>(low, high)));
}

}  // namespace quibble::cli
