// Formulas inside prose: what stands between $ ... $, \( ... \) and \[ ... \].
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace quibble {

struct MathSpan {
    std::string_view content;
    std::size_t end = 0;  // first byte behind the closing delimiter
};

/// The formula that opens at `at`. A dollar sign with prose behind it is money and opens nothing.
[[nodiscard]] std::optional<MathSpan> mathSpanAt(std::string_view text, std::size_t at);

/// The last formula of a short text that can be read.
[[nodiscard]] std::optional<std::string> lastFormula(std::string_view text);

/// What the number at [begin, end) is a part of: of the formula around it the side behind the last equals sign, or a
/// word such as "2√3". Empty: the number stands alone.
[[nodiscard]] std::optional<std::string> formulaAround(std::string_view text, std::size_t begin, std::size_t end);

}  // namespace quibble
