#include "engine/text/jinja/rounding.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <system_error>

namespace quibble::jinja {
namespace {

constexpr int kExactDigits = 1074;  // behind the point: no double has more

std::string fixedText(double value, int digits) {
    std::string text(1500, '\0');  // 309 digits in front of the point, sign and point included
    const auto [end, error] =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
    text.resize(error == std::errc{} ? static_cast<std::size_t>(end - text.data()) : 0);
    return text;
}

double readDecimal(const std::string& text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// A whole number of 10^places: its digits in front of the last `places`, one more where the rest is above a half, or is
// a half and they are odd.
double roundInFront(double value, int places) {
    const std::string text = fixedText(std::abs(value), kExactDigits);
    const std::size_t point = std::min(text.find('.'), text.size());
    if (static_cast<std::size_t>(places) > point) return std::copysign(0.0, value);
    std::string kept = "0" + text.substr(0, point - static_cast<std::size_t>(places));
    const std::string_view rest = std::string_view(text).substr(point - static_cast<std::size_t>(places));
    const bool above_half = rest.find_first_of("123456789", 1) != std::string_view::npos;
    const bool odd = (kept.back() - '0') % 2 != 0;
    if (rest.front() > '5' || (rest.front() == '5' && (above_half || odd))) {
        std::size_t at = kept.size() - 1;
        for (; kept[at] == '9'; --at) kept[at] = '0';
        ++kept[at];
    }
    return std::copysign(readDecimal(kept + std::string(static_cast<std::size_t>(places), '0')), value);
}

}  // namespace

double roundDecimal(double value, int digits) {
    if (!std::isfinite(value)) return value;
    if (digits < 0) return digits < -400 ? std::copysign(0.0, value) : roundInFront(value, -digits);
    return readDecimal(fixedText(value, std::min(digits, kExactDigits)));
}

}  // namespace quibble::jinja
