#include "engine/grading/answer_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/grading/characters.h"
#include "engine/grading/literal.h"
#include "engine/grading/tex_names.h"

namespace quibble {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text, std::string_view of) {
    const std::size_t from = text.find_first_not_of(of);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(of) - from + 1);
}

void addBlank(std::string& out) {
    if (!out.empty() && out.back() != ' ') out += ' ';
}

// Reads the command at `at` and returns the first byte behind it. `drops_group`: the braces that follow are markup as
// well.
std::size_t addCommand(std::string& out, std::string_view text, std::size_t at, bool& drops_group) {
    std::size_t end = at + 1;
    while (end < text.size() && isLetter(text[end])) ++end;
    if (end == at + 1) end = std::min(end + 1, text.size());
    const std::string_view name = text.substr(at + 1, end - at - 1);
    const TexMeaning* meaning = texMeaning(name);
    if (isTextCommand(name) || name == "mathbf" || name == "mathbb" || name == "boldsymbol" || name == "boxed")
        drops_group = true;
    else if (name == "%" || name == "$" || name == "&" || name == "#")
        out += name;
    else if (name == "left" || name == "right")
        return end;
    else if (meaning != nullptr && meaning->kind == TokenKind::End)
        addBlank(out);
    else
        out += text.substr(at, end - at);
    return end;
}

bool isChoiceLetter(char c) { return c >= 'A' && c <= 'J'; }

// What may stand behind the letter and its dress: nothing, or the text of the choice.
bool isRest(std::string_view rest) {
    return rest.empty() || (rest.front() == ' ' && !rest.starts_with(" and ") && !rest.starts_with(" or "));
}

}  // namespace

std::string plainText(std::string_view text) {
    std::string out;
    std::string groups;  // open braces; 'm': markup
    bool drops_group = false;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c == '\\') {
            i = addCommand(out, text, i, drops_group);
            continue;
        }
        ++i;
        if (c == '{') groups += drops_group ? 'm' : 'g';
        if ((c == '{' || c == '}') && !groups.empty()) {
            if (groups.back() == 'g') out += c;
            if (c == '}') groups.pop_back();
        } else if (isBlank(c) || c == '~') {
            addBlank(out);
        } else if (c != '*' && c != '$' && c != '`') {
            out += c;
        }
        if (!isBlank(c)) drops_group = false;
    }
    return std::string(trimmed(out, " "));
}

std::string proseOf(std::string_view text) {
    std::string plain = plainText(text);
    std::transform(plain.begin(), plain.end(), plain.begin(), lower);
    std::string out;
    for (std::string_view rest = plain; !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        const std::string_view word = trimmed(rest.substr(0, end), ".,;:!?\"'");
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (word.empty() || word == "a" || word == "an" || word == "the") continue;
        if (!out.empty()) out += ' ';
        out += word;
    }
    return out.empty() ? plain : out;
}

std::optional<ChoiceText> choiceIn(std::string_view plain) {
    bool announced = false;
    for (const std::string_view word : {"option ", "choice ", "answer "}) {
        if (plain.size() <= word.size() ||
            !std::equal(word.begin(), word.end(), plain.begin(), [](char a, char b) { return a == lower(b); }))
            continue;
        plain.remove_prefix(word.size());
        announced = true;
        break;
    }
    const bool bracket = plain.size() >= 3 && (plain[0] == '(' || plain[0] == '[');
    if (bracket) {
        if (plain[2] != (plain[0] == '(' ? ')' : ']')) return std::nullopt;
        std::string_view rest = plain.substr(3);
        if (!rest.empty() && (rest.front() == '.' || rest.front() == ':')) rest.remove_prefix(1);
        const char letter = static_cast<char>(lower(plain[1]) - 'a' + 'A');
        if (!isLetter(plain[1]) || !isChoiceLetter(letter) || !isRest(rest)) return std::nullopt;
        if (plain[1] != letter && !rest.empty()) return std::nullopt;
        return ChoiceText{letter, trimmed(rest, " ")};
    }
    if (plain.empty() || !isLetter(plain[0])) return std::nullopt;
    const char letter = static_cast<char>(lower(plain[0]) - 'a' + 'A');
    if (!isChoiceLetter(letter) || (plain[0] != letter && !announced)) return std::nullopt;
    if (plain.size() == 1) return ChoiceText{letter, {}};
    const std::string_view rest = plain.substr(2);
    if (plain[1] != '.' && plain[1] != ')' && plain[1] != ':' && !(announced && plain[1] == ' ')) return std::nullopt;
    return isRest(rest) || plain[1] == ' ' ? std::optional(ChoiceText{letter, trimmed(rest, " ")}) : std::nullopt;
}

std::string unitName(std::string_view word) {
    std::string name(word);
    std::transform(name.begin(), name.end(), name.begin(), lower);
    if (name.size() > 3 && name.back() == 's' && name[name.size() - 2] != 's') name.pop_back();
    static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
        {"centimeter", "cm"}, {"centimetre", "cm"}, {"meter", "m"},    {"metre", "m"},     {"kilometer", "km"},
        {"kilometre", "km"},  {"millimeter", "mm"}, {"inche", "inch"}, {"in", "inch"},     {"feet", "ft"},
        {"foot", "ft"},       {"hour", "h"},        {"hr", "h"},       {"hrs", "h"},       {"minute", "min"},
        {"second", "s"},      {"sec", "s"},         {"gram", "g"},     {"kilogram", "kg"}, {"pound", "lb"},
        {"lbs", "lb"},        {"mile", "mi"},       {"liter", "l"},    {"litre", "l"},     {"usd", "dollar"},
        {"eur", "euro"},      {"deg", "degree"},    {"sq", "square"},
    };
    const auto* found =
        std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& pair) { return pair.first == name; });
    return found == std::end(kNames) ? name : std::string(found->second);
}

bool changesValue(std::string_view word) {
    static constexpr std::string_view kWords[] = {
        "half",       "halves",     "third",       "thirds",  "quarter", "quarters", "fourth",   "fourths", "fifth",
        "fifths",     "sixth",      "sixths",      "seventh", "eighth",  "ninth",    "tenth",    "tenths",  "hundredth",
        "hundredths", "thousandth", "thousandths", "dozen",   "dozens",  "hundred",  "thousand", "million", "billion",
        "trillion",   "squared",    "cubed",       "root",    "minus",   "plus",     "over",     "times",   "divided",
        "factorial",  "not",        "except",      "more",    "less",    "than",     "mod",      "to",      "through",
        "is",         "are",        "pi",          "them",    "which",   "that",     "because",  "since",   "so",
        "but",        "when",       "if",          "who",     "googol"};
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

int numberWord(std::string_view word) {
    static constexpr std::array<std::string_view, 21> kWords = {
        "zero",     "one",     "two",     "three",     "four",     "five",     "six",
        "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
        "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
    const auto* found = std::find(kWords.begin(), kWords.end(), word);
    return found == kWords.end() ? -1 : static_cast<int>(found - kWords.begin());
}

}  // namespace quibble
