#include "engine/grading/math_span.h"

#include <algorithm>
#include <utility>

#include "engine/grading/answer_reader.h"
#include "engine/grading/characters.h"
#include "engine/grading/literal.h"
#include "engine/grading/tex_names.h"

namespace quibble {

namespace {

constexpr std::size_t kMaxFormula = 600;

constexpr std::pair<std::string_view, std::string_view> kDelimiters[] = {
    {"$$", "$$"}, {"\\(", "\\)"}, {"\\[", "\\]"}, {"$", "$"}};

// Words outside of commands and \text: "5 and gets".
bool hasProse(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == '\\') {
            std::size_t end = i + 1;
            while (end < text.size() && isLetter(text[end])) ++end;
            if (isTextCommand(text.substr(i + 1, end - i - 1))) end = std::min(text.find('}', end), text.size());
            i = std::max(end, i + 2);
            continue;
        }
        std::size_t end = i;
        while (end < text.size() && isLetter(text[end])) ++end;
        const std::string_view run = text.substr(i, end - i);
        if (run.size() > 2 && !isFunctionName(run)) return true;
        i = std::max(end, i + 1);
    }
    return false;
}

bool reads(std::string_view text) { return readAnswer(text).fault.empty(); }

std::string_view behindEquals(std::string_view formula) {
    const std::size_t equals = formula.rfind('=');
    return equals == std::string_view::npos ? formula : formula.substr(equals + 1);
}

// The opening delimiter in front of `begin` whose formula reaches to `end`.
std::optional<MathSpan> spanAround(std::string_view text, std::size_t begin, std::size_t end) {
    const std::size_t from = begin > kMaxFormula ? begin - kMaxFormula : 0;
    for (std::size_t i = begin + 1; i-- > from;) {
        if (text[i] == '\n' && i > 0 && text[i - 1] == '\n') break;
        const bool opens =
            text[i] == '$' || (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '(' || text[i + 1] == '['));
        if (!opens) continue;
        const auto span = mathSpanAt(text, i);
        if (span && span->end >= end) return span;
        if (text[i] == '\\') break;
    }
    return std::nullopt;
}

bool isSpecial(std::string_view word) {
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
        if (word[i] == '\\' && isLetter(word[i + 1])) return true;
    }
    return word.find("\xE2\x88\x9A") != std::string_view::npos || word.find("\xCF\x80") != std::string_view::npos ||
           word.find('^') != std::string_view::npos || word.find("sqrt") != std::string_view::npos ||
           word.find("pi") != std::string_view::npos;
}

}  // namespace

std::optional<MathSpan> mathSpanAt(std::string_view text, std::size_t at) {
    const bool escaped = at > 0 && text[at - 1] == '\\';
    if (at >= text.size() || escaped || (text[at] != '$' && text[at] != '\\')) return std::nullopt;
    for (const auto& [open, close] : kDelimiters) {
        if (!text.substr(at).starts_with(open)) continue;
        const std::size_t from = at + open.size();
        std::size_t end = text.substr(0, std::min(text.size(), from + kMaxFormula)).find(close, from);
        while (close == "$" && end != std::string_view::npos && text[end - 1] == '\\') end = text.find(close, end + 1);
        if (end == std::string_view::npos || end == from || end > from + kMaxFormula) return std::nullopt;
        const std::string_view content = text.substr(from, end - from);
        if (open == "$" && hasProse(content)) return std::nullopt;
        return MathSpan{content, end + close.size()};
    }
    return std::nullopt;
}

std::optional<std::string> lastFormula(std::string_view text) {
    std::optional<std::string> last;
    for (std::size_t i = 0; i < text.size();) {
        const auto span = mathSpanAt(text, i);
        if (span && reads(span->content)) last = std::string(span->content);
        i = span ? span->end : i + 1;
    }
    return last;
}

std::optional<std::string> formulaAround(std::string_view text, std::size_t begin, std::size_t end) {
    if (const auto span = spanAround(text, begin, end)) {
        const std::string_view side = behindEquals(span->content);
        if (side.data() + side.size() >= text.data() + end && reads(side)) return std::string(side);
        return std::nullopt;
    }
    std::size_t from = begin, to = end;
    while (from > 0 && !isBlank(text[from - 1]) && end - from < kMaxFormula) --from;
    while (to < text.size() && !isBlank(text[to]) && to - begin < kMaxFormula) ++to;
    while (to > end && std::string_view(".,;:!?*").find(text[to - 1]) != std::string_view::npos) --to;
    const std::string_view word = behindEquals(text.substr(from, to - from));
    return isSpecial(word) && reads(word) ? std::optional(std::string(word)) : std::nullopt;
}

}  // namespace quibble
