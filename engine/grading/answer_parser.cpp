#include "engine/grading/answer_parser.h"

#include <algorithm>

#include "engine/grading/answer_words.h"

namespace quibble {

namespace {

constexpr std::string_view kRelations = "=<>LGNAE";

// "5 million"; 0: no such word.
int powerWord(const AnswerToken& token) {
    static constexpr std::pair<std::string_view, int> kPowers[] = {
        {"hundred", 2}, {"thousand", 3}, {"million", 6}, {"billion", 9}, {"trillion", 12}};
    for (const auto& [word, power] : kPowers) {
        if (token.kind == TokenKind::Word && token.text == word) return power;
    }
    return 0;
}

bool isSeparatorWord(const AnswerToken& token) {
    return token.kind == TokenKind::Word && (token.text == "and" || token.text == "or");
}

}  // namespace

Node AnswerParser::answer() {
    std::vector<Node> items = list({});
    if (!ok()) return {};
    if (!atEnd())
        return fail("\"" + (peek().text.empty() ? std::string(1, peek().sign) : peek().text) +
                    "\" stands where no rule expects it");
    if (items.size() == 1) return std::move(items.front());
    return makeNode(NodeKind::List, std::move(items), has_or_ ? "or" : "");
}

// Elements up to one of the closing signs, or the end; the closing sign stays.
std::vector<Node> AnswerParser::list(std::string_view closers) {
    std::vector<Node> items;
    while (ok()) {
        items.push_back(element());
        bool more = accept(',') || accept(';');
        while (isSeparatorWord(peek())) {
            has_or_ = has_or_ || peek().text == "or";
            advance();
            more = true;
        }
        if (!more) break;
        if (atEnd()) break;  // a comma at the end of the answer
    }
    if (ok() && !closers.empty() &&
        (peek().kind != TokenKind::Sign || closers.find(peek().sign) == std::string_view::npos)) {
        fail("a bracket is not closed");
    }
    return items;
}

Node AnswerParser::element() {
    unit_.clear();
    Node node = relation();
    if (!ok()) return {};
    std::string unit = std::exchange(unit_, {});
    Node& value = node.kind == NodeKind::Relation ? node.items.back() : node;
    if (!unit.empty()) value.unit = std::move(unit);
    suffix(value);
    return node;
}

// End of what names a value in front of '=' ("x", "f(x)", "\text{Area}"); at_: there is none.
std::size_t AnswerParser::nameEnd() const {
    std::size_t i = at_;
    int depth = 0;
    while (i < tokens_.size() && isNamePart(i)) {
        const char sign = tokens_[i].kind == TokenKind::Sign ? tokens_[i].sign : '\0';
        if (sign == '(' || sign == '{') ++depth;
        if ((sign == ')' || sign == '}') && depth-- == 0) return at_;
        if (sign == ',' && depth == 0) return at_;
        if (tokens_[i].kind == TokenKind::Sign && tokens_[i].sign == '^')
            i += tokens_[i + 1].sign == '{' ? 4 : 2;  // f^{-1}
        ++i;
    }
    const bool ends = i > at_ && i < tokens_.size() && tokens_[i].kind == TokenKind::Sign &&
                      (tokens_[i].sign == '=' || tokens_[i].sign == 'A');
    return ends ? i : at_;
}

bool AnswerParser::isNamePart(std::size_t i) const {
    const AnswerToken& token = tokens_[i];
    const auto signAt = [&](std::size_t k, char sign) {
        return k < tokens_.size() && tokens_[k].kind == TokenKind::Sign && tokens_[k].sign == sign;
    };
    if (token.kind == TokenKind::Word) return true;
    if (token.kind == TokenKind::Letter) {
        // Small letters side by side are a product; "AB" is the name of a segment.
        const bool joined = i > at_ && tokens_[i - 1].kind == TokenKind::Letter;
        return !joined || (token.text.size() == 1 && token.text[0] >= 'A' && token.text[0] <= 'Z');
    }
    if (i == at_) return false;
    if (token.kind == TokenKind::Number)
        return signAt(i - 1, '_') || signAt(i - 1, '(') || signAt(i - 1, ',') || signAt(i - 1, '{');
    if (token.kind != TokenKind::Sign) return false;
    if (token.sign == '^') {
        const std::size_t minus = signAt(i + 1, '{') ? i + 2 : i + 1;
        return signAt(minus, '-') && minus + 1 < tokens_.size() && tokens_[minus + 1].text == "1" &&
               (minus == i + 1 || signAt(minus + 2, '}'));
    }
    return std::string_view("_(){}',:").find(token.sign) != std::string_view::npos;
}

Node AnswerParser::namePart(std::size_t end) {
    Node name = makeNode(NodeKind::Symbol, {});
    const bool simple = end == at_ + 1 && peek().kind == TokenKind::Letter;
    for (; at_ < end; advance()) {
        const AnswerToken& token = peek();
        name.text += token.kind == TokenKind::Sign ? std::string(1, token.sign) : token.text;
    }
    if (!simple) name.text += ' ';  // no letter of an expression has this name
    return name;
}

// A chain such as "0 < x <= 2". "x = 5" and "f(x) = 2x" name a value.
Node AnswerParser::relation() {
    if (isSign('=') || isSign('A')) advance();
    const std::size_t name_end = nameEnd();
    const bool named = name_end != at_;
    std::vector<Node> items;
    items.push_back(named ? namePart(name_end) : unionOf());
    std::string signs;
    while (ok() && peek().kind == TokenKind::Sign && kRelations.find(peek().sign) != std::string_view::npos) {
        signs += peek().sign;
        advance();
        items.push_back(unionOf());
    }
    if (!ok()) return {};
    if (signs.empty()) return std::move(items.front());
    Node node = makeNode(NodeKind::Relation, std::move(items), std::move(signs));
    node.named = named;
    return node;
}

Node AnswerParser::unionOf() {
    std::vector<Node> items;
    do items.push_back(sum());
    while (ok() && accept('U'));
    return items.size() == 1 ? std::move(items.front()) : makeNode(NodeKind::Union, std::move(items));
}

bool AnswerParser::degreeSign() {
    if (accept('D')) return true;
    if (isSign('^') && isSign('D', 1)) {
        at_ += 2;
        return true;
    }
    if (isSign('^') && isSign('{', 1) && isSign('D', 2) && isSign('}', 3)) {
        at_ += 4;
        return true;
    }
    return false;
}

// What may stand behind a value: a percent sign, a degree sign, a unit in words.
void AnswerParser::suffix(Node& node) {
    if (degreeSign()) {
        node.unit = "degree";
        const bool scale = peek().kind == TokenKind::Letter && (peek().text == "C" || peek().text == "F");
        if (scale) node.unit += " " + peek().text;
        if (scale) advance();
    }
    if (accept('%')) node.percent = true;
    if (peek().kind == TokenKind::Currency) {
        node.unit = peek().text;
        advance();
    }
    while (const int power = powerWord(peek())) {
        if (node.kind != NodeKind::Number) {
            fail("\"" + peek().text + "\" stands behind an expression");
            return;
        }
        node.number.exponent += power;
        advance();
    }
    const bool in_brackets = isSign('(') && peek(1).kind == TokenKind::Word;  // "42 (units)"
    if ((peek().kind != TokenKind::Word && !in_brackets) || isSeparatorWord(peek())) return;
    if (node.kind == NodeKind::Symbol) {
        fail("words stand behind the letter " + node.text);  // "I am not sure"
        return;
    }
    const std::string words = unitWords();
    if (words == "percent")
        node.percent = true;
    else if (!words.empty())
        node.unit = words;
}

std::string AnswerParser::unitWords() {
    std::string unit;
    int open = 0;  // a bracket that was opened before the unit ends it
    for (; ok() && !atEnd(); advance()) {
        const AnswerToken& token = peek();
        if (isSeparatorWord(token)) break;
        if (token.kind == TokenKind::Sign) {
            if (std::string_view("/^{}*-()").find(token.sign) == std::string_view::npos) break;
            if (token.sign == '(' || token.sign == '{') ++open;
            if ((token.sign == ')' || token.sign == '}') && open-- == 0) break;
            if (std::string_view("/^").find(token.sign) != std::string_view::npos) unit += token.sign;
            continue;
        }
        if (token.kind == TokenKind::Number && (unit.empty() || unit.back() != '^')) {
            fail("a number stands behind a unit");
            break;
        }
        if (token.kind == TokenKind::Command || token.kind == TokenKind::Function) {
            fail("\"" + token.text + "\" stands behind a unit");
            break;
        }
        if (changesValue(token.text)) {
            fail("the word \"" + token.text + "\" may change the value");
            break;
        }
        if (!unit.empty() && unit.back() != '/' && unit.back() != '^') unit += ' ';
        unit += token.text == "per" ? "/" : unitName(token.text);
        if (unit.size() > 1 && unit.back() == '/' && unit[unit.size() - 2] == ' ')
            unit.replace(unit.size() - 2, 2, "/");
    }
    return unit;
}

}  // namespace quibble
