// UTF-8 on untrusted bytes: nothing here assumes that the input is valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quibble {

/// Length (1 to 4) of the valid character that starts at `at`, 0 when there is none. Overlong forms, surrogates and
/// values above U+10FFFF are not valid. REQUIRES at < bytes.size().
[[nodiscard]] std::size_t utf8Length(std::string_view bytes, std::size_t at);

[[nodiscard]] bool isValidUtf8(std::string_view bytes);

/// A byte that a terminal may obey instead of showing it.
[[nodiscard]] constexpr bool isControlByte(char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F;
}

/// Code point of the valid character of that length at `at`.
[[nodiscard]] char32_t utf8Decode(std::string_view bytes, std::size_t at, std::size_t length);

/// Appends the character; surrogates and values above U+10FFFF become U+FFFD.
void utf8Append(std::string& out, char32_t code_point);

/// Length of the longest prefix that does not end inside a character which more bytes could complete.
[[nodiscard]] std::size_t completeUtf8Length(std::string_view bytes);

/// The text with every byte that belongs to no valid character replaced by U+FFFD.
[[nodiscard]] std::string toValidUtf8(std::string_view bytes);

}  // namespace quibble
