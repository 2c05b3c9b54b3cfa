#include <algorithm>

#include "engine/grading/answer_parser.h"

namespace quibble {

namespace {

constexpr int kMaxDepth = 40;
constexpr int kLevel = 10;  // depth that a bracket adds; a division in a chain adds 1

bool isPlainInteger(const Node& node) { return node.kind == NodeKind::Number && !node.number.decimal; }

bool isLess(const Literal& a, const Literal& b) {
    return a.digits.size() != b.digits.size() ? a.digits.size() < b.digits.size() : a.digits < b.digits;
}

// Both parts are plain integers, the upper one smaller: what may follow a whole number.
bool isProperFraction(const Node& node) {
    return node.kind == NodeKind::Divide && isPlainInteger(node.items[0]) && isPlainInteger(node.items[1]) &&
           isLess(node.items[0].number, node.items[1].number);
}

std::string describeInteger(const Node& node) {
    return isPlainInteger(node) ? canonicalText(node.number, false) : std::string();
}

Node symbol(std::string name) { return makeNode(NodeKind::Symbol, {}, std::move(name)); }

// The digits under a bar make a fraction: 0.1\overline{6} = 0.1 + 6 / (10 * 9).
Node withRepeating(Node number) {
    const Literal literal = number.number;
    Node top, bottom;
    const std::size_t zeros = std::min(literal.repeating.find_first_not_of('0'), literal.repeating.size() - 1);
    top.number.digits = literal.repeating.substr(zeros);
    bottom.number.digits = std::string(literal.repeating.size(), '9');
    bottom.number.exponent = literal.places;
    number.number.repeating.clear();
    number.number.decimal = false;  // it is exact
    return makeNode(NodeKind::Add,
                    {std::move(number), makeNode(NodeKind::Divide, {std::move(top), std::move(bottom)})});
}

}  // namespace

Node AnswerParser::sum() {
    std::vector<Node> terms;
    do {
        char sign = '+';
        if (peek().kind == TokenKind::Sign && std::string_view("+-PM").find(peek().sign) != std::string_view::npos) {
            sign = peek().sign;
            advance();
        } else if (!terms.empty()) {
            break;
        }
        Node term = product();
        if (sign == '-') term = makeNode(NodeKind::Negate, {std::move(term)});
        if (sign == 'P' || sign == 'M') term = makeNode(NodeKind::PlusMinus, {std::move(term)}, sign == 'M' ? "-" : "");
        terms.push_back(std::move(term));
    } while (ok());
    return terms.size() == 1 ? std::move(terms.front()) : makeNode(NodeKind::Add, std::move(terms));
}

Node AnswerParser::product() {
    Node left = power();
    bool slash = false, joined = false;  // joined: left is a product made here
    const auto multiply = [&] {
        if (!joined) left = makeNode(NodeKind::Multiply, {std::move(left)});
        joined = true;
        left.items.push_back(power());
    };
    while (ok()) {
        if (accept('*')) {
            multiply();
            slash = false;
        } else if (isSign('/') || isSign(':')) {
            if (isSign(':') && slash) return fail("a ratio of more than two parts has no rule");
            advance();
            left = makeNode(NodeKind::Divide, {std::move(left), power()});
            slash = true;
            joined = false;
            if (++depth_ > kLevel * kMaxDepth) return fail("it has too many factors");  // such a chain grows in depth
        } else if (factorFollows()) {
            const bool clear = peek().blank_before && isPlainInteger(left.items.empty() ? left : left.items.back());
            if (slash && !clear) return fail("a product behind a slash can be read in two ways");
            multiply();
        } else {
            break;
        }
    }
    return left;
}

// A factor without a sign in front of it: 2x, 3\sqrt{2}, (x+1)(x-1).
bool AnswerParser::factorFollows() const {
    const AnswerToken& token = peek();
    switch (token.kind) {
        case TokenKind::Letter: return true;
        case TokenKind::Function: return true;
        case TokenKind::Command: return token.text != "end";
        case TokenKind::Sign: return (token.sign == '(' && peek(1).kind != TokenKind::Word) || token.sign == '{';
        default: return false;
    }
}

Node AnswerParser::power() {
    Node base = primary();
    while (ok()) {
        if (accept('!')) {
            base = makeNode(NodeKind::Factorial, {std::move(base)});
            if (isSign('!')) return fail("a double factorial has no rule");
        } else if (functions_ > 0 && degreeSign()) {
            Node half_turn = makeInteger(180);
            base = makeNode(NodeKind::Multiply,
                            {std::move(base), makeNode(NodeKind::Divide, {symbol("pi"), std::move(half_turn)})});
        } else if (isSign('^') && !isSign('D', 1) && !(isSign('{', 1) && isSign('D', 2))) {
            advance();
            return makeNode(NodeKind::Power, {std::move(base), exponent()});
        } else {
            break;
        }
    }
    return base;
}

Node AnswerParser::exponent() {
    if (accept('{')) {
        Node inside = group();
        return isSign('^') ? fail("two powers stand behind one another") : inside;
    }
    depth_ += kLevel;
    if (depth_ > kLevel * kMaxDepth) return fail("it is nested too deeply");
    Node value = accept('-') ? makeNode(NodeKind::Negate, {power()}) : power();
    depth_ -= kLevel;
    return value;
}

Node AnswerParser::primary() {
    if (!ok()) return {};
    if (depth_ > kLevel * kMaxDepth) return fail("it is nested too deeply");
    const int outside = depth_;
    depth_ += kLevel;
    const AnswerToken token = peek();
    const bool letter = token.kind == TokenKind::Word && token.text.size() == 1;  // "\text{C}"
    if (token.kind == TokenKind::End || (token.kind == TokenKind::Word && !letter)) {
        return fail(token.kind == TokenKind::End ? "something is missing at its end"
                                                 : "it holds the word \"" + token.text + "\"");
    }
    advance();
    Node node;
    switch (token.kind) {
        case TokenKind::Number:
            node.number = token.literal;
            node = mixed(node.number.repeating.empty() ? std::move(node) : withRepeating(std::move(node)));
            break;
        case TokenKind::Word:
        case TokenKind::Letter: node = subscripted(symbol(token.text)); break;
        case TokenKind::Currency:
            unit_ = token.text;
            node = primary();
            break;
        case TokenKind::Function: node = function(token.text); break;
        case TokenKind::Command: node = command(token.text); break;
        default: node = token.sign == 'S' ? set(token.text == "plain") : primaryOfSign(token.sign); break;
    }
    depth_ = outside;
    return node;
}

Node AnswerParser::primaryOfSign(char sign) {
    switch (sign) {
        case '(':
        case '[': return bracketed(sign);
        case '{': return group();
        case '|': return absolute();
        case '-': return makeNode(NodeKind::Negate, {power()});
        case '+': return power();
        default: return fail(std::string("a value is missing in front of \"") + sign + "\"");
    }
}

// "2\frac{1}{3}" and "2 1/3" are mixed numbers; "1010_2" has a base; otherwise two numbers do not follow one another.
Node AnswerParser::mixed(Node whole) {
    if (!isPlainInteger(whole)) return whole;
    if (accept('_')) return makeNode(NodeKind::Based, {std::move(whole), argument()});
    if (peek().kind == TokenKind::Command && peek().text == "frac") {
        advance();
        Node fraction = command("frac");
        if (isSign('^')) return fail("a power behind a mixed number can be read in two ways");
        const NodeKind kind = isProperFraction(fraction) ? NodeKind::Add : NodeKind::Multiply;
        return makeNode(kind, {std::move(whole), std::move(fraction)});
    }
    if (peek().kind != TokenKind::Number) return whole;
    Node top, bottom;
    top.number = peek().literal;
    bottom.number = peek(2).literal;
    if (!isSign('/', 1) || peek(2).kind != TokenKind::Number) return fail("two numbers follow one another");
    Node fraction = makeNode(NodeKind::Divide, {std::move(top), std::move(bottom)});
    if (!isProperFraction(fraction)) return fail("two numbers follow one another");
    at_ += 3;
    return makeNode(NodeKind::Add, {std::move(whole), std::move(fraction)});
}

Node AnswerParser::subscripted(Node name) {
    while (accept('\'')) name.text += '\'';
    if (!accept('_')) return name;
    name.text += '_';
    const bool braces = accept('{');
    for (int count = 0; ok() && count < 10 && !atEnd(); ++count) {
        const AnswerToken& token = peek();
        if (braces && token.kind == TokenKind::Sign && token.sign == '}') break;
        name.text += token.kind == TokenKind::Sign ? std::string(1, token.sign) : token.text;
        advance();
        if (!braces) break;
    }
    if (braces) expect('}', "a subscript does not end");
    if (name.text.back() == '_') return fail("a subscript is empty");
    return name;
}

Node AnswerParser::bracketed(char open) {
    const std::string unit = unit_;
    std::vector<Node> items = list(")]");
    if (!ok()) return {};
    const char close = peek().sign;
    advance();
    unit_ = unit;
    const bool pair = (open == '(') == (close == ')');
    if (items.size() == 1 && pair) return std::move(items.front());
    if (items.size() == 1 || (!pair && items.size() != 2)) return fail("its brackets do not match");
    return makeNode(NodeKind::Tuple, std::move(items), std::string{open, close});
}

// "\{1, 2\}", "\{x | x > 1\}" and "\{\}".
Node AnswerParser::set(bool plain) {
    if (accept('T')) return symbol("emptyset");
    const std::string unit = unit_;
    if (!plain && peek().kind == TokenKind::Letter && (isSign('|', 1) || isSign(':', 1))) at_ += 2;
    std::vector<Node> items = list("T");
    if (!ok()) return {};
    advance();
    unit_ = unit;
    if (items.size() == 1 && (plain || items.front().kind == NodeKind::Relation)) return std::move(items.front());
    return makeNode(NodeKind::Set, std::move(items));
}

Node AnswerParser::absolute() {
    Node value = sum();
    expect('|', "a bar is not closed");
    return makeNode(NodeKind::Absolute, {std::move(value)});
}

Node AnswerParser::group() {
    if (accept('}')) return fail("a group is empty");
    Node value = unionOf();
    expect('}', "a group is not closed");
    return value;
}

// One argument of a command: a group, or a single digit ("\frac12"), or one value.
Node AnswerParser::argument() {
    if (accept('{')) return group();
    AnswerToken& token = tokens_[std::min(at_, tokens_.size() - 1)];
    if (token.kind != TokenKind::Number || token.literal.decimal) return primary();
    Node digit;
    digit.number.digits = token.text.substr(0, 1);
    if (token.text.size() == 1) {
        advance();
        return digit;
    }
    const std::string rest = token.text.substr(1);
    const auto literal = readLiteral(rest, 0, Grouping::TexOnly);
    if (!literal || literal->end != rest.size()) return fail("an argument of a command cannot be read");
    token.text = rest;
    token.literal = literal->literal;
    return digit;
}

Node AnswerParser::command(const std::string& name) {
    if (name == "begin") return matrix();
    if (name == "frac" || name == "binom") {
        Node top = argument();
        if (!ok()) return {};
        return makeNode(name == "frac" ? NodeKind::Divide : NodeKind::Binomial, {std::move(top), argument()});
    }
    if (name != "sqrt") return fail("\\" + name + " stands alone");
    Node degree = makeInteger(2);
    if (accept('[')) {
        degree = sum();
        expect(']', "the degree of a root does not end");
    }
    return makeNode(NodeKind::Root, {argument(), std::move(degree)});
}

Node AnswerParser::function(const std::string& name) {
    Node raised, base;
    const bool has_power = accept('^');
    if (has_power) raised = argument();
    const bool has_base = accept('_');
    if (has_base) base = argument();
    if (has_base && name != "log") return fail(name + " has no base");
    const bool inverse = has_power && raised.kind == NodeKind::Negate;
    const bool has_inverse = name == "sin" || name == "cos" || name == "tan";
    if (inverse && (!has_inverse || describeInteger(raised.items[0]) != "1"))
        return fail("a function raised to a negative power has no rule");
    Node value = functionArgument(name);
    if (!ok()) return {};
    if (inverse) return makeNode(NodeKind::Function, {std::move(value)}, "arc" + name);
    if (name == "sqrt" || name == "cbrt") {
        value = makeNode(NodeKind::Root, {std::move(value), makeInteger(name == "sqrt" ? 2 : 3)});
    } else if (name == "abs") {
        value = makeNode(NodeKind::Absolute, {std::move(value)});
    } else {
        value = makeNode(NodeKind::Function, {std::move(value)}, name);
        if (has_base) value.items.push_back(std::move(base));
    }
    return has_power ? makeNode(NodeKind::Power, {std::move(value), std::move(raised)}) : value;
}

// In brackets, or without them as far as factors follow without a sign: \sin 2x.
Node AnswerParser::functionArgument(const std::string& name) {
    ++functions_;
    Node value;
    if (isSign('(') || isSign('{') || name == "sqrt" || name == "cbrt") {
        value = primary();
        if (degreeSign()) fail("a degree sign behind brackets has no rule");
    } else {
        value = makeNode(NodeKind::Multiply, {});
        do value.items.push_back(power());
        while (ok() && factorFollows() && peek().kind != TokenKind::Function && !isSign('('));
    }
    --functions_;
    return value;
}

Node AnswerParser::matrix() {
    std::vector<Node> rows(1, makeNode(NodeKind::Tuple, {}, "[]"));
    while (ok()) {
        if (peek().kind == TokenKind::Command && peek().text == "end") break;
        rows.back().items.push_back(unionOf());
        if (accept('&')) continue;
        if (!accept('R')) break;
        if (peek().kind == TokenKind::Command && peek().text == "end") break;
        rows.push_back(makeNode(NodeKind::Tuple, {}, "[]"));
    }
    if (ok() && (peek().kind != TokenKind::Command || peek().text != "end")) return fail("a matrix does not end");
    advance();
    return makeNode(NodeKind::Matrix, std::move(rows));
}

}  // namespace quibble
