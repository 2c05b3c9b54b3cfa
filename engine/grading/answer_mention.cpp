#include <string>

#include "engine/grading/answer_reader.h"
#include "engine/grading/answer_text.h"
#include "engine/grading/characters.h"
#include "engine/grading/exact.h"
#include "engine/grading/number_text.h"

namespace quibble {

namespace {

bool isWordPart(char c) { return isLetter(c) || isDigit(c) || static_cast<unsigned char>(c) >= 0x80; }

// The canonical decimal of a number or its negative, whatever its unit; empty: it is something else.
std::string decimalText(const Node& node) {
    const bool negative = node.kind == NodeKind::Negate;
    const Node& number = negative ? node.items[0] : node;
    return number.kind == NodeKind::Number ? canonicalText(number.number, negative) : std::string();
}

std::optional<std::size_t> mentionOfNumber(std::string_view text, const std::string& value) {
    for (const NumberInText& candidate : numbersIn(text)) {
        if (candidate.value == value) return candidate.end;
    }
    return std::nullopt;
}

std::optional<std::size_t> mentionOfFraction(std::string_view text, const Rational& value) {
    for (const QuantityInText& candidate : quantitiesIn(text)) {
        const std::string_view written = text.substr(candidate.begin, candidate.end - candidate.begin);
        if (!candidate.fraction && written.find('.') == std::string_view::npos) continue;  // an integer
        const Reading reading = readAnswer(written);
        if (reading.fault.empty() && exactValue(reading.value) == value) return candidate.end;
    }
    return std::nullopt;
}

// "(C)", "{C}", "option C", "answer is C"; a letter alone is no mention.
std::optional<std::size_t> mentionOfChoice(std::string_view text, char letter) {
    for (std::size_t at = text.find(letter); at != std::string_view::npos; at = text.find(letter, at + 1)) {
        const char before = at > 0 ? text[at - 1] : '\0', behind = at + 1 < text.size() ? text[at + 1] : '\0';
        if ((before == '(' && behind == ')') || (before == '{' && behind == '}') || (before == '[' && behind == ']'))
            return at + 1;
        if (isWordPart(behind)) continue;
        for (const std::string_view word : {"ption ", "hoice ", "nswer is ", "nswer: "}) {
            if (text.substr(0, at).ends_with(word)) return at + 1;
        }
    }
    return std::nullopt;
}

std::optional<std::size_t> mentionOfText(std::string_view text, std::string_view known) {
    if (known.empty()) return std::nullopt;
    for (std::size_t at = text.find(known); at != std::string_view::npos; at = text.find(known, at + 1)) {
        const std::size_t end = at + known.size();
        const bool cut_before = at > 0 && isWordPart(text[at - 1]) && isWordPart(known.front());
        const bool cut_behind = end < text.size() && isWordPart(text[end]) && isWordPart(known.back());
        if (!cut_before && !cut_behind) return end;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> firstMention(std::string_view text, std::string_view known) {
    const std::string answer = knownAnswer(known);
    const Reading reading = readAnswer(answer);
    if (!reading.fault.empty()) return mentionOfText(text, answer);
    if (reading.choice != 0) return mentionOfChoice(text, reading.choice);
    const auto value = exactValue(reading.value);
    const std::string decimal = decimalText(reading.value);
    if (decimal.empty() && !value) return mentionOfText(text, answer);
    const auto number = decimal.empty() ? std::nullopt : mentionOfNumber(text, decimal);
    if (!value || value->isInteger()) return number;
    const auto fraction = mentionOfFraction(text, *value);
    return number && (!fraction || *number < *fraction) ? number : fraction;
}

}  // namespace quibble
