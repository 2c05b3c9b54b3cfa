#include "engine/grading/answer_text.h"

#include <algorithm>
#include <vector>

#include "engine/grading/answer_reader.h"
#include "engine/grading/answer_words.h"
#include "engine/grading/characters.h"
#include "engine/grading/math_span.h"
#include "engine/grading/number_text.h"

namespace quibble {

namespace {

constexpr std::size_t kMaxStatement = 400;     // bytes that are looked at behind "answer is"
constexpr std::size_t kMaxConnector = 80;      // bytes from "answer" to "is"
constexpr std::size_t kMaxSignConnector = 12;  // from "answer" to a colon or an equals sign
constexpr int kMaxStatements = 50;             // from the last one backwards
constexpr int kMaxWords = 6;
constexpr int kMaxChoiceWords = 4;

std::string squeezed(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (!isBlank(c))
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

std::string_view stripped(std::string_view text, std::string_view of = " \t\r\n*_`") {
    const std::size_t from = text.find_first_not_of(of);
    return from == std::string_view::npos ? std::string_view()
                                          : text.substr(from, text.find_last_not_of(of) - from + 1);
}

bool isReadable(std::string_view text) { return readAnswer(text).fault.empty(); }

// ---- boxes

// Length of the command and the blanks up to its brace; 0: no box begins at `at`.
std::size_t boxLength(std::string_view text, std::size_t at) {
    for (const std::string_view name : {"\\boxed", "\\fbox", "\\framebox"}) {
        if (!text.substr(at).starts_with(name)) continue;
        const std::size_t brace = text.find_first_not_of(" \t\n", at + name.size());
        return brace != std::string_view::npos && text[brace] == '{' ? brace - at : 0;
    }
    return 0;
}

// One pass with the open braces on a stack; of the boxes that close the one that begins last.
std::optional<std::string_view> lastBox(std::string_view text) {
    struct Open {
        std::size_t at;
        bool box;
    };
    std::vector<Open> open;
    std::optional<std::string_view> found;
    std::size_t found_at = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            const std::size_t box = boxLength(text, i);
            if (box != 0) {
                i += box;
                open.push_back({i, true});
            } else {
                ++i;  // an escaped brace is none
            }
        } else if (text[i] == '{') {
            open.push_back({i, false});
        } else if (text[i] == '}' && !open.empty()) {
            const Open last = open.back();
            open.pop_back();
            const std::string_view content = text.substr(last.at + 1, i - last.at - 1);
            if (!last.box || last.at < found_at || stripped(content).empty()) continue;
            found = content;
            found_at = last.at;
        }
    }
    return found;
}

// ---- "answer is"

// First byte of what a statement states; npos: "answer" at `at` states nothing.
std::size_t statementBegin(std::string_view lower, std::size_t at, std::string_view keyword) {
    std::size_t from = at + keyword.size();
    if (keyword != "####") {
        if (at > 0 && isLetter(lower[at - 1])) return std::string_view::npos;
        const std::size_t reach = keyword == "answer" ? kMaxConnector : 0;
        const std::string_view near =
            lower.substr(from, std::min(lower.find_first_of("\n?!.", from), from + reach + 3) - from);
        std::size_t best = std::string_view::npos, length = 0;
        for (const std::string_view word : {" is ", " is:", " is\n", " be ", " equals ", ":", "="}) {
            const std::size_t found = near.find(word);
            if (found < best && found <= (word == "=" || word == ":" ? std::min(reach, kMaxSignConnector) : reach))
                best = found, length = word.size();
        }
        if (best == std::string_view::npos && near.ends_with(" is"))
            best = near.size() - 3, length = 3;  // the value is on the next line
        if (best == std::string_view::npos) return best;
        from += best + length;
    }
    for (bool again = true; again;) {
        again = false;
        from = std::min(lower.find_first_not_of(" \t\r\n*_:>`", from), lower.size());
        for (const std::string_view word : {"therefore ", "simply ", "just ", "thus ", "clearly ", "approximately ",
                                            "about ", "exactly ", "equal to ", "given by ", "indeed ", "is ", "be "}) {
            if (!lower.substr(from).starts_with(word)) continue;
            from += word.size();
            again = true;
        }
    }
    return from;
}

int countWords(std::string_view text) {
    int count = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
        count += !isBlank(text[i]) && (i == 0 || isBlank(text[i - 1])) ? 1 : 0;
    return count;
}

// What follows on the line may be the text of a choice.
bool isShortLine(std::string_view text, std::size_t from) {
    const std::size_t end = std::min({text.find('\n', from), text.size(), from + kMaxStatement});
    const int words = countWords(text.substr(from, end - from));
    return words > 0 && words <= kMaxChoiceWords;
}

// To the end of the sentence or line. A point between digits ends nothing, nor does one inside of LaTeX.
std::string_view statementText(std::string_view text, std::size_t from) {
    std::size_t i = from;
    const std::size_t limit = std::min(text.size(), from + kMaxStatement);
    while (i < limit && text[i] != '\n') {
        if (const auto span = mathSpanAt(text, i)) {
            i = std::min(span->end, limit);
            continue;
        }
        const bool stop = text[i] == '.' || text[i] == '!' || text[i] == '?';
        const bool at_end =
            i + 1 >= text.size() || std::string_view(" \n\t\r*\"'`)").find(text[i + 1]) != std::string_view::npos;
        const bool choice = text[i] == '.' && i > from && i <= from + 2 && isShortLine(text, i + 1);  // "C. 18"
        const bool factorial = text[i] == '!' && i > from && (isDigit(text[i - 1]) || text[i - 1] == ')');
        if (stop && at_end && !choice && !factorial) break;
        ++i;
    }
    return stripped(text.substr(from, i - from));
}

std::optional<std::string> statedAnswer(std::string_view statement) {
    if (statement.empty()) return std::nullopt;
    const auto span = mathSpanAt(statement, 0);
    const bool alone = span && span->end == statement.size();
    if (!alone && isReadable(statement)) return std::string(statement);  // also "$x = 2$ or $x = 3$"
    if (span) return std::string(span->content);
    if (choiceIn(plainText(statement))) return std::string(statement);
    const auto quantities = quantitiesIn(statement);
    const auto text = [&](const QuantityInText& q) { return std::string(statement.substr(q.begin, q.end - q.begin)); };
    if (!quantities.empty() && quantities.front().begin <= 2) return text(quantities.front());
    if (const auto formula = lastFormula(statement)) return formula;
    if (!quantities.empty()) return text(quantities.back());
    if (statement[0] > 'A' && statement[0] <= 'H' && statement.size() > 1 &&
        (statement[1] == ' ' || statement[1] == ',')) {
        return std::string(1, statement[0]);  // "C because ..."
    }
    return countWords(statement) <= kMaxWords ? std::optional(std::string(statement)) : std::nullopt;
}

// "Option C is correct."
std::optional<std::string> namedChoice(std::string_view text, std::string_view lower, std::size_t at,
                                       std::string_view keyword) {
    std::size_t i = at + keyword.size() + 1;
    if (i + 2 < text.size() && text[i] == '(') ++i;
    if (i + 1 >= text.size() || text[i] < 'A' || text[i] > 'J') return std::nullopt;
    const char letter = text[i++];
    if (text[i] == ')') ++i;
    for (const std::string_view word : {" is correct", " is the ", " is right"}) {
        if (lower.substr(std::min(i, lower.size())).starts_with(word)) return std::string(1, letter);
    }
    return std::nullopt;
}

std::optional<std::string> lastStatement(std::string_view text) {
    const std::string lower = lowered(text);
    std::vector<std::pair<std::size_t, std::string_view>> places;
    for (const std::string_view keyword : {"answer", "option", "choice", "####"}) {
        std::size_t at = lower.rfind(keyword);
        for (int i = 0; i < kMaxStatements && at != std::string::npos; ++i) {
            places.emplace_back(at, keyword);
            at = at == 0 ? std::string::npos : lower.rfind(keyword, at - 1);
        }
    }
    std::sort(places.rbegin(), places.rend());
    for (const auto& [at, keyword] : places) {
        if (auto choice =
                keyword == "option" || keyword == "choice" ? namedChoice(text, lower, at, keyword) : std::nullopt)
            return choice;
        const std::size_t from = statementBegin(lower, at, keyword);
        if (from >= text.size()) continue;
        if (auto answer = statedAnswer(statementText(text, from))) return answer;
    }
    return std::nullopt;
}

// ---- without a statement

// The last line, if it is nothing but a choice or a formula.
std::optional<std::string> answerLine(std::string_view text) {
    std::string_view rest = stripped(text);
    const std::size_t newline = rest.rfind('\n');
    const std::string_view line = stripped(newline == std::string_view::npos ? rest : rest.substr(newline + 1));
    if (line.empty() || line.size() > kMaxStatement) return std::nullopt;
    if (const auto choice = choiceIn(plainText(line)); choice && (choice->rest.empty() || line[0] == '('))
        return std::string(line);
    const bool formula = line.find('\\') != std::string_view::npos || line == "\xCF\x80";
    return formula && isReadable(line) ? std::optional(std::string(line)) : std::nullopt;
}

std::optional<std::string> lastNumber(std::string_view text) {
    const auto quantities = quantitiesIn(text);
    if (quantities.empty()) return std::nullopt;
    const QuantityInText& last = quantities.back();
    if (auto formula = formulaAround(text, last.begin, last.end)) return formula;
    return std::string(text.substr(last.begin, last.end - last.begin));
}

}  // namespace

std::optional<AnswerText> answerIn(std::string_view text) {
    const auto found = [](std::string_view answer, AnswerRule rule) {
        return AnswerText{squeezed(stripped(answer, " \t\r\n")), rule};
    };
    if (const auto box = lastBox(text)) return found(*box, AnswerRule::Boxed);
    if (const auto stated = lastStatement(text)) return found(*stated, AnswerRule::Statement);
    if (const auto line = answerLine(text)) return found(*line, AnswerRule::LastLine);
    if (const auto number = lastNumber(text)) return found(*number, AnswerRule::LastNumber);
    return std::nullopt;
}

std::string knownAnswer(std::string_view text) {
    if (const std::size_t mark = text.rfind("####"); mark != std::string_view::npos) {
        const std::string_view behind = text.substr(mark + 4);
        return squeezed(stripped(behind.substr(0, behind.find('\n')), " \t\r\n"));
    }
    if (const auto box = lastBox(text)) return squeezed(*box);
    return squeezed(text);
}

std::string shownAnswer(std::string_view answer) {
    std::string number = plainNumber(readAnswer(answer));
    return number.empty() ? squeezed(answer) : number;
}

const char* answerRuleText(AnswerRule rule) {
    switch (rule) {
        case AnswerRule::Boxed: return "box";
        case AnswerRule::Statement: return "statement";
        case AnswerRule::LastLine: return "last line";
        case AnswerRule::LastNumber: return "last number";
    }
    return "";
}

}  // namespace quibble
