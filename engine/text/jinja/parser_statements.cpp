#include <algorithm>

#include "engine/text/jinja/parser.h"

namespace quibble::jinja {
namespace {

constexpr int kMaxParserNesting = 200;  // one bracket is two levels and about ten calls
constexpr int kMaxTreeDepth = 300;

}  // namespace

NestingGuard::NestingGuard(Parser& parser) : parser_(parser) {
    if (++parser_.nesting_ > kMaxParserNesting)
        parser_.refuse(parser_.peek().offset, "expressions or blocks are nested too deeply");
}

void Parser::refuse(std::size_t offset, const std::string& what) {
    if (!error_) error_ = templateError(source_, offset, what).value();
}

const Token& Parser::peek(std::size_t ahead) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }

Token Parser::next() {
    const Token token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
}

bool Parser::atOperator(std::string_view text, std::size_t ahead) const {
    return peek(ahead).type == TokenType::Operator && peek(ahead).text == text;
}
bool Parser::atName(std::string_view text, std::size_t ahead) const {
    return peek(ahead).type == TokenType::Name && peek(ahead).text == text;
}

bool Parser::skipOperator(std::string_view text) {
    if (!atOperator(text)) return false;
    next();
    return true;
}

bool Parser::skipName(std::string_view text) {
    if (!atName(text)) return false;
    next();
    return true;
}

void Parser::expectOperator(std::string_view text) {
    if (!skipOperator(text))
        refuse(peek().offset,
               "expected '" + std::string(text) + "'" + (peek().text.empty() ? "" : " before '" + peek().text + "'"));
}

void Parser::expectName(std::string_view text) {
    if (!skipName(text)) refuse(peek().offset, "expected '" + std::string(text) + "'");
}

std::string Parser::expectAnyName(std::string_view what) {
    if (peek().type == TokenType::Name) return next().text;
    refuse(peek().offset, "expected " + std::string(what));
    return {};
}

void Parser::endBlock() {
    if (peek().type == TokenType::BlockEnd) {
        next();
    } else {
        refuse(peek().offset, "expected the end of the tag before '" + peek().text + "'");
    }
}

NodePtr Parser::make(NodeKind kind, std::size_t offset) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->offset = offset;
    return node;
}

NodePtr Parser::finish(NodePtr node) {
    const auto include = [&](const NodePtr& child) {
        if (child != nullptr) node->depth = std::max(node->depth, child->depth + 1);
    };
    for (const NodePtr& child : node->children) include(child);
    for (const auto& [name, child] : node->named) include(child);
    for (const Body& body : node->bodies) std::for_each(body.begin(), body.end(), include);
    if (node->depth > kMaxTreeDepth) refuse(node->offset, "the expression has too many parts");
    return node;
}

Result<Body> Parser::parse() {
    Body body = parseBody({});
    if (failed()) return tl::unexpected<Error>(*error_);
    return body;
}

// Up to a block tag that begins with one of the names (which stays unread), or the end of the template.
Body Parser::parseBody(const std::vector<std::string_view>& ends) {
    const NestingGuard guard(*this);
    Body body;
    while (!failed()) {
        const Token token = peek();
        if (token.type == TokenType::End) {
            if (!ends.empty())
                refuse(token.offset, "the template ends where '" + std::string(ends.back()) + "' is expected");
            break;
        }
        if (token.type == TokenType::Text) {
            NodePtr text = make(NodeKind::Text, token.offset);
            text->text = next().text;
            body.push_back(std::move(text));
        } else if (token.type == TokenType::VariableBegin) {
            next();
            NodePtr output = make(NodeKind::Output, token.offset);
            output->children.push_back(parseTupleOrExpression());
            if (!failed() && next().type != TokenType::VariableEnd)
                refuse(tokens_[at_ - 1].offset,
                       "expected the end of the expression before '" + tokens_[at_ - 1].text + "'");
            body.push_back(finish(std::move(output)));
        } else {
            const std::string& name = peek(1).text;
            if (std::find(ends.begin(), ends.end(), name) != ends.end()) break;
            body.push_back(parseStatement());
        }
    }
    return body;
}

NodePtr Parser::parseStatement() {
    const std::size_t offset = next().offset;  // {%
    const std::string name = expectAnyName("a tag name");
    if (failed()) return nullptr;
    if (name == "if") return parseIf(offset);
    if (name == "for") return parseFor(offset);
    if (name == "set") return parseSet(offset);
    if (name == "with") return parseWith(offset);
    if (name == "macro") return parseMacro(offset);
    if (name == "call") return parseCall(offset);
    if (name == "filter") return parseFilterBlock(offset);
    if (name == "do") {
        NodePtr node = make(NodeKind::Do, offset);
        node->children.push_back(parseTupleOrExpression());
        endBlock();
        return finish(std::move(node));
    }
    if (name == "break" || name == "continue") {
        endBlock();
        return make(name == "break" ? NodeKind::Break : NodeKind::Continue, offset);
    }
    if (name == "generation") {  // marks the assistant's text for training; prints its body
        NodePtr node = make(NodeKind::Block, offset);
        endBlock();
        node->bodies.push_back(parseBody({"endgeneration"}));
        next();
        expectName("endgeneration");
        endBlock();
        return finish(std::move(node));
    }
    refuse(offset, "the tag '" + name + "' is not supported");
    return nullptr;
}

NodePtr Parser::parseIf(std::size_t offset) {
    NodePtr node = make(NodeKind::If, offset);
    for (bool more = true; more && !failed();) {
        node->children.push_back(parseTupleOrExpression());
        endBlock();
        node->bodies.push_back(parseBody({"elif", "else", "endif"}));
        next();  // {%
        more = skipName("elif");
    }
    if (!failed() && skipName("else")) {
        endBlock();
        node->bodies.push_back(parseBody({"endif"}));
        next();
    }
    expectName("endif");
    endBlock();
    return finish(std::move(node));
}

// "a" or "a, b" or "(a, b)": the names that take one value, or its parts.
void Parser::parseTargets(Node& node) {
    const bool bracket = skipOperator("(");
    do {
        node.words.push_back(expectAnyName("a variable"));
    } while (skipOperator(",") && !failed());
    if (bracket) expectOperator(")");
}

NodePtr Parser::parseFor(std::size_t offset) {
    NodePtr node = make(NodeKind::For, offset);
    parseTargets(*node);
    expectName("in");
    // The condition of "for x in y if z" is not part of the sequence, so no inline if here.
    node->children.push_back(parseOr());
    node->children.push_back(skipName("if") ? parseExpression() : nullptr);
    if (atName("recursive")) refuse(peek().offset, "recursive loops are not supported");
    endBlock();
    node->bodies.push_back(parseBody({"else", "endfor"}));
    next();
    if (!failed() && skipName("else")) {
        endBlock();
        node->bodies.push_back(parseBody({"endfor"}));
        next();
    }
    expectName("endfor");
    endBlock();
    return finish(std::move(node));
}

NodePtr Parser::parseSet(std::size_t offset) {
    NodePtr node = make(NodeKind::Set, offset);
    node->words.push_back(expectAnyName("a variable"));
    if (skipOperator(".")) {
        node->flag = true;
        node->words.push_back(expectAnyName("an attribute"));
    } else {
        while (skipOperator(",") && !failed()) node->words.push_back(expectAnyName("a variable"));
    }
    if (skipOperator("=")) {
        node->children.push_back(parseTupleOrExpression());
        endBlock();
        return finish(std::move(node));
    }
    if (node->words.size() != 1) {
        refuse(peek().offset, "expected '='");
        return nullptr;
    }
    node->kind = NodeKind::SetBlock;
    if (atOperator("|")) node->children.push_back(parseFilters(nullptr));
    endBlock();
    node->bodies.push_back(parseBody({"endset"}));
    next();
    expectName("endset");
    endBlock();
    return finish(std::move(node));
}

NodePtr Parser::parseMacro(std::size_t offset) {
    NodePtr node = make(NodeKind::Macro, offset);
    node->text = expectAnyName("the name of the macro");
    parseSignature(*node);
    parseMacroBody(*node, "endmacro");
    if (peek().type == TokenType::Name) next();  // the name may be repeated
    endBlock();
    return finish(std::move(node));
}

// "(a, b=2)" onto words and children.
void Parser::parseSignature(Node& macro) {
    expectOperator("(");
    while (!failed() && !atOperator(")")) {
        macro.words.push_back(expectAnyName("a parameter"));
        const bool has_default = skipOperator("=");
        if (!has_default && !macro.children.empty() && macro.children.back() != nullptr)
            refuse(peek().offset, "a parameter without a default follows one with a default");
        macro.children.push_back(has_default ? parseExpression() : nullptr);
        if (!atOperator(")")) expectOperator(",");
    }
    expectOperator(")");
}

// Up to the name of the tag that ends it. The tag itself stays open.
void Parser::parseMacroBody(Node& macro, std::string_view end) {
    endBlock();
    const std::size_t callers_before = callers_named_;
    macro.bodies.push_back(parseBody({end}));
    next();
    expectName(end);
    macro.flag = callers_named_ > callers_before;
    const auto caller =
        static_cast<std::size_t>(std::find(macro.words.begin(), macro.words.end(), kCaller) - macro.words.begin());
    if (macro.flag && caller < macro.words.size() && macro.children[caller] == nullptr)
        refuse(macro.offset, "the parameter 'caller' needs a default");
}

// "call(a, b) some_macro(...)": the block becomes a macro that some_macro can call as caller(...).
NodePtr Parser::parseCall(std::size_t offset) {
    NodePtr node = make(NodeKind::CallBlock, offset);
    NodePtr block = make(NodeKind::Macro, offset);
    if (atOperator("(")) parseSignature(*block);
    NodePtr call = parseExpression();
    if (failed()) return nullptr;
    if (call->kind != NodeKind::Call) {
        refuse(offset, "'call' needs the call of a macro");
        return nullptr;
    }
    const bool twice = std::any_of(call->named.begin(), call->named.end(),
                                   [](const auto& argument) { return argument.first == kCaller; });
    if (twice) refuse(offset, "a call block gives the argument 'caller' itself");
    parseMacroBody(*block, "endcall");
    endBlock();
    node->children.push_back(std::move(call));
    node->children.push_back(finish(std::move(block)));
    return finish(std::move(node));
}

// "with a = 1, b = 2": variables for this block alone.
NodePtr Parser::parseWith(std::size_t offset) {
    NodePtr node = make(NodeKind::With, offset);
    while (!failed() && peek().type != TokenType::BlockEnd) {
        if (!node->children.empty()) expectOperator(",");
        NodePtr set = make(NodeKind::Set, peek().offset);
        parseTargets(*set);
        expectOperator("=");
        set->children.push_back(parseExpression());
        node->children.push_back(finish(std::move(set)));
    }
    endBlock();
    node->bodies.push_back(parseBody({"endwith"}));
    next();
    expectName("endwith");
    endBlock();
    return finish(std::move(node));
}

NodePtr Parser::parseFilterBlock(std::size_t offset) {
    NodePtr node = make(NodeKind::FilterBlock, offset);
    node->children.push_back(parseFilterChain());
    endBlock();
    node->bodies.push_back(parseBody({"endfilter"}));
    next();
    expectName("endfilter");
    endBlock();
    return finish(std::move(node));
}

// "trim | upper" without the value in front.
NodePtr Parser::parseFilterChain() {
    NodePtr first = make(NodeKind::Filter, peek().offset);
    first->text = expectAnyName("a filter");
    first->children.push_back(nullptr);
    if (atOperator("(")) parseArguments(*first);
    return parseFilters(finish(std::move(first)));
}

}  // namespace quibble::jinja
