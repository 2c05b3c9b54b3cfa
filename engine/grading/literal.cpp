#include "engine/grading/literal.h"

#include <algorithm>
#include <cstdlib>

#include "engine/grading/characters.h"

namespace quibble {

namespace {

constexpr std::size_t kThousands = 3;
constexpr std::size_t kMaxExponentDigits = 4;
constexpr int kLongestPlain = 60;  // zeros that canonicalText() writes out

std::size_t digitsEnd(std::string_view text, std::size_t from) {
    while (from < text.size() && isDigit(text[from])) ++from;
    return from;
}

// Length of what may stand between two groups of thousands at `at`; 0: nothing of the kind.
std::size_t separatorLength(std::string_view text, std::size_t at, Grouping grouping) {
    const std::string_view rest = text.substr(at);
    for (const std::string_view tex : {"{,}\\!", "{,}\\,", "{,}", ",\\!", ",\\,", "\\,", "\\!", "\\ "}) {
        if (rest.starts_with(tex)) return tex.size();
    }
    if (grouping != Grouping::TexOnly && rest.starts_with(",")) return 1;
    // A comma in front of a group with a leading zero separates thousands even where commas separate elements:
    // "(1,000)".
    if (grouping == Grouping::TexOnly && rest.starts_with(",0")) return 1;
    return grouping == Grouping::CommasAndBlanks && rest.starts_with(" ") ? 1 : 0;
}

// "1,234,567": a first group of one to three digits, then groups of exactly three.
std::size_t groupsEnd(std::string_view text, std::size_t begin, std::size_t end, Grouping grouping) {
    if (end - begin > kThousands || text[begin] == '0') return end;
    for (;;) {
        const std::size_t separator = separatorLength(text, end, grouping);
        const std::size_t next = end + separator;
        if (separator == 0 || digitsEnd(text, next) != next + kThousands) return end;
        const bool mixed =
            text[end] == ' ' && next + kThousands < text.size() && text[next + kThousands] == '/';  // "1 234/567"
        if (mixed) return end;
        end = next + kThousands;
    }
}

void addDigits(std::string& to, std::string_view text) {
    for (const char c : text) {
        if (isDigit(c)) to += c;
    }
}

// "e-3" right behind the digits.
std::size_t readExponent(std::string_view text, std::size_t at, int& exponent) {
    if (at >= text.size() || (text[at] != 'e' && text[at] != 'E')) return at;
    std::size_t from = at + 1;
    const bool negative = from < text.size() && text[from] == '-';
    if (from < text.size() && (text[from] == '-' || text[from] == '+')) ++from;
    const std::size_t end = digitsEnd(text, from);
    if (end == from || end - from > kMaxExponentDigits || (end < text.size() && isLetter(text[end]))) return at;
    exponent = std::atoi(std::string(text.substr(from, end - from)).c_str()) * (negative ? -1 : 1);
    return end;
}

std::size_t readRepeating(std::string_view text, std::size_t at, std::string& repeating) {
    constexpr std::string_view kBar = "\\overline{";
    if (!text.substr(at).starts_with(kBar)) return at;
    const std::size_t from = at + kBar.size(), end = digitsEnd(text, from);
    if (end == from || end >= text.size() || text[end] != '}') return at;
    repeating = text.substr(from, end - from);
    return end + 1;
}

}  // namespace

std::optional<LiteralMatch> readLiteral(std::string_view text, std::size_t at, Grouping grouping) {
    const std::size_t whole = digitsEnd(text, at);
    const bool point_first = whole == at;
    if (point_first && (at + 1 >= text.size() || text[at] != '.' || !isDigit(text[at + 1]))) return std::nullopt;
    LiteralMatch match;
    Literal& literal = match.literal;
    std::string digits;
    std::size_t end = point_first ? at : groupsEnd(text, at, whole, grouping);
    addDigits(digits, text.substr(at, end - at));
    if (end < text.size() && text[end] == '.') {
        const std::size_t behind = digitsEnd(text, end + 1);
        const std::size_t barred = readRepeating(text, behind, literal.repeating);
        if (barred > end + 1) {
            literal.decimal = true;
            literal.places = static_cast<int>(behind - end - 1);
            addDigits(digits, text.substr(end + 1, behind - end - 1));
            end = barred;
        }
    } else if (end + 1 < text.size() && text[end] == ',' && isDigit(text[end + 1])) {
        literal.dubious = true;
    }
    int power = 0;
    const std::size_t behind_power = readExponent(text, end, power);
    if (behind_power != end) literal.decimal = true;
    literal.exponent = power - literal.places;
    match.end = behind_power;
    const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    literal.digits = digits.substr(zeros);
    return match;
}

std::string canonicalText(const Literal& literal, bool negative) {
    std::string digits = literal.digits;
    int exponent = literal.exponent;
    if (digits == "0") return "0";
    while (digits.size() > 1 && digits.back() == '0') {
        digits.pop_back();
        ++exponent;
    }
    const std::string sign = negative ? "-" : "";
    if (!literal.repeating.empty())
        return sign + literal.digits + "e" + std::to_string(literal.exponent) + "(" + literal.repeating + ")";
    if (std::abs(exponent) > kLongestPlain && exponent != 0) return sign + digits + "e" + std::to_string(exponent);
    if (exponent >= 0) return sign + digits + std::string(static_cast<std::size_t>(exponent), '0');
    const auto places = static_cast<std::size_t>(-exponent);
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    return sign + digits.substr(0, digits.size() - places) + "." + digits.substr(digits.size() - places);
}

}  // namespace quibble
