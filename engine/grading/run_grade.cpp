#include "engine/grading/run_grade.h"

#include <algorithm>
#include <vector>

#include "engine/grading/number_text.h"

namespace quibble {

namespace {

constexpr std::string_view kBoxed = "\\boxed{";

std::string squeezed(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (!isBlank(c)) out += c;
        else if (!out.empty() && out.back() != ' ') out += ' ';
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

// Content of the last \boxed{...} whose braces balance.
std::optional<std::string_view> lastBoxed(std::string_view text) {
    std::size_t at = text.rfind(kBoxed);
    while (at != std::string_view::npos) {
        int depth = 1;
        for (std::size_t i = at + kBoxed.size(); i < text.size(); ++i) {
            if (text[i] == '{') ++depth;
            if (text[i] == '}' && --depth == 0) return text.substr(at + kBoxed.size(), i - at - kBoxed.size());
        }
        at = at == 0 ? std::string_view::npos : text.rfind(kBoxed, at - 1);
    }
    return std::nullopt;
}

bool occursIn(std::string_view text, std::string_view known) {
    if (const auto number = asNumber(known)) {
        const auto numbers = numbersIn(text);
        return std::any_of(numbers.begin(), numbers.end(), [&](const NumberInText& n) { return n.value == *number; });
    }
    const std::string wanted = squeezed(known);
    return !wanted.empty() && squeezed(text).find(wanted) != std::string::npos;
}

std::string wholeText(const RunTrace& trace) {
    std::string out;
    for (const TracePoint& point : trace.points()) out += trace.text(point.token.id);
    return out;
}

bool hasThinking(const RunTrace& trace) {
    return std::any_of(trace.points().begin(), trace.points().end(), [](const TracePoint& p) { return p.token.thinking; });
}

// First byte behind the first occurrence of the known answer.
std::optional<std::size_t> endOfFirst(const std::string& text, std::string_view known) {
    if (const auto number = asNumber(known)) {
        for (const NumberInText& candidate : numbersIn(text)) {
            if (candidate.value == *number) return candidate.end;
        }
        return std::nullopt;
    }
    if (known.empty()) return std::nullopt;
    const std::size_t at = text.find(known);
    return at == std::string::npos ? std::nullopt : std::optional(at + known.size());
}

}  // namespace

std::optional<std::string> extractAnswer(std::string_view text_after_thinking) {
    if (const auto boxed = lastBoxed(text_after_thinking)) {
        if (auto number = asNumber(*boxed)) return number;
        if (std::string content = squeezed(*boxed); !content.empty()) return content;
    }
    auto numbers = numbersIn(text_after_thinking);
    if (numbers.empty()) return std::nullopt;
    return std::move(numbers.back().value);
}

std::optional<std::string> extractAnswer(const RunTrace& trace) { return extractAnswer(textAfterThinking(trace)); }

bool sameAnswer(std::string_view a, std::string_view b) {
    const auto number_a = asNumber(a), number_b = asNumber(b);
    if (number_a && number_b) return *number_a == *number_b;
    return squeezed(a) == squeezed(b);
}

bool isCorrect(const RunTrace& trace, std::string_view known) {
    const auto answer = extractAnswer(trace);
    return answer && sameAnswer(*answer, known);
}

std::optional<bool> gradeOf(const RunTrace& trace) {
    const std::string& known = trace.request().known_answer;
    if (known.empty()) return std::nullopt;
    if (const auto answer = extractAnswer(trace)) return sameAnswer(*answer, known);
    const auto& end = trace.finished();
    if (!end || end->reason == FinishReason::Stopped || end->reason == FinishReason::Failed) return std::nullopt;
    return false;
}

bool isOverthinking(const RunTrace& trace, std::string_view known) {
    if (isCorrect(trace, known)) return false;
    return occursIn(hasThinking(trace) ? thinkingText(trace) : wholeText(trace), known);
}

std::optional<std::size_t> answerReachedAt(const RunTrace& trace, std::string_view known) {
    std::string text;
    std::vector<std::size_t> ends;  // of each token, in bytes
    for (const TracePoint& point : trace.points()) {
        text += trace.text(point.token.id);
        ends.push_back(text.size());
    }
    const auto end = endOfFirst(text, known);
    if (!end) return std::nullopt;
    return static_cast<std::size_t>(std::lower_bound(ends.begin(), ends.end(), *end) - ends.begin());
}

}  // namespace quibble
