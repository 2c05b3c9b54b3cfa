// Template source to tokens, with the white-space rules applied (trim_blocks, lstrip_blocks, "-" and "+" marks).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/values/result.h"

namespace quibble::jinja {

enum class TokenType {
    Text,           // literal output, already stripped
    BlockBegin,     // {%
    BlockEnd,       // %}
    VariableBegin,  // {{
    VariableEnd,    // }}
    Name,
    String,  // text without quotes, escapes resolved
    Integer,
    Real,
    Operator,  // + - * / // % ** ~ ( ) [ ] { } , : . | = == != < <= > >=
    End,
};

struct Token {
    TokenType type = TokenType::End;
    std::string text;
    std::size_t offset = 0;  // into the source
};

/// "line 3, column 7" of a place in the source, counted in bytes from 1.
[[nodiscard]] std::string describePlace(std::string_view source, std::size_t offset);

/// An error that names the place.
[[nodiscard]] tl::unexpected<Error> templateError(std::string_view source, std::size_t offset, const std::string& what);

/// One newline at the end of the source is dropped; line ends become "\n" (do this before, with normalizeSource).
[[nodiscard]] Result<std::vector<Token>> tokenize(std::string_view source);
[[nodiscard]] std::string normalizeSource(std::string_view source);

}  // namespace quibble::jinja
