// Tokens of an answer to a tree, by recursive descent. Used by answer_reader.cpp alone.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/grading/answer_lexer.h"
#include "engine/grading/expression.h"

namespace quibble {

class AnswerParser {
public:
    explicit AnswerParser(std::vector<AnswerToken> tokens) : tokens_(std::move(tokens)) {}

    /// The whole text; elements that are only separated become a List. Look at fault() before using it.
    [[nodiscard]] Node answer();
    [[nodiscard]] const std::string& fault() const { return fault_; }

private:
    // answer_parser.cpp: elements, relations, units
    std::vector<Node> list(std::string_view closers);
    Node element();
    Node relation();
    std::size_t nameEnd() const;
    bool isNamePart(std::size_t i) const;
    Node namePart(std::size_t end);
    void suffix(Node& node);
    bool degreeSign();
    Node unionOf();
    std::string unitWords();

    // answer_terms.cpp: sums down to single values
    Node sum();
    Node product();
    bool factorFollows() const;
    Node power();
    Node exponent();
    Node primary();
    Node primaryOfSign(char sign);
    Node mixed(Node whole);
    Node subscripted(Node symbol);
    Node bracketed(char open);
    Node set(bool plain);
    Node absolute();
    Node command(const std::string& name);
    Node function(const std::string& name);
    Node functionArgument(const std::string& name);
    Node matrix();
    Node group();
    Node argument();

    [[nodiscard]] const AnswerToken& peek(std::size_t ahead = 0) const {
        return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
    }
    [[nodiscard]] bool isSign(char sign, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Sign && peek(ahead).sign == sign;
    }
    [[nodiscard]] bool ok() const { return fault_.empty(); }
    [[nodiscard]] bool atEnd() const { return peek().kind == TokenKind::End; }
    void advance() {
        if (!atEnd()) ++at_;
    }
    bool accept(char sign) {
        if (!isSign(sign)) return false;
        advance();
        return true;
    }
    void expect(char sign, const char* what) {
        if (!accept(sign)) fail(what);
    }
    Node fail(std::string why) {
        if (fault_.empty()) fault_ = std::move(why);
        return {};
    }

    std::vector<AnswerToken> tokens_;
    std::size_t at_ = 0;
    int depth_ = 0, functions_ = 0;
    bool has_or_ = false;
    std::string unit_, fault_;
};

}  // namespace quibble
