// A number as it is written: digits, a power of ten, and how many places stood behind the point. No value is lost on
// the way.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace quibble {

/// value = digits * 10^exponent, and with `repeating` the same digits again and again behind it (0.1\overline{6}).
struct Literal {
    std::string digits = "0";  // no leading zeros
    int exponent = 0;
    int places = 0;         // digits that were written behind the point
    bool decimal = false;   // a point or an exponent of ten was written
    bool dubious = false;   // "0,5": a comma between digits that separates no thousands
    std::string repeating;  // digits under the bar
};

/// How a comma or a blank between digits may be read.
enum class Grouping { TexOnly, Commas, CommasAndBlanks };

struct LiteralMatch {
    Literal literal;
    std::size_t end = 0;  // first byte behind it
};

/// The literal that begins at `at`: a digit, or a point with a digit behind it. "1,234", "1{,}234", "1,\!234",
/// "1\,234", ".5", "2.5e-3".
[[nodiscard]] std::optional<LiteralMatch> readLiteral(std::string_view text, std::size_t at, Grouping grouping);

/// Without leading zeros and without trailing zeros behind the point: "-12.5", "0"; very large or small ones as
/// "15e300".
[[nodiscard]] std::string canonicalText(const Literal& literal, bool negative);

}  // namespace quibble
