#include "engine/grading/number_text.h"

namespace quibble {

namespace {

constexpr std::string_view kMinusSign = "\xE2\x88\x92";  // U+2212

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t digitRunEnd(std::string_view text, std::size_t from) {
    while (from < text.size() && isDigit(text[from])) ++from;
    return from;
}

// "1,234,567": a first group of one to three digits, then groups of exactly three.
std::size_t groupedEnd(std::string_view text, std::size_t begin, std::size_t end) {
    if (end - begin > 3) return end;
    while (end < text.size() && text[end] == ',' && digitRunEnd(text, end + 1) == end + 4) end += 4;
    return end;
}

std::string canonical(std::string_view written, bool negative) {
    std::string whole, fraction;
    bool behind_point = false;
    for (const char c : written) {
        if (c == '.') behind_point = true;
        else if (c != ',') (behind_point ? fraction : whole) += c;
    }
    while (whole.size() > 1 && whole.front() == '0') whole.erase(whole.begin());
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
    std::string value = fraction.empty() ? whole : whole + '.' + fraction;
    return negative && value != "0" ? "-" + value : value;
}

// Length of a minus that ends right before `begin` and is a sign; 0: there is none.
std::size_t signLength(std::string_view text, std::size_t begin) {
    std::size_t length = 0;
    if (begin >= 1 && text[begin - 1] == '-') length = 1;
    else if (begin >= 3 && text.substr(begin - 3, 3) == kMinusSign) length = 3;
    if (length == 0) return 0;
    std::size_t before = begin - length;
    const bool touches_letter = before > 0 && isLetter(text[before - 1]);
    while (before > 0 && isBlank(text[before - 1])) --before;
    if (before == 0) return length;
    const char c = text[before - 1];
    const bool is_operator = touches_letter || isDigit(c) || c == ')' || c == ']' || c == '}';
    return is_operator ? 0 : length;
}

}  // namespace

std::vector<NumberInText> numbersIn(std::string_view text) {
    std::vector<NumberInText> found;
    for (std::size_t i = 0; i < text.size();) {
        if (!isDigit(text[i])) {
            ++i;
            continue;
        }
        std::size_t end = groupedEnd(text, i, digitRunEnd(text, i));
        if (end + 1 < text.size() && text[end] == '.' && isDigit(text[end + 1])) end = digitRunEnd(text, end + 1);
        const std::size_t sign = signLength(text, i);
        found.push_back({i - sign, end, canonical(text.substr(i, end - i), sign != 0)});
        i = end;
    }
    return found;
}

std::optional<std::string> asNumber(std::string_view text) {
    const auto numbers = numbersIn(text);
    if (numbers.size() != 1) return std::nullopt;
    const auto around = [](std::string_view rest) {
        for (const char c : rest) {
            if (!isBlank(c) && c != '$' && c != '%' && c != '.' && c != '+') return false;
        }
        return true;
    };
    if (!around(text.substr(0, numbers[0].begin)) || !around(text.substr(numbers[0].end))) return std::nullopt;
    return numbers[0].value;
}

}  // namespace quibble
