#include "engine/text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/text/jinja/strings.h"
#include "engine/text/utf8.h"

namespace quibble::jinja {
namespace {

bool isNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }

constexpr std::array<std::string_view, 6> kLongOperators = {"//", "**", "==", "!=", "<=", ">="};
constexpr std::string_view kShortOperators = "+-*/%~()[]{},:.|=<>";

class Lexer {
public:
    explicit Lexer(std::string_view source) : source_(source) {}

    Result<std::vector<Token>> run() {
        while (at_ < source_.size() && !error_) readTextAndTag();
        if (error_) return tl::unexpected<Error>(*error_);
        tokens_.push_back({TokenType::End, "", source_.size()});
        return std::move(tokens_);
    }

private:
    void refuse(std::size_t offset, const std::string& what) {
        if (!error_) error_ = templateError(source_, offset, what).value();
    }

    // From here to the next tag, and the tag.
    void readTextAndTag() {
        std::size_t tag = at_;
        while (
            tag + 1 < source_.size() &&
            !(source_[tag] == '{' && (source_[tag + 1] == '{' || source_[tag + 1] == '%' || source_[tag + 1] == '#')))
            ++tag;
        const bool found = tag + 1 < source_.size();
        std::string_view text = source_.substr(at_, (found ? tag : source_.size()) - at_);
        if (!found) {
            emitText(text);
            at_ = source_.size();
            return;
        }
        const char kind = source_[tag + 1];
        const char mark = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
        if (mark == '-') {
            text = stripRight(text);
        } else if (mark != '+' && kind != '{') {
            text = stripIndent(text);
        }
        emitText(text);
        at_ = tag + 2 + (mark == '-' || mark == '+' ? 1 : 0);
        if (kind == '#') {
            skipComment(tag);
        } else if (kind == '%' && readRaw(tag)) {
            return;
        } else {
            readExpressionTokens(tag, kind == '{');
        }
    }

    void emitText(std::string_view text) {
        if (!text.empty()) tokens_.push_back({TokenType::Text, std::string(text), at_});
    }

    // lstrip_blocks: white space between the start of the line and a block tag.
    [[nodiscard]] std::string_view stripIndent(std::string_view text) const {
        const std::size_t newline = text.rfind('\n');
        const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
        if (line == 0 && !line_starting_) return text;
        const std::string_view indent = text.substr(line);
        return std::all_of(indent.begin(), indent.end(), isBlank) ? text.substr(0, line) : text;
    }

    // After the end of a tag: "-" eats white space, otherwise trim_blocks eats one newline after blocks and comments.
    void finishTag(bool strip, bool trim_newline) {
        const std::size_t from = at_;
        if (strip) {
            at_ += source_.size() - at_ - stripLeft(source_.substr(at_)).size();
        } else if (trim_newline && at_ < source_.size() && source_[at_] == '\n') {
            ++at_;
        }
        line_starting_ = at_ > from && source_[at_ - 1] == '\n';
    }

    void skipComment(std::size_t begin) {
        const std::size_t end = source_.find("#}", at_);
        if (end == std::string_view::npos) {
            refuse(begin, "this comment has no end");
            return;
        }
        const char mark = end > at_ ? source_[end - 1] : '\0';
        at_ = end + 2;
        finishTag(mark == '-', mark != '+');
    }

    // {% raw %} ... {% endraw %}; false when the block is another one.
    bool readRaw(std::size_t begin) {
        const auto tag = readBareTag(at_, "raw");
        if (!tag) return false;
        at_ = tag->end;
        finishTag(tag->strip, false);  // trim_blocks leaves the newline after {% raw %}
        const std::size_t body = at_;
        for (std::size_t open = source_.find("{%", body); open != std::string_view::npos;
             open = source_.find("{%", open + 1)) {
            const char mark = open + 2 < source_.size() ? source_[open + 2] : '\0';
            const auto end = readBareTag(open + 2 + (mark == '-' || mark == '+' ? 1 : 0), "endraw");
            if (!end) continue;
            std::string_view text = source_.substr(body, open - body);
            if (mark == '-') text = stripRight(text);
            if (mark != '-' && mark != '+') text = stripIndent(text);
            emitText(text);
            at_ = end->end;
            finishTag(end->strip, true);
            return true;
        }
        refuse(begin, "this raw block has no {% endraw %}");
        return true;
    }

    struct BareTag {
        std::size_t end;  // behind the %}
        bool strip;
    };
    // A tag that is one word.
    [[nodiscard]] std::optional<BareTag> readBareTag(std::size_t from, std::string_view word) const {
        while (from < source_.size() && isBlank(source_[from])) ++from;
        if (!source_.substr(from).starts_with(word)) return std::nullopt;
        from += word.size();
        while (from < source_.size() && isBlank(source_[from])) ++from;
        const bool strip = source_.substr(from).starts_with('-');
        if (strip) ++from;
        if (!source_.substr(from).starts_with("%}")) return std::nullopt;
        return BareTag{from + 2, strip};
    }

    void readExpressionTokens(std::size_t begin, bool variable) {
        tokens_.push_back({variable ? TokenType::VariableBegin : TokenType::BlockBegin, "", begin});
        const std::string_view close = variable ? "}}" : "%}";
        int open_brackets = 0;
        while (!error_) {
            while (at_ < source_.size() && isBlank(source_[at_])) ++at_;
            const std::string_view rest = source_.substr(at_);
            if (rest.empty()) {
                refuse(begin, "this tag has no end");
                return;
            }
            // Inside brackets "}}" is two ends of dictionaries.
            const bool marked =
                rest.size() > 2 && (rest[0] == '-' || rest[0] == '+') && rest.substr(1).starts_with(close);
            if (open_brackets == 0 && (marked || rest.starts_with(close))) {
                tokens_.push_back({variable ? TokenType::VariableEnd : TokenType::BlockEnd, "", at_});
                at_ += close.size() + (marked ? 1 : 0);
                finishTag(marked && rest[0] == '-', !variable && !(marked && rest[0] == '+'));
                return;
            }
            if (rest[0] == '(' || rest[0] == '[' || rest[0] == '{') ++open_brackets;
            if ((rest[0] == ')' || rest[0] == ']' || rest[0] == '}') && open_brackets > 0) --open_brackets;
            readToken(rest);
        }
    }

    void readToken(std::string_view rest) {
        if (isNameStart(rest[0])) {
            std::size_t length = 1;
            while (length < rest.size() && (isNameStart(rest[length]) || isDigit(rest[length]))) ++length;
            push(TokenType::Name, std::string(rest.substr(0, length)), length);
        } else if (isDigit(rest[0])) {
            readNumber(rest);
        } else if (rest[0] == '"' || rest[0] == '\'') {
            readString(rest);
        } else {
            for (const std::string_view op : kLongOperators) {
                if (rest.starts_with(op)) return push(TokenType::Operator, std::string(op), op.size());
            }
            if (kShortOperators.find(rest[0]) == std::string_view::npos)
                return refuse(at_, "unexpected character '" + toValidUtf8(rest.substr(0, 1)) + "'");
            push(TokenType::Operator, std::string(1, rest[0]), 1);
        }
    }

    void push(TokenType type, std::string text, std::size_t length) {
        tokens_.push_back({type, std::move(text), at_});
        at_ += length;
    }

    void readNumber(std::string_view rest) {
        std::size_t length = 0;
        bool real = false;
        const auto digits = [&] {
            while (length < rest.size() && (isDigit(rest[length]) || rest[length] == '_')) ++length;
        };
        digits();
        if (length + 1 < rest.size() && rest[length] == '.' && isDigit(rest[length + 1])) {
            real = true;
            ++length;
            digits();
        }
        if (length < rest.size() && (rest[length] == 'e' || rest[length] == 'E')) {
            std::size_t exponent = length + 1;
            if (exponent < rest.size() && (rest[exponent] == '+' || rest[exponent] == '-')) ++exponent;
            if (exponent < rest.size() && isDigit(rest[exponent])) {
                real = true;
                length = exponent;
                digits();
            }
        }
        std::string text(rest.substr(0, length));
        std::erase(text, '_');
        push(real ? TokenType::Real : TokenType::Integer, std::move(text), length);
    }

    void readString(std::string_view rest) {
        std::string text;
        std::size_t i = 1;
        while (i < rest.size() && rest[i] != rest[0]) {
            if (rest[i] == '\\' && i + 1 < rest.size()) {
                i += readEscape(rest.substr(i), text);
            } else {
                text += rest[i++];
            }
        }
        if (i >= rest.size()) return refuse(at_, "this string has no end");
        push(TokenType::String, std::move(text), i + 1);
    }

    // Appends what an escape stands for; gives its length. An unknown one stands for itself, as in Python.
    static std::size_t readEscape(std::string_view escape, std::string& out) {
        constexpr std::string_view kEscapes = "ntrbfav0\\'\"";
        constexpr std::string_view kMeanings{"\n\t\r\b\f\a\v\0\\'\"", 11};
        const char name = escape[1];
        if (name == '\n') return 2;
        if (const std::size_t known = kEscapes.find(name); known != std::string_view::npos) {
            out += kMeanings[known];
            return 2;
        }
        const std::size_t digits = name == 'x' ? 2 : name == 'u' ? 4 : name == 'U' ? 8 : 0;
        char32_t code = 0;
        std::size_t read = 0;
        while (read < digits && 2 + read < escape.size()) {
            const char c = escape[2 + read];
            const int value = isDigit(c)             ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (value < 0) break;
            code = code * 16 + static_cast<char32_t>(value);
            ++read;
        }
        if (digits == 0 || read < digits) {
            out += '\\';
            return 1;
        }
        utf8Append(out, code);
        return 2 + digits;
    }

    std::string_view source_;
    std::size_t at_ = 0;
    bool line_starting_ = true;
    std::vector<Token> tokens_;
    std::optional<Error> error_;
};

}  // namespace

std::string describePlace(std::string_view source, std::size_t offset) {
    const std::string_view before = source.substr(0, std::min(offset, source.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t newline = before.rfind('\n');
    const std::size_t column = newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
    return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

tl::unexpected<Error> templateError(std::string_view source, std::size_t offset, const std::string& what) {
    return fail(ErrorCode::InvalidArgument, "chat template, " + describePlace(source, offset) + ": " + what,
                "Use raw completion, or a template this program understands");
}

std::string normalizeSource(std::string_view source) {
    std::string out;
    out.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
        const bool pair = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
        if (!pair) out += source[i] == '\r' ? '\n' : source[i];
    }
    if (out.ends_with('\n')) out.pop_back();
    return out;
}

Result<std::vector<Token>> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace quibble::jinja
