// Parameters as data: the form, the command-line flag, the stored JSON and the range test are all made from a
// ParamSpec.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"

namespace quibble {

/// A number (a switch is 0 or 1), or a text (also the id of a choice, and a path).
struct ParamValue : std::variant<double, std::string> {
    ParamValue(double number = 0) : variant(number) {}
    ParamValue(int number) : variant(static_cast<double>(number)) {}
    ParamValue(std::string text) : variant(std::move(text)) {}
    ParamValue(const char* text) : variant(std::string(text)) {}
};

enum class ParamKind : std::uint8_t {
    Number,
    Switch,  // 0 or 1; written on and off too
    Choice,  // one of ParamSpec::options
    Path,    // of a file; empty: none
    Text,    // UTF-8, at most kLongestParamText bytes
};

inline constexpr std::size_t kLongestParamText = std::size_t{64} << 10;

struct ParamOption {
    std::string_view id;     // as it is stored and typed
    std::string_view label;  // as it is shown
};

struct ParamSpec {
    std::string_view key{};    // "bits"
    std::string_view label{};  // "Bits per weight"
    std::string_view unit{};   // "bit", may be empty
    double low = 0;
    double high = 1;
    double step = 0;      // 0: any real number; 1: integers
    double fallback = 0;  // value when nothing is said
    std::string_view help{};
    ParamKind kind = ParamKind::Number;
    std::string_view text = {};                 // of a choice, path or text when nothing is said
    std::span<const ParamOption> options = {};  // of a choice
    bool needed = false;                        // of a text: without one the method cannot run

    [[nodiscard]] bool isNumber() const { return kind == ParamKind::Number || kind == ParamKind::Switch; }
};

/// Specs of the other kinds, in the order in which they are read.
[[nodiscard]] constexpr ParamSpec switchParam(std::string_view key, std::string_view label, bool fallback,
                                              std::string_view help) {
    return {key, label, {}, 0, 1, 1, fallback ? 1.0 : 0.0, help, ParamKind::Switch};
}
[[nodiscard]] constexpr ParamSpec choiceParam(std::string_view key, std::string_view label,
                                              std::span<const ParamOption> options, std::string_view fallback,
                                              std::string_view help) {
    return {key, label, {}, 0, 0, 0, 0, help, ParamKind::Choice, fallback, options};
}
[[nodiscard]] constexpr ParamSpec textParam(std::string_view key, std::string_view label, std::string_view fallback,
                                            std::string_view help) {
    return {key, label, {}, 0, 0, 0, 0, help, ParamKind::Text, fallback};
}

/// A text that the user has to give.
[[nodiscard]] constexpr ParamSpec neededText(std::string_view key, std::string_view label, std::string_view help) {
    ParamSpec spec = textParam(key, label, "", help);
    spec.needed = true;
    return spec;
}

/// The shortest digits that read back as the same number, with a point under any locale; whole numbers up to 15 digits
/// without an exponent.
[[nodiscard]] inline std::string paramText(double value) {
    std::array<char, 64> digits{};
    const bool whole = std::abs(value) < 1e15 && value == std::trunc(value);
    const auto end = whole ? std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<long long>(value))
                           : std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return std::string(digits.data(), end.ptr);
}

/// As paramText; a text as a JSON string where it would otherwise be read as something else.
[[nodiscard]] inline std::string paramText(const ParamValue& value) {
    if (const auto* number = std::get_if<double>(&value)) return paramText(*number);
    const std::string& text = std::get<std::string>(value);
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '/' || c == '.' ||
               (c >= '0' && c <= '9');
    };
    const bool letter =
        !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z') || text[0] == '/');
    // Words that a number may be written with stand in quotes.
    double number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool reads_as_number = read.ec == std::errc{} && read.ptr == text.data() + text.size();
    if (letter && !reads_as_number && std::all_of(text.begin(), text.end(), plain)) return text;
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// "1 to 4096, whole numbers", "one of hard, soft", "on or off", "a text"
[[nodiscard]] inline std::string rangeText(const ParamSpec& spec) {
    switch (spec.kind) {
        case ParamKind::Number:
            return paramText(spec.low) + " to " + paramText(spec.high) + (spec.step == 1 ? ", whole numbers" : "");
        case ParamKind::Switch: return "on or off";
        case ParamKind::Choice: {
            std::string ids = "one of ";
            for (const ParamOption& option : spec.options)
                ids += (&option == spec.options.data() ? "" : ", ") + std::string(option.id);
            return ids;
        }
        case ParamKind::Path: return "the path of a file";
        case ParamKind::Text:
            return "a text, in double quotes where it is no plain word, of at most " +
                   paramText(double{kLongestParamText}) + " bytes of UTF-8";
    }
    return {};
}

/// A method of a slot with its parameters, as the user chose them: "rtn:bits=3,group=64".
struct MethodChoice {
    std::string id = "none";
    std::vector<std::pair<std::string, ParamValue>> params;

    [[nodiscard]] const ParamValue* find(std::string_view key) const {
        for (const auto& [name, value] : params) {
            if (name == key) return &value;
        }
        return nullptr;
    }
    /// Of a number or a switch.
    [[nodiscard]] double value(const ParamSpec& spec) const {
        const ParamValue* found = find(spec.key);
        const auto* number = found != nullptr ? std::get_if<double>(found) : nullptr;
        return number != nullptr ? *number : spec.fallback;
    }
    [[nodiscard]] bool flag(const ParamSpec& spec) const { return value(spec) != 0; }
    /// Of a choice, a path or a text.
    [[nodiscard]] std::string textOf(const ParamSpec& spec) const {
        const ParamValue* found = find(spec.key);
        const auto* text = found != nullptr ? std::get_if<std::string>(found) : nullptr;
        return text != nullptr ? *text : std::string(spec.text);
    }
    /// The form that parseMethodChoice reads back.
    [[nodiscard]] std::string text() const;

    bool operator==(const MethodChoice&) const = default;
};

namespace param_detail {

// The end of the item that begins at `at`: the comma behind it, or the end. Commas within quotes do not count.
inline std::size_t endOfItem(std::string_view text, std::size_t at) {
    bool quoted = false;
    for (; at < text.size(); ++at) {
        if (quoted && text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            quoted = !quoted;
        } else if (text[at] == ',' && !quoted) {
            return at;
        }
    }
    return text.size();
}

// "3", "1e-7", "\"a, b\"", "hard"; nothing for what is none of these.
inline std::optional<ParamValue> parseValue(std::string_view text) {
    if (text.empty()) return std::nullopt;
    if (text.front() == '"') {
        const auto parsed = nlohmann::json::parse(text, nullptr, false);
        if (!parsed.is_string()) return std::nullopt;
        return ParamValue(parsed.get<std::string>());
    }
    double number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault == std::errc{} && end == text.data() + text.size()) {
        if (!std::isfinite(number)) return std::nullopt;
        return ParamValue(number);
    }
    // A word; what begins as a number and is none is a slip.
    const char first = text.front();
    const bool word = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '/' ||
                      static_cast<unsigned char>(first) >= 0x80;
    if (!word || text.find('"') != std::string_view::npos || text.find('=') != std::string_view::npos)
        return std::nullopt;
    return ParamValue(std::string(text));
}

}  // namespace param_detail

/// "rtn:bits=3,group=64", "budget:tokens=200,message=\"Time is up, so I answer.\"" -> MethodChoice. A value is a
/// number, a word, or a JSON string in double quotes. Does not know the method: checkParams does.
[[nodiscard]] inline Result<MethodChoice> parseMethodChoice(std::string_view text) {
    MethodChoice choice;
    const auto colon = text.find(':');
    choice.id = std::string(text.substr(0, colon));
    if (choice.id.empty()) {
        return fail(ErrorCode::InvalidArgument, "\"" + std::string(text) + "\" names no method",
                    "Write id:key=value,key=value");
    }
    if (colon == std::string_view::npos) return choice;
    for (std::size_t at = colon + 1, end = 0; at <= text.size(); at = end + 1) {
        end = param_detail::endOfItem(text, at);
        const std::string_view item = text.substr(at, end - at);
        const std::size_t equals = item.find('=');
        std::optional<ParamValue> value;
        if (equals != std::string_view::npos && equals > 0) value = param_detail::parseValue(item.substr(equals + 1));
        if (!value) {
            return fail(ErrorCode::InvalidArgument,
                        "\"" + std::string(item) + "\" in \"" + std::string(text) + "\" is not key=value",
                        "Write id:key=value,key=value; a text in double quotes: key=\"a text, with a comma\"");
        }
        choice.params.emplace_back(std::string(item.substr(0, equals)), std::move(*value));
    }
    return choice;
}

inline std::string MethodChoice::text() const {
    std::string out = id;
    char separator = ':';
    for (const auto& [key, value] : params) {
        out += separator + key + '=' + paramText(value);
        separator = ',';
    }
    return out;
}

namespace param_detail {

// The JSON library writes no other text, and a stored text must come back as it was.
inline bool isUtf8(const std::string& text) {
    try {
        (void)nlohmann::json(text).dump();
        return true;
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

// Whether the value is of the spec's kind and in its range.
inline bool fits(const ParamSpec& spec, const ParamValue& value) {
    if (const auto* number = std::get_if<double>(&value)) {
        const bool on_grid = spec.step == 0 || std::fmod(*number - spec.low, spec.step) == 0;
        return spec.isNumber() && *number >= spec.low && *number <= spec.high && on_grid;
    }
    const std::string& text = std::get<std::string>(value);
    if (spec.kind == ParamKind::Choice) {
        return std::any_of(spec.options.begin(), spec.options.end(),
                           [&](const ParamOption& option) { return option.id == text; });
    }
    return !spec.isNumber() && text.size() <= kLongestParamText && isUtf8(text);
}

}  // namespace param_detail

/// Every key known and named once, every value of its kind, in range and on the step grid.
[[nodiscard]] inline Result<void> checkParams(const MethodChoice& choice, std::span<const ParamSpec> specs) {
    for (const auto& [key, value] : choice.params) {
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
        if (!param_detail::fits(*spec, value)) {
            return fail(ErrorCode::InvalidArgument,
                        choice.id + ": " + key + "=" + paramText(value) +
                            (spec->kind == ParamKind::Number && std::holds_alternative<double>(value)
                                 ? " is out of range"
                                 : " is not what it takes"),
                        "Use " + rangeText(*spec));
        }
    }
    return {};
}

/// The choice with what was typed in other words made into what is stored: on and off of a switch.
[[nodiscard]] inline MethodChoice normalized(MethodChoice choice, std::span<const ParamSpec> specs) {
    for (auto& [key, value] : choice.params) {
        const auto spec =
            std::find_if(specs.begin(), specs.end(), [&key = key](const ParamSpec& one) { return one.key == key; });
        if (spec == specs.end()) continue;
        if (const auto* word = std::get_if<std::string>(&value); word != nullptr && spec->kind == ParamKind::Switch) {
            // emplace, because GCC 12 warns of an assignment here: it sees an uninitialized string in the variant that
            // is moved from.
            if (*word == "on" || *word == "true")
                value.emplace<double>(1.0);
            else if (*word == "off" || *word == "false")
                value.emplace<double>(0.0);
        }
    }
    return choice;
}

/// `choice` with key = value, checked. Errors: InvalidArgument; `choice` is unchanged then.
[[nodiscard]] inline Result<void> changeParam(MethodChoice& choice, std::span<const ParamSpec> specs,
                                              std::string_view key, const ParamValue& value) {
    MethodChoice changed = choice;
    std::erase_if(changed.params, [&](const auto& param) { return param.first == key; });
    changed.params.emplace_back(key, value);
    if (auto checked = checkParams(changed, specs); !checked) return checked;
    choice = std::move(changed);
    return {};
}

}  // namespace quibble
