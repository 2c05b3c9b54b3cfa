#include "engine/grading/answer_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/grading/characters.h"
#include "engine/grading/tex_names.h"

namespace quibble {

namespace {

constexpr std::size_t kMaxTokens = 1000;

// Bytes of letters, also of other alphabets. What begins with C2 or E2 is a sign or punctuation of Unicode.
bool isWordByte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return isLetter(c) || (byte >= 0x80 && byte != 0xC2 && byte != 0xE2);
}

class Lexer {
public:
    static constexpr char kGroup = 'g', kText = 't', kSet = 's';

    explicit Lexer(std::string_view text) : text_(text) {}

    LexedAnswer run() {
        while (at_ < text_.size() && out_.fault.empty()) {
            if (out_.tokens.size() >= kMaxTokens)
                fault("it is too long");
            else
                next();
        }
        out_.tokens.push_back({});
        return std::move(out_);
    }

private:
    void fault(std::string why) {
        if (out_.fault.empty()) out_.fault = std::move(why);
    }

    AnswerToken& add(TokenKind kind, std::string text = {}, char sign = 0) {
        out_.tokens.push_back({kind, sign, std::exchange(blank_, false), std::move(text), {}});
        return out_.tokens.back();
    }

    void next() {
        const char c = text_[at_];
        if (isBlank(c) || c == '~') {
            blank_ = true;
            ++at_;
        } else if (c == '\\') {
            command();
        } else if (c == '{' || c == '}') {
            brace(c);
        } else if (isDigit(c) || (c == '.' && at_ + 1 < text_.size() && isDigit(text_[at_ + 1]))) {
            number();
        } else if (isWordByte(c)) {
            letters();
        } else {
            sign(c);
        }
    }

    // Braces group, belong to \text, or hold a set: where a value may begin, "{1, 2}" cannot be an argument.
    void brace(char c) {
        ++at_;
        if (c == '{') {
            if (groups_.size() > kMaxTokens) return fault("it is nested too deeply");
            const bool text = std::exchange(text_follows_, false) || inText();
            groups_.push_back(text ? kText : valueMayBegin() ? kSet : kGroup);
        } else if (groups_.empty()) {
            return fault("its braces do not match");
        }
        const char group = groups_.back();
        if (group == kText)
            blank_ = true;
        else if (group == kGroup)
            add(TokenKind::Sign, {}, c);
        else
            openOrClose(c == '{' ? 'S' : 'T', "plain");
        if (c == '}') groups_.pop_back();
    }

    [[nodiscard]] bool inText() const { return !groups_.empty() && groups_.back() == kText; }

    [[nodiscard]] bool valueMayBegin() const {
        if (out_.tokens.empty()) return true;
        const AnswerToken& last = out_.tokens.back();
        return last.kind == TokenKind::Sign && std::string_view("=,;([SEU").find(last.sign) != std::string_view::npos;
    }

    // Between brackets commas separate elements, unless some are followed by blanks and others are not: "(1,000,
    // 2,000)".
    [[nodiscard]] Grouping grouping() const {
        if (brackets_.empty()) return Grouping::CommasAndBlanks;
        int depth = 0;
        for (std::size_t i = at_; i < text_.size(); ++i) {
            const char c = text_[i];
            if (c == '(' || c == '[') ++depth;
            if ((c == ')' || c == ']' || (c == '}' && text_[i - 1] == '\\')) && depth-- == 0) break;
            if (c == ',' && depth == 0 && i + 1 < text_.size() && isBlank(text_[i + 1])) return Grouping::Commas;
        }
        return Grouping::TexOnly;
    }

    void number() {
        const auto match = readLiteral(text_, at_, grouping());
        if (!match) return fault("a number in it cannot be read");
        AnswerToken& token = add(TokenKind::Number, std::string(text_.substr(at_, match->end - at_)));
        token.literal = match->literal;
        at_ = match->end;
    }

    void letters() {
        std::size_t end = at_;
        const auto joins = [&](std::size_t i) {  // "right-angled", "don't"
            return inText() && (text_[i] == '-' || text_[i] == '\'') && i + 1 < text_.size() &&
                   isWordByte(text_[i + 1]);
        };
        while (end < text_.size() && (isWordByte(text_[end]) || joins(end))) ++end;
        const std::string_view run = text_.substr(at_, end - at_);
        if (timesBetweenNumbers(run, end)) {
            add(TokenKind::Sign, {}, '*');
        } else if (inText()) {
            add(TokenKind::Word, std::string(run));
        } else {
            mathLetters(run);
        }
        at_ = end;
    }

    // "3 x 10^5"
    [[nodiscard]] bool timesBetweenNumbers(std::string_view run, std::size_t end) const {
        if ((run != "x" && run != "X") || out_.tokens.empty() || out_.tokens.back().kind != TokenKind::Number)
            return false;
        while (end < text_.size() && isBlank(text_[end])) ++end;
        return end < text_.size() && isDigit(text_[end]);
    }

    void mathLetters(std::string_view run) {
        const bool after_blank = blank_ && !out_.tokens.empty();
        const bool after_number = !blank_ && !out_.tokens.empty() && out_.tokens.back().kind == TokenKind::Number;
        if (after_number && (run == "st" || run == "nd" || run == "rd" || run == "th")) return;  // "3rd" is 3
        if (isFunctionName(run)) {
            add(TokenKind::Function, std::string(run));
        } else if (const std::string_view symbol = plainSymbol(run); !symbol.empty()) {
            add(TokenKind::Letter, std::string(symbol));
        } else if (run.size() == 1) {
            add(TokenKind::Letter, std::string(run));
        } else if (isProse(run, after_blank)) {
            add(TokenKind::Word, std::string(run));
        } else {
            for (const char c : run) add(TokenKind::Letter, std::string(1, c));
        }
    }

    void command() {
        std::size_t end = at_ + 1;
        while (end < text_.size() && isLetter(text_[end])) ++end;
        if (end == at_ + 1) end = std::min(end + 1, text_.size());
        const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end;
        if (name == "\\") {
            add(TokenKind::Sign, {}, 'R');
        } else if (name == "mathbb" || name == "Bbb") {
            blackboard();
        } else if (name == "begin" || name == "end") {
            environment(name);
        } else if (isTextCommand(name)) {
            const std::size_t next = text_.find_first_not_of(' ', at_);
            text_follows_ = next != std::string_view::npos && text_[next] == '{';
        } else if (name == "left" || name == "right") {
            if (at_ < text_.size() && text_[at_] == '.') ++at_;  // a bracket that is not there
        } else if (const TexMeaning* meaning = texMeaning(name)) {
            apply(*meaning);
        } else {
            fault("\\" + std::string(name.substr(0, 30)) + " has no rule");
        }
    }

    void apply(const TexMeaning& meaning) {
        if (meaning.kind == TokenKind::End) {
            blank_ = true;
            return;
        }
        if (meaning.kind == TokenKind::Sign)
            openOrClose(meaning.sign, {});
        else
            add(meaning.kind, std::string(meaning.text), meaning.sign);
    }

    void openOrClose(char c, std::string text) {
        if (c == '(' || c == '[' || c == 'S') brackets_.push_back(c);
        if ((c == ')' || c == ']' || c == 'T') && !brackets_.empty()) brackets_.pop_back();
        add(TokenKind::Sign, std::move(text), c);
    }

    // \mathbb{R}: the real numbers. Other letters in such fonts are letters.
    void blackboard() {
        for (const std::string_view reals : {"{R}", " R", "R"}) {
            if (!text_.substr(at_).starts_with(reals)) continue;
            add(TokenKind::Letter, "reals");
            at_ += reals.size();
            return;
        }
        blank_ = true;
    }

    void environment(std::string_view name) {
        const std::size_t close = text_.find('}', at_);
        if (at_ >= text_.size() || text_[at_] != '{' || close == std::string_view::npos)
            return fault("\\begin or \\end lacks a name");
        std::string environment(text_.substr(at_ + 1, close - at_ - 1));
        if (environment.find("matrix") == std::string::npos && environment != "array") {
            return fault("\\begin{" + environment.substr(0, 30) + "} has no rule");
        }
        at_ = close + 1;
        if (environment == "array" && name == "begin" && at_ < text_.size() && text_[at_] == '{') {
            at_ = std::min(text_.find('}', at_), text_.size() - 1) + 1;
        }
        add(TokenKind::Command, std::string(name));
    }

    void sign(char c) {
        ++at_;
        if (c == '$') return dollar();
        if (c == '*' && at_ < text_.size() && text_[at_] == '*') {
            ++at_;
            add(TokenKind::Sign, {}, '^');
            return;
        }
        for (const auto& [pair, meaning] : {std::pair{"<=", 'L'}, {">=", 'G'}, {"!=", 'N'}, {"==", '='}}) {
            if (text_.substr(at_ - 1).starts_with(pair)) {
                ++at_;
                add(TokenKind::Sign, {}, meaning);
                return;
            }
        }
        if (c == '.' && at_ < text_.size() && text_[at_] == '.')
            return fault("dots that leave something out have no rule");
        if (c == '.' || c == '?' || c == '"' || c == '`' || c == '#') return;
        if (std::string_view("+-*/^_()[]|,;=<>!&:%'").find(c) == std::string_view::npos)
            return fault("it holds a character without a rule");
        openOrClose(c, {});
    }

    // One dollar sign in front of a number is money; all others open and close LaTeX.
    void dollar() {
        const bool money = std::count(text_.begin(), text_.end(), '$') - escapedDollars() == 1;
        if (money) add(TokenKind::Currency, "dollar");
    }
    [[nodiscard]] std::ptrdiff_t escapedDollars() const {
        std::ptrdiff_t count = 0;
        for (std::size_t i = 0; (i = text_.find("\\$", i)) != std::string_view::npos; i += 2) ++count;
        return count;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool blank_ = false, text_follows_ = false;
    std::string groups_;    // open braces, one of the three below for each
    std::string brackets_;  // open brackets
    LexedAnswer out_;
};

}  // namespace

std::string withoutSymbols(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        if (static_cast<unsigned char>(text[i]) < 0x80) {
            out += text[i++];
            continue;
        }
        const auto [length, tex] = symbolAsTex(text.substr(i));
        if (length == 0)
            out += text[i++];
        else
            out += tex, i += length;
    }
    return out;
}

LexedAnswer lexAnswer(std::string_view text) {
    const std::string plain = withoutSymbols(text);
    return Lexer(plain).run();
}

}  // namespace quibble
