#include "engine/grading/number_text.h"

#include <algorithm>
#include <optional>

#include "engine/grading/characters.h"

namespace quibble {

namespace {

constexpr std::string_view kMinusSign = "\xE2\x88\x92";  // U+2212
constexpr std::size_t kMaxArgument = 100;                // bytes of an argument of \frac

// Length of a minus that ends right before `begin` and is a sign; 0: there is none.
std::size_t signLength(std::string_view text, std::size_t begin) {
    std::size_t length = 0;
    if (begin >= 1 && text[begin - 1] == '-')
        length = 1;
    else if (begin >= 3 && text.substr(begin - 3, 3) == kMinusSign)
        length = 3;
    if (length == 0) return 0;
    std::size_t before = begin - length;
    const bool touches_letter = before > 0 && isLetter(text[before - 1]);
    while (before > 0 && isBlank(text[before - 1])) --before;
    if (before == 0) return length;
    const char c = text[before - 1];
    const bool is_operator = touches_letter || isDigit(c) || c == ')' || c == ']' || c == '}';
    return is_operator ? 0 : length;
}

// A point is the first character of a number only where nothing that it could end stands before it.
bool mayStart(std::string_view text, std::size_t at) {
    if (isDigit(text[at])) return true;
    if (text[at] != '.' || at + 1 >= text.size() || !isDigit(text[at + 1])) return false;
    if (at == 0) return true;
    const char c = text[at - 1];
    return !isDigit(c) && !isLetter(c) && c != '.' && c != ')' && c != ']' && c != '}';
}

std::optional<LiteralMatch> literalAt(std::string_view text, std::size_t at) {
    return at < text.size() && mayStart(text, at) ? readLiteral(text, at, Grouping::Commas) : std::nullopt;
}

// End of "{...}" or of a single digit at `at`; `at`: there is neither.
std::size_t argumentEnd(std::string_view text, std::size_t at) {
    if (at >= text.size()) return at;
    if (isDigit(text[at])) return at + 1;
    if (text[at] != '{') return at;
    int depth = 0;
    for (std::size_t i = at; i < text.size() && i < at + kMaxArgument; ++i) {
        if (text[i] == '{') ++depth;
        if (text[i] == '}' && --depth == 0) return i + 1;
    }
    return at;
}

// End of \frac{a}{b} at `at`; `at`: there is none.
std::size_t fractionEnd(std::string_view text, std::size_t at) {
    for (const std::string_view name : {"\\frac", "\\dfrac", "\\tfrac", "\\cfrac"}) {
        if (!text.substr(at).starts_with(name)) continue;
        const std::size_t top = argumentEnd(text, at + name.size());
        const std::size_t bottom = argumentEnd(text, top);
        return top > at + name.size() && bottom > top ? bottom : at;
    }
    return at;
}

std::size_t withPercent(std::string_view text, std::size_t end) {
    const std::size_t at = end < text.size() && text[end] == ' ' ? end + 1 : end;
    if (text.substr(std::min(at, text.size())).starts_with("\\%")) return at + 2;
    return text.substr(std::min(at, text.size())).starts_with("%") ? at + 1 : end;
}

// What follows a whole number and belongs to it: "/4", " 1/3", "\frac{1}{3}".
std::size_t fractionTail(std::string_view text, std::size_t end) {
    const std::size_t at = end < text.size() && text[end] == ' ' ? end + 1 : end;
    if (const std::size_t tex = at < text.size() ? fractionEnd(text, at) : at; tex > at) return tex;
    if (end < text.size() && text[end] == '/') {
        const auto bottom = literalAt(text, end + 1);
        const bool dated = bottom && bottom->end < text.size() && text[bottom->end] == '/';  // 10/12/2024
        return bottom && !dated ? bottom->end : end;
    }
    if (at == end) return end;
    const auto top = literalAt(text, at);
    if (!top || top->end >= text.size() || text[top->end] != '/') return end;
    const auto bottom = literalAt(text, top->end + 1);
    return bottom ? bottom->end : end;
}

}  // namespace

std::vector<NumberInText> numbersIn(std::string_view text) {
    std::vector<NumberInText> found;
    for (std::size_t i = 0; i < text.size();) {
        const auto match = literalAt(text, i);
        if (!match) {
            ++i;
            continue;
        }
        const std::size_t sign = signLength(text, i);
        found.push_back({i - sign, match->end, canonicalText(match->literal, sign != 0)});
        i = match->end;
    }
    return found;
}

std::vector<QuantityInText> quantitiesIn(std::string_view text) {
    std::vector<QuantityInText> found;
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = text[i] == '\\' ? fractionEnd(text, i) : i;
        bool fraction = end > i;
        if (!fraction) {
            const auto match = literalAt(text, i);
            if (!match) {
                ++i;
                continue;
            }
            end = fractionTail(text, match->end);
            fraction = end > match->end;
        }
        end = withPercent(text, end);
        found.push_back({i - signLength(text, i), end, fraction});
        i = end;
    }
    return found;
}

}  // namespace quibble
