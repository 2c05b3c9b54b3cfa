#include <charconv>
#include <cstdlib>

#include "engine/text/jinja/parser.h"

namespace quibble::jinja {
namespace {

bool isComparison(const Token& token) {
    if (token.type != TokenType::Operator) return false;
    return token.text == "==" || token.text == "!=" || token.text == "<" || token.text == "<=" || token.text == ">" ||
           token.text == ">=";
}

// Tokens that can begin the argument of a test written without brackets: "x is divisibleby 3".
bool beginsArgument(const Token& token) {
    if (token.type == TokenType::String || token.type == TokenType::Integer || token.type == TokenType::Real)
        return true;
    if (token.type == TokenType::Operator) return token.text == "[" || token.text == "{";
    return token.type == TokenType::Name && token.text != "else" && token.text != "or" && token.text != "and" &&
           token.text != "is" && token.text != "if" && token.text != "in" && token.text != "not";
}

}  // namespace

NodePtr Parser::binary(NodeKind kind, const Token& op, NodePtr left, NodePtr right) {
    NodePtr node = make(kind, op.offset);
    node->text = op.text;
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(right));
    return finish(std::move(node));
}

NodePtr Parser::parseTupleOrExpression() {
    NodePtr first = parseExpression();
    if (failed() || !atOperator(",")) return first;
    NodePtr tuple = make(NodeKind::Tuple, first->offset);
    tuple->children.push_back(std::move(first));
    while (!failed() && skipOperator(",")) {
        const bool ends = peek().type == TokenType::BlockEnd || peek().type == TokenType::VariableEnd ||
                          atOperator(")") || atOperator("]");
        if (ends) break;
        tuple->children.push_back(parseExpression());
    }
    return finish(std::move(tuple));
}

NodePtr Parser::parseExpression() {
    const NestingGuard guard(*this);
    if (failed()) return nullptr;
    NodePtr value = parseOr();
    while (!failed() && atName("if")) {
        NodePtr node = make(NodeKind::Conditional, next().offset);
        node->children.push_back(parseOr());
        node->children.push_back(std::move(value));
        node->children.push_back(skipName("else") ? parseExpression() : nullptr);
        value = finish(std::move(node));
    }
    return value;
}

NodePtr Parser::parseOr() {
    NodePtr left = parseAnd();
    while (!failed() && atName("or")) {
        const Token op = next();
        left = binary(NodeKind::Or, op, std::move(left), parseAnd());
    }
    return left;
}

NodePtr Parser::parseAnd() {
    NodePtr left = parseNot();
    while (!failed() && atName("and")) {
        const Token op = next();
        left = binary(NodeKind::And, op, std::move(left), parseNot());
    }
    return left;
}

NodePtr Parser::parseNot() {
    if (!atName("not")) return parseCompare();
    const NestingGuard guard(*this);
    if (failed()) return nullptr;
    NodePtr node = make(NodeKind::Unary, next().offset);
    node->text = "not";
    node->children.push_back(parseNot());
    return finish(std::move(node));
}

NodePtr Parser::parseCompare() {
    NodePtr first = parseSum();
    NodePtr node;
    while (!failed()) {
        std::string op;
        if (isComparison(peek()) || atName("in")) {
            op = next().text;
        } else if (atName("not") && atName("in", 1)) {
            next();
            next();
            op = "not in";
        } else {
            break;
        }
        if (node == nullptr) {
            node = make(NodeKind::Compare, tokens_[at_ - 1].offset);
            node->children.push_back(std::move(first));
        }
        node->words.push_back(op);
        node->children.push_back(parseSum());
    }
    return node == nullptr ? std::move(first) : finish(std::move(node));
}

NodePtr Parser::parseSum() {
    NodePtr left = parseConcat();
    while (!failed() && (atOperator("+") || atOperator("-"))) {
        const Token op = next();
        left = binary(NodeKind::Binary, op, std::move(left), parseConcat());
    }
    return left;
}

NodePtr Parser::parseConcat() {
    NodePtr first = parseProduct();
    if (failed() || !atOperator("~")) return first;
    NodePtr node = make(NodeKind::Concat, peek().offset);
    node->children.push_back(std::move(first));
    while (!failed() && skipOperator("~")) node->children.push_back(parseProduct());
    return finish(std::move(node));
}

NodePtr Parser::parseProduct() {
    NodePtr left = parsePower();
    while (!failed() && (atOperator("*") || atOperator("/") || atOperator("//") || atOperator("%"))) {
        const Token op = next();
        left = binary(NodeKind::Binary, op, std::move(left), parsePower());
    }
    return left;
}

NodePtr Parser::parsePower() {
    NodePtr left = parseUnary(true);
    while (!failed() && atOperator("**")) {
        const Token op = next();
        left = binary(NodeKind::Binary, op, std::move(left), parseUnary(true));
    }
    return left;
}

NodePtr Parser::parseUnary(bool with_filters) {
    const NestingGuard guard(*this);
    if (failed()) return nullptr;
    NodePtr node;
    if (atOperator("-") || atOperator("+")) {
        const Token op = next();
        node = make(NodeKind::Unary, op.offset);
        node->text = op.text;
        node->children.push_back(parseUnary(false));
        node = finish(std::move(node));
    } else {
        node = parsePrimary();
    }
    node = parsePostfix(std::move(node));
    return with_filters ? parseFilters(std::move(node)) : std::move(node);
}

NodePtr Parser::parsePrimary() {
    const Token token = next();
    if (token.type == TokenType::Name) {
        NodePtr node = make(NodeKind::Constant, token.offset);
        if (token.text == "true" || token.text == "True") {
            node->constant = Value::boolean(true);
        } else if (token.text == "false" || token.text == "False") {
            node->constant = Value::boolean(false);
        } else if (token.text == "none" || token.text == "None") {
            node->constant = Value::none();
        } else {
            node->kind = NodeKind::Name;
            if (token.text == kCaller) ++callers_named_;
            node->text = token.text;
        }
        return node;
    }
    if (token.type == TokenType::String) {
        NodePtr node = make(NodeKind::Constant, token.offset);
        std::string text = token.text;
        while (peek().type == TokenType::String) text += next().text;
        node->constant = Value::string(std::move(text));
        return node;
    }
    if (token.type == TokenType::Integer || token.type == TokenType::Real) return parseNumber(token);
    if (token.type == TokenType::Operator && token.text == "(") {
        if (skipOperator(")")) return make(NodeKind::Tuple, token.offset);
        NodePtr inner = parseTupleOrExpression();
        expectOperator(")");
        return inner;
    }
    if (token.type == TokenType::Operator && token.text == "[") return parseList();
    if (token.type == TokenType::Operator && token.text == "{") return parseDict();
    refuse(token.offset, token.text.empty() ? "expected a value" : "expected a value before '" + token.text + "'");
    return nullptr;
}

NodePtr Parser::parseNumber(const Token& token) {
    NodePtr node = make(NodeKind::Constant, token.offset);
    const char* end = token.text.data() + token.text.size();
    if (token.type == TokenType::Integer) {
        std::int64_t value = 0;
        if (std::from_chars(token.text.data(), end, value).ec != std::errc{})
            refuse(token.offset, "the number " + token.text.substr(0, 40) + " is too large");
        node->constant = Value::integer(value);
    } else {
        double value = 0;
        if (std::from_chars(token.text.data(), end, value).ec != std::errc{})
            refuse(token.offset, "the number " + token.text.substr(0, 40) + " cannot be represented");
        node->constant = Value::real(value);
    }
    return node;
}

NodePtr Parser::parseList() {
    NodePtr node = make(NodeKind::List, tokens_[at_ - 1].offset);
    while (!failed() && !atOperator("]")) {
        node->children.push_back(parseExpression());
        if (!atOperator("]")) expectOperator(",");
    }
    expectOperator("]");
    return finish(std::move(node));
}

NodePtr Parser::parseDict() {
    NodePtr node = make(NodeKind::Dict, tokens_[at_ - 1].offset);
    while (!failed() && !atOperator("}")) {
        node->children.push_back(parseExpression());
        expectOperator(":");
        node->children.push_back(parseExpression());
        if (!atOperator("}")) expectOperator(",");
    }
    expectOperator("}");
    return finish(std::move(node));
}

NodePtr Parser::parsePostfix(NodePtr node) {
    while (!failed()) {
        if (atOperator(".")) {
            const Token dot = next();
            const Token name = next();
            if (name.type != TokenType::Name && name.type != TokenType::Integer) {
                refuse(name.offset, "expected a name after '.'");
                return nullptr;
            }
            NodePtr attribute = make(name.type == TokenType::Name ? NodeKind::Attribute : NodeKind::Item, dot.offset);
            attribute->text = name.text;
            attribute->children.push_back(std::move(node));
            if (name.type == TokenType::Integer) attribute->children.push_back(parseNumber(name));
            node = finish(std::move(attribute));
        } else if (atOperator("[")) {
            node = parseSubscript(std::move(node));
        } else if (atOperator("(")) {
            NodePtr call = make(NodeKind::Call, peek().offset);
            call->children.push_back(std::move(node));
            parseArguments(*call);
            node = finish(std::move(call));
        } else {
            break;
        }
    }
    return node;
}

NodePtr Parser::parseSubscript(NodePtr value) {
    NodePtr node = make(NodeKind::Item, next().offset);
    node->children.push_back(std::move(value));
    NodePtr first = atOperator(":") ? nullptr : parseTupleOrExpression();
    if (failed() || !atOperator(":")) {
        node->children.push_back(std::move(first));
    } else {
        node->kind = NodeKind::Slice;
        node->children.push_back(std::move(first));
        for (int part = 0; part < 2; ++part) {
            const bool present = skipOperator(":") && !atOperator(":") && !atOperator("]");
            node->children.push_back(present ? parseExpression() : nullptr);
        }
    }
    expectOperator("]");
    return finish(std::move(node));
}

NodePtr Parser::parseFilters(NodePtr node) {
    while (!failed()) {
        if (atOperator("|")) {
            NodePtr filter = make(NodeKind::Filter, next().offset);
            filter->text = expectAnyName("a filter");
            filter->children.push_back(std::move(node));
            if (atOperator("(")) parseArguments(*filter);
            node = finish(std::move(filter));
        } else if (atName("is")) {
            node = parseTest(std::move(node));
        } else if (atOperator("(") && node != nullptr) {
            node = parsePostfix(std::move(node));
        } else {
            break;
        }
    }
    return node;
}

NodePtr Parser::parseTest(NodePtr value) {
    const std::size_t offset = next().offset;  // is
    const bool negated = skipName("not");
    NodePtr test = make(NodeKind::Test, offset);
    test->text = expectAnyName("a test");
    test->children.push_back(std::move(value));
    if (atOperator("(")) {
        parseArguments(*test);
    } else if (beginsArgument(peek())) {
        test->children.push_back(parsePostfix(parsePrimary()));
    }
    test = finish(std::move(test));
    if (!negated) return test;
    NodePtr inverse = make(NodeKind::Unary, offset);
    inverse->text = "not";
    inverse->children.push_back(std::move(test));
    return finish(std::move(inverse));
}

// "(a, b, name=c)" onto children and named.
void Parser::parseArguments(Node& node) {
    expectOperator("(");
    while (!failed() && !atOperator(")")) {
        if (peek().type == TokenType::Name && atOperator("=", 1)) {
            std::string name = next().text;
            const bool again = std::any_of(node.named.begin(), node.named.end(),
                                           [&](const auto& other) { return other.first == name; });
            if (again) refuse(peek().offset, "the argument '" + name + "' is given twice");
            next();
            node.named.emplace_back(std::move(name), parseExpression());
        } else if (!node.named.empty()) {
            refuse(peek().offset, "an argument without a name follows one with a name");
        } else {
            node.children.push_back(parseExpression());
        }
        if (!atOperator(")")) expectOperator(",");
    }
    expectOperator(")");
}

}  // namespace quibble::jinja
