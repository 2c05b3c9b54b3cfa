// JSON written by hand, because the order of the keys is part of the format and floats keep their shortest form. C
// locale always. Internal to data/export.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quibble {

[[nodiscard]] bool isUtf8(std::string_view bytes);
/// Every byte that belongs to no well-formed character becomes U+FFFD.
[[nodiscard]] std::string replaceInvalidUtf8(std::string_view bytes);
[[nodiscard]] std::string hexOf(std::string_view bytes);

/// Shortest digits that read back as the same number; empty when it is not finite.
[[nodiscard]] std::string numberText(float value);
[[nodiscard]] std::string numberText(double value);

/// A quoted JSON string; invalid UTF-8 replaced.
[[nodiscard]] std::string jsonString(std::string_view text);

/// {"a":1,"b":null} in the order of the calls.
class JsonObject {
public:
    JsonObject& integer(const char* key, std::int64_t value) { return raw(key, std::to_string(value)); }
    JsonObject& boolean(const char* key, bool value) { return raw(key, value ? "true" : "false"); }
    JsonObject& string(const char* key, std::string_view value) { return raw(key, jsonString(value)); }
    /// Not finite: null.
    template <typename Real>
    JsonObject& number(const char* key, Real value) {
        const std::string text = numberText(value);
        return raw(key, text.empty() ? "null" : text);
    }
    JsonObject& number(const char* key, const std::optional<double>& value) {
        return value ? number(key, *value) : raw(key, "null");
    }
    JsonObject& raw(const char* key, std::string_view json);
    [[nodiscard]] std::string text() const { return "{" + body_ + "}"; }

private:
    std::string body_;
};

}  // namespace quibble
