#include "engine/grading/run_grade.h"

#include <algorithm>
#include <vector>

#include "engine/grading/answer_text.h"
#include "engine/grading/grade.h"

namespace quibble {

namespace {

std::string wholeText(const RunTrace& trace) {
    std::string out;
    for (const TracePoint& point : trace.points()) out += trace.text(point.token.id);
    return out;
}

bool hasThinking(const RunTrace& trace) {
    return std::any_of(trace.points().begin(), trace.points().end(),
                       [](const TracePoint& p) { return p.token.thinking; });
}

bool cameToItsEnd(const RunTrace& trace) {
    const auto& end = trace.finished();
    return end && end->reason != FinishReason::Stopped && end->reason != FinishReason::Failed;
}

// Wrong, or cut off before it answered.
bool isWrong(const RunTrace& trace) {
    const auto answer = answerIn(textAfterThinking(trace));
    return !answer || gradeAnswer(answer->text, trace.request().known_answer).verdict == Verdict::Wrong;
}

}  // namespace

std::optional<std::string> shownAnswer(const RunTrace& trace) {
    const auto answer = answerIn(textAfterThinking(trace));
    return answer ? std::optional(shownAnswer(answer->text)) : std::nullopt;
}

std::optional<Grade> gradeOf(const RunTrace& trace) {
    const std::string& known = trace.request().known_answer;
    if (known.empty()) return std::nullopt;
    if (const auto answer = answerIn(textAfterThinking(trace))) return gradeAnswer(answer->text, known);
    return cameToItsEnd(trace) ? std::optional(wrong("the text holds no answer")) : std::nullopt;
}

bool isOverthinking(const RunTrace& trace) {
    const std::string& known = trace.request().known_answer;
    if (known.empty() || !isWrong(trace)) return false;
    return firstMention(hasThinking(trace) ? thinkingText(trace) : wholeText(trace), known).has_value();
}

std::optional<std::size_t> answerReachedAt(const RunTrace& trace, std::string_view known) {
    std::string text;
    std::vector<std::size_t> ends;  // of each token, in bytes
    for (const TracePoint& point : trace.points()) {
        text += trace.text(point.token.id);
        ends.push_back(text.size());
    }
    const auto end = firstMention(text, known);
    if (!end) return std::nullopt;
    return static_cast<std::size_t>(std::lower_bound(ends.begin(), ends.end(), *end) - ends.begin());
}

}  // namespace quibble
