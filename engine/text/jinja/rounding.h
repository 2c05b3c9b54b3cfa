// Decimal rounding as Python does it: of the exact value of a double, halves to even.
#pragma once

namespace quibble::jinja {

/// To this many digits behind the point; negative: in front of it.
[[nodiscard]] double roundDecimal(double value, int digits);

}  // namespace quibble::jinja
