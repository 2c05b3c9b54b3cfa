// Tokens to the tree, with the grammar and the precedences of Jinja 2. Not parsed, because no chat template needs them:
// include, import, extends, block, recursive loops; each is refused by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/jinja/ast.h"
#include "engine/text/jinja/lexer.h"
#include "engine/values/result.h"

namespace quibble::jinja {

class Parser {
public:
    Parser(std::string_view source, std::vector<Token> tokens) : source_(source), tokens_(std::move(tokens)) {}

    [[nodiscard]] Result<Body> parse();

private:
    // After an error everything returns null nodes and stops; the first error is kept.
    void refuse(std::size_t offset, const std::string& what);
    [[nodiscard]] bool failed() const { return error_.has_value(); }

    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
    Token next();
    [[nodiscard]] bool atOperator(std::string_view text, std::size_t ahead = 0) const;
    [[nodiscard]] bool atName(std::string_view text, std::size_t ahead = 0) const;
    bool skipOperator(std::string_view text);
    bool skipName(std::string_view text);
    void expectOperator(std::string_view text);
    void expectName(std::string_view text);
    std::string expectAnyName(std::string_view what);
    void endBlock();

    [[nodiscard]] NodePtr make(NodeKind kind, std::size_t offset);
    /// Sets the depth from the children and refuses trees that are too deep to walk.
    [[nodiscard]] NodePtr finish(NodePtr node);

    // parser_statements.cpp
    Body parseBody(const std::vector<std::string_view>& ends);
    NodePtr parseStatement();
    NodePtr parseIf(std::size_t offset);
    NodePtr parseFor(std::size_t offset);
    NodePtr parseSet(std::size_t offset);
    NodePtr parseWith(std::size_t offset);
    NodePtr parseMacro(std::size_t offset);
    NodePtr parseCall(std::size_t offset);
    void parseTargets(Node& node);
    void parseSignature(Node& macro);
    void parseMacroBody(Node& macro, std::string_view end);
    NodePtr parseFilterBlock(std::size_t offset);
    NodePtr parseFilterChain();

    // parser_expressions.cpp
    NodePtr parseExpression();
    NodePtr parseTupleOrExpression();
    NodePtr parseOr();
    NodePtr parseAnd();
    NodePtr parseNot();
    NodePtr parseCompare();
    NodePtr parseSum();
    NodePtr parseConcat();
    NodePtr parseProduct();
    NodePtr parsePower();
    NodePtr parseUnary(bool with_filters);
    NodePtr parsePrimary();
    NodePtr parseNumber(const Token& token);
    NodePtr parseList();
    NodePtr parseDict();
    NodePtr parsePostfix(NodePtr node);
    NodePtr parseSubscript(NodePtr node);
    NodePtr parseFilters(NodePtr node);
    NodePtr parseTest(NodePtr node);
    void parseArguments(Node& node);
    NodePtr binary(NodeKind kind, const Token& op, NodePtr left, NodePtr right);

    std::string_view source_;
    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int nesting_ = 0;                // of parse functions that call each other
    std::size_t callers_named_ = 0;  // uses of the name "caller" so far
    std::optional<Error> error_;

    friend class NestingGuard;
};

/// Counts one level of recursion while it lives; refuses below the limit.
class NestingGuard {
public:
    explicit NestingGuard(Parser& parser);
    ~NestingGuard() { --parser_.nesting_; }
    NestingGuard(const NestingGuard&) = delete;
    NestingGuard& operator=(const NestingGuard&) = delete;

private:
    Parser& parser_;
};

}  // namespace quibble::jinja
