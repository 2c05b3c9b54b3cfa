// What is asked about requests field by field, made from the list in run_fields.h: in what two differ, what of one
// decides a question, and a field set by its key.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "engine/values/prompt_clock_text.h"
#include "engine/values/result.h"
#include "engine/values/run_fields.h"

namespace quibble {

/// A field in which two requests differ, both values as people read them.
struct FieldDifference {
    RequestField field;
    std::string mine, other;

    /// "Temperature 0.6, not 0.7"; of texts and lists that are long "Prompt is another".
    [[nodiscard]] std::string text() const {
        constexpr std::size_t kLongestValue = 60;
        const std::string label(field.label);
        if (std::max(mine.size(), other.size()) > kLongestValue) return label + " is another";
        return label + " " + mine + ", not " + other;
    }
};

namespace settings_detail {

// Parameters have no order: those of a stored method come back sorted.
inline bool sameValue(const MethodChoice& a, const MethodChoice& b) {
    return a.id == b.id && a.params.size() == b.params.size() &&
           std::is_permutation(a.params.begin(), a.params.end(), b.params.begin());
}
inline bool sameValue(const std::vector<MethodChoice>& a, const std::vector<MethodChoice>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const MethodChoice& one, const MethodChoice& two) { return sameValue(one, two); });
}
template <typename T>
bool sameValue(const T& a, const T& b) {
    return a == b;
}

template <typename T>
std::string listText(const std::vector<T>& values) {
    if constexpr (std::is_same_v<T, MethodChoice>) {
        std::vector<std::string> texts;
        texts.reserve(values.size());
        for (const MethodChoice& method : values) texts.push_back(method.text());
        return listText(texts);
    } else {
        return nlohmann::json(values).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
}

// As setField reads it, but for a clock with an offset.
template <typename T>
std::string typedText(const RequestField& field, const T& value) {
    if constexpr (std::is_same_v<T, std::string>)
        return value;
    else if constexpr (std::is_same_v<T, bool>)
        return value ? "on" : "off";
    else if constexpr (std::is_same_v<T, MethodChoice>)
        return value.text();
    else if constexpr (std::is_same_v<T, std::optional<PromptClock>>)
        return value ? promptClockText(*value) : std::string();
    else if constexpr (std::is_same_v<T, RunId>)
        return std::to_string(raw(value));
    else if constexpr (std::is_enum_v<T>)
        return std::string(field.options[static_cast<std::size_t>(value)].id);
    else if constexpr (std::is_floating_point_v<T>)
        return paramText(double{value});
    else if constexpr (std::is_integral_v<T>)
        return std::to_string(value);
    else
        return listText(value);
}

template <typename T>
std::string shownText(const RequestField& field, const T& value) {
    if constexpr (std::is_enum_v<T> && !std::is_same_v<T, RunId>)
        return std::string(field.options[static_cast<std::size_t>(value)].label);
    if (!field.zero.empty() && value == T{}) return std::string(field.zero);
    const std::string text = typedText(field, value);
    return text.empty() || text == "[]" ? "none" : text;
}

inline tl::unexpected<Error> refuse(const RequestField& field, std::string_view text, const std::string& takes) {
    return fail(ErrorCode::InvalidArgument,
                std::string(field.key) + ": \"" + std::string(text) + "\" is not what it takes", "Use " + takes);
}

template <typename T>
requires std::is_arithmetic_v<T> Result<T> parseNumber(const RequestField& field, std::string_view text) {
    T value{};
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = fault == std::errc{} && end == text.data() + text.size();
    if constexpr (std::is_floating_point_v<T>) {
        if (!whole || !std::isfinite(value)) return refuse(field, text, "a number, with a point: 0.6");
    } else if (!whole) {
        return refuse(field, text,
                      "a whole number from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
                          std::to_string(std::numeric_limits<T>::max()));
    }
    return value;
}

// "[...]" is a JSON list, another text its only entry, and no text an empty list.
template <typename T>
Result<std::vector<T>> parseList(const RequestField& field, std::string_view text) {
    if (text.empty()) return std::vector<T>{};
    if constexpr (std::is_same_v<T, std::string>) {
        if (text.front() != '[') return std::vector<T>{std::string(text)};
    }
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    const auto fits = [](const nlohmann::json& item) {
        return std::is_same_v<T, std::string> ? item.is_string() : item.is_number_integer();
    };
    if (!parsed.is_array() || !std::all_of(parsed.begin(), parsed.end(), fits)) {
        return refuse(
            field, text,
            std::is_same_v<T, std::string> ? "a list of texts: [\"one\", \"two\"]" : "a list of whole numbers: [1, 2]");
    }
    return parsed.get<std::vector<T>>();
}

inline Result<bool> parseSwitch(const RequestField& field, std::string_view text) {
    if (text == "on" || text == "true" || text == "1") return true;
    if (text == "off" || text == "false" || text == "0") return false;
    return refuse(field, text, "on or off");
}

template <typename Enum>
Result<Enum> parseWord(const RequestField& field, std::string_view text) {
    std::string known;
    for (std::size_t i = 0; i < field.options.size(); ++i) {
        if (field.options[i].id == text) return static_cast<Enum>(i);
        known += (i == 0 ? "" : ", ") + std::string(field.options[i].id);
    }
    return refuse(field, text, "one of " + known);
}

// What a method says of its own text, with the field in front.
inline Result<MethodChoice> parseMethod(const RequestField& field, std::string_view text) {
    auto method = parseMethodChoice(text);
    if (!method) method.error().what.insert(0, std::string(field.key) + ": ");
    return method;
}

inline Result<std::vector<MethodChoice>> parseRules(const RequestField& field, std::string_view text) {
    std::vector<MethodChoice> rules;
    if (text == MethodChoice{}.id) return rules;
    const auto texts = parseList<std::string>(field, text);
    if (!texts) return tl::unexpected(texts.error());
    for (const std::string& one : *texts) {
        auto rule = parseMethod(field, one);
        if (!rule) return tl::unexpected(rule.error());
        rules.push_back(std::move(*rule));
    }
    return rules;
}

inline Result<std::optional<PromptClock>> parseTime(const RequestField& field, std::string_view text) {
    if (text.empty()) return std::optional<PromptClock>{};
    auto clock = parsePromptClock(std::string(text));
    if (!clock) {
        clock.error().what.insert(0, std::string(field.key) + ": ");
        return tl::unexpected(clock.error());
    }
    return std::optional(*clock);
}

template <typename T>
Result<T> parseField(const RequestField& field, std::string_view text) {
    if constexpr (std::is_same_v<T, std::string>)
        return std::string(text);
    else if constexpr (std::is_same_v<T, bool>)
        return parseSwitch(field, text);
    else if constexpr (std::is_same_v<T, MethodChoice>)
        return parseMethod(field, text);
    else if constexpr (std::is_same_v<T, std::vector<MethodChoice>>)
        return parseRules(field, text);
    else if constexpr (std::is_same_v<T, std::optional<PromptClock>>)
        return parseTime(field, text);
    else if constexpr (std::is_same_v<T, RunId>)
        return parseNumber<std::int64_t>(field, text).map([](std::int64_t id) { return RunId{id}; });
    else if constexpr (std::is_enum_v<T>)
        return parseWord<T>(field, text);
    else if constexpr (std::is_arithmetic_v<T>)
        return parseNumber<T>(field, text);
    else
        return parseList<typename T::value_type>(field, text);
}

}  // namespace settings_detail

/// The fields in which `mine` differs from `other`, in the order of the list. The order of a method's parameters is no
/// difference. Empty: the same is asked for.
[[nodiscard]] inline std::vector<FieldDifference> differences(const RunRequest& mine, const RunRequest& other) {
    std::vector<FieldDifference> found;
    visitFields(mine, other, [&](const RequestField& field, const auto& one, const auto& two) {
        if (settings_detail::sameValue(one, two)) return;
        found.push_back({field, settings_detail::shownText(field, one), settings_detail::shownText(field, two)});
    });
    return found;
}

/// The request with those fields alone for which keep(field) is true; the others are as they are made. Two requests
/// put the same question where these are equal.
template <std::predicate<const RequestField&> Keep>
[[nodiscard]] RunRequest onlyFields(const RunRequest& request, Keep&& keep) {
    RunRequest kept;
    visitFields(kept, request, [&](const RequestField& field, auto& target, const auto& value) {
        if (keep(field)) target = value;
    });
    return kept;
}

/// The field of that key as setField reads it. Precondition: there is one.
[[nodiscard]] inline std::string fieldText(const RunRequest& request, std::string_view key) {
    std::string text;
    visitFields(request, [&](const RequestField& field, const auto& value) {
        if (field.key == key) text = settings_detail::typedText(field, value);
    });
    return text;
}

/// Sets one field from a text: a number with a point, on or off, a word of a fixed list, id:key=value of a method, a
/// JSON list, 2026-11-30T16:05:00. Whether a method exists and takes these parameters is asked when a run begins.
/// Errors: InvalidArgument (no such field, not what it takes), named by its key; `request` is unchanged then.
[[nodiscard]] inline Result<void> setField(RunRequest& request, std::string_view key, std::string_view text) {
    std::string known;
    bool found = false;
    Result<void> result;
    visitFields(request, [&](const RequestField& field, auto& target) {
        known += (known.empty() ? "" : ", ") + std::string(field.key);
        if (field.key != key) return;
        found = true;
        auto value = settings_detail::parseField<std::remove_cvref_t<decltype(target)>>(field, text);
        if (value)
            target = std::move(*value);
        else
            result = tl::unexpected(value.error());
    });
    if (!found)
        return fail(ErrorCode::InvalidArgument, "no setting is called \"" + std::string(key) + "\"",
                    "Known are: " + known);
    return result;
}

}  // namespace quibble
