#include "engine/text/jinja/percent_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "engine/text/jinja/strings.h"
#include "engine/text/utf8.h"

namespace quibble::jinja {
namespace {

constexpr int kMostColumns = 100'000;     // of a width or a precision
constexpr int kUsualPrecision = 6;        // digits of a float
constexpr std::size_t kWidestReal = 400;  // characters of the largest double in front of its point, with room to spare
constexpr double kLargestInteger = 9.2e18;
constexpr char32_t kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF, kLastCharacter = 0x10FFFF;

/// One "%..." of the text.
struct Conversion {
    bool left = false, plus = false, blank = false, alternate = false, zero = false;
    int width = 0;
    std::optional<int> precision;
    char type = 's';
};

// The parts of a number, which fill characters may come between.
struct NumberText {
    std::string sign, prefix, digits;
};

std::string upper(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
}

std::string charsOf(double value, std::chars_format form, int precision) {
    std::string text(kWidestReal + static_cast<std::size_t>(precision), '\0');
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, form, precision);
    text.resize(error == std::errc{} ? static_cast<std::size_t>(end - text.data()) : 0);
    return text;
}

// "1e+05" -> "1.e+05": the flag # keeps the point.
std::string withPoint(std::string text) {
    if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".");
    return text;
}

// The form of "%g" that keeps its zeros.
std::string generalWithZeros(double value, int precision) {
    const int digits = std::max(precision, 1);
    std::string text = charsOf(value, std::chars_format::scientific, digits - 1);
    const int exponent = std::atoi(text.c_str() + text.find('e') + 1);
    if (exponent >= -4 && exponent < digits) text = charsOf(value, std::chars_format::fixed, digits - 1 - exponent);
    return withPoint(std::move(text));
}

std::string realDigits(double magnitude, const Conversion& c) {
    if (std::isnan(magnitude)) return "nan";
    if (std::isinf(magnitude)) return "inf";
    const int precision = c.precision.value_or(kUsualPrecision);
    const char type = c.type >= 'a' ? c.type : static_cast<char>(c.type - 'A' + 'a');
    if (type == 'g')
        return c.alternate ? generalWithZeros(magnitude, precision)
                           : charsOf(magnitude, std::chars_format::general, precision);
    std::string text =
        charsOf(magnitude, type == 'e' ? std::chars_format::scientific : std::chars_format::fixed, precision);
    return c.alternate ? withPoint(std::move(text)) : text;
}

NumberText integerText(std::int64_t value, const Conversion& c) {
    const int base = c.type == 'x' || c.type == 'X' ? 16 : c.type == 'o' ? 8 : 10;
    const std::uint64_t magnitude =
        value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base).ptr;
    NumberText text{value < 0 ? "-" : "", "", std::string(buffer.data(), end)};
    if (c.alternate && base != 10) text.prefix = base == 16 ? "0x" : "0o";
    const auto wanted = static_cast<std::size_t>(c.precision.value_or(0));
    if (text.digits.size() < wanted) text.digits.insert(0, wanted - text.digits.size(), '0');
    if (c.type != 'X') return text;
    return {text.sign, upper(text.prefix), upper(text.digits)};
}

std::string asciiOnly(std::string_view text) {
    std::string out;
    for (const std::string_view character : characters(text)) {
        const std::size_t length = utf8Length(character, 0);
        if (length == 1) {
            out += character;
            continue;
        }
        const char32_t code =
            length == 0 ? static_cast<unsigned char>(character.front()) : utf8Decode(character, 0, length);
        const int digits = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
        out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
        for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[(code >> shift) & 15];
    }
    return out;
}

class PercentText {
public:
    PercentText(Machine& machine, std::size_t offset, std::string_view text, const Value& values)
        : machine_(machine),
          offset_(offset),
          text_(text),
          values_(values),
          only_(values.isTuple() ? nullptr : &values) {}

    Value run() {
        while (!machine_.failed() && at_ < text_.size()) {
            const std::size_t percent = std::min(text_.find('%', at_), text_.size());
            put(text_.substr(at_, percent - at_));
            at_ = percent + 1;
            if (percent == text_.size()) break;
            if (peek() != '%') {
                convert(read());
                continue;
            }
            put("%");
            ++at_;
        }
        // Whoever can be asked for a key may be asked for none.
        const bool keyed = values_.isDict() || values_.isUndefined() || (values_.isList() && !values_.isTuple());
        const bool left_over = values_.isTuple() ? next_ < values_.items().size() : only_ == &values_ && !keyed;
        if (left_over) refuse("there are more values than the text takes");
        return machine_.failed() ? Value() : machine_.makeString(std::move(out_));
    }

private:
    void refuse(const std::string& what) { machine_.refuse(offset_, "format: " + what); }

    void put(std::string_view part) {
        if (machine_.charge(part.size())) out_ += part;
    }

    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    // Nothing after an error.
    const Value* take() {
        const Value* taken = nullptr;
        if (!values_.isTuple())
            taken = std::exchange(only_, nullptr);
        else if (next_ < values_.items().size())
            taken = &values_.items()[next_++];
        if (taken == nullptr) refuse("there are too few values");
        return taken;
    }

    Conversion read() {
        Conversion c;
        if (peek() == '(') readKey();
        for (;; ++at_) {
            if (peek() == '-')
                c.left = true;
            else if (peek() == '+')
                c.plus = true;
            else if (peek() == ' ')
                c.blank = true;
            else if (peek() == '#')
                c.alternate = true;
            else if (peek() == '0')
                c.zero = true;
            else
                break;
        }
        c.width = readNumber();
        if (c.width < 0) {
            c.left = true;
            c.width = -c.width;
        }
        if (peek() == '.') {
            ++at_;
            c.precision = std::max(readNumber(), 0);
        }
        if (peek() == 'h' || peek() == 'l' || peek() == 'L') ++at_;
        if (at_ >= text_.size())
            refuse("the text ends inside a conversion");
        else
            c.type = text_[at_++];
        return c;
    }

    // "(name)": its entry is the only value from now on. Brackets in a name come in pairs.
    void readKey() {
        const std::size_t begin = ++at_;
        int open = 1;
        for (; at_ < text_.size() && open > 0; ++at_) open += text_[at_] == '(' ? 1 : text_[at_] == ')' ? -1 : 0;
        if (open > 0) return refuse("the text ends inside the name of a value");
        const std::string_view key = text_.substr(begin, at_ - 1 - begin);
        machine_.work(key.size() / 16 + 1);
        if (!values_.isDict()) return refuse("a named value needs a mapping, not " + std::string(values_.kindName()));
        machine_.work(values_.entries().size() / 16);
        only_ = values_.entry(key);
        if (only_ == nullptr) refuse("no value is called '" + std::string(key.substr(0, 60)) + "'");
    }

    // Digits, or * for a value; 0 where there is neither.
    int readNumber() {
        if (peek() == '*') {
            ++at_;
            const Value* given = take();
            if (given == nullptr) return 0;
            if (!given->isInteger() && !given->isBoolean())
                refuse("* needs an integer, not " + std::string(given->kindName()));
            else if (given->asInteger() > kMostColumns || given->asInteger() < -kMostColumns)
                refuse("a width or a precision is too large");
            else
                return static_cast<int>(given->asInteger());
            return 0;
        }
        int number = 0;
        for (; peek() >= '0' && peek() <= '9'; ++at_) {
            number = number * 10 + (peek() - '0');
            if (number <= kMostColumns) continue;
            refuse("a width or a precision is too large");
            return 0;
        }
        return number;
    }

    void convert(const Conversion& c) {
        if (machine_.failed() ||
            !machine_.charge(static_cast<std::size_t>(c.width) + static_cast<std::size_t>(c.precision.value_or(0))))
            return;
        const Value* value = take();
        if (value == nullptr) return;
        switch (c.type) {
            case 's':
            case 'r':
            case 'a': return putText(textFor(*value, c.type), c);
            case 'c': return putCharacter(*value, c);
            case 'd':
            case 'i':
            case 'u':
            case 'o':
            case 'x':
            case 'X': return putInteger(*value, c);
            case 'e':
            case 'E':
            case 'f':
            case 'F':
            case 'g':
            case 'G': return putReal(*value, c);
            default: return refuse("there is no conversion '" + toValidUtf8(std::string_view(&c.type, 1)) + "'");
        }
    }

    std::string textFor(const Value& value, char type) {
        if (type == 's') return machine_.textOf(value);
        // An escape takes up to four bytes, and ten where only ASCII is left of a character of four.
        std::size_t bytes = 0;
        if (__builtin_mul_overflow(value.weight(), std::size_t{4}, &bytes) || !machine_.charge(bytes)) {
            refuse("the text is too large");
            return {};
        }
        return type == 'r' ? toRepr(value) : asciiOnly(toRepr(value));
    }

    void putText(std::string_view text, const Conversion& c) {
        if (!machine_.work(text.size() / 16)) return;
        std::size_t length = characterCount(text);
        if (c.precision && static_cast<std::size_t>(*c.precision) < length) {
            const auto all = characters(text);
            length = static_cast<std::size_t>(*c.precision);
            const std::string_view first_left_out = all[length];
            text = text.substr(0, static_cast<std::size_t>(first_left_out.data() - text.data()));
        }
        const std::string fill(
            static_cast<std::size_t>(c.width) > length ? static_cast<std::size_t>(c.width) - length : 0, ' ');
        if (!c.left) put(fill);
        put(text);
        if (c.left) put(fill);
    }

    void putCharacter(const Value& value, Conversion c) {
        c.precision.reset();
        if (value.isString() && characterCount(value.text()) == 1) return putText(value.text(), c);
        const std::int64_t code = value.isInteger() || value.isBoolean() ? value.asInteger() : -1;
        const bool surrogate = code >= kFirstSurrogate && code <= kLastSurrogate;
        if (code < 0 || code > kLastCharacter || surrogate) return refuse("%c needs a character or its number");
        std::string text;
        utf8Append(text, static_cast<char32_t>(code));
        putText(text, c);
    }

    void putInteger(const Value& value, const Conversion& c) {
        const bool whole = value.isInteger() || value.isBoolean();
        const bool decimal = c.type == 'd' || c.type == 'i' || c.type == 'u';
        if (!whole && !(decimal && value.isReal()))
            return refuse(std::string("%") + c.type + " needs an integer, not " + std::string(value.kindName()));
        if (!whole && !(std::abs(value.asReal()) < kLargestInteger))
            return refuse("the number is too large for 64 bits");
        putNumber(integerText(whole ? value.asInteger() : static_cast<std::int64_t>(value.asReal()), c), c);
    }

    void putReal(const Value& value, const Conversion& c) {
        if (!value.isNumber())
            return refuse(std::string("%") + c.type + " needs a number, not " + std::string(value.kindName()));
        const double real = value.asReal();
        const bool negative = std::signbit(real) && !std::isnan(real);
        std::string digits = realDigits(std::abs(real), c);
        putNumber({negative ? "-" : "", "", c.type < 'a' ? upper(std::move(digits)) : std::move(digits)}, c);
    }

    void putNumber(NumberText number, const Conversion& c) {
        if (number.sign.empty() && (c.plus || c.blank)) number.sign = c.plus ? "+" : " ";
        const std::size_t length = number.sign.size() + number.prefix.size() + number.digits.size();
        const std::size_t missing =
            static_cast<std::size_t>(c.width) > length ? static_cast<std::size_t>(c.width) - length : 0;
        if (!c.left && !c.zero) put(std::string(missing, ' '));
        put(number.sign + number.prefix);
        if (!c.left && c.zero) put(std::string(missing, '0'));
        put(number.digits);
        if (c.left) put(std::string(missing, ' '));
    }

    Machine& machine_;
    std::size_t offset_;
    std::string_view text_;
    const Value& values_;
    const Value* only_;     // the value that the next conversion takes where values_ is no tuple; null: it is taken
    std::size_t next_ = 0;  // item of a tuple
    std::size_t at_ = 0;    // into text_
    std::string out_;
};

}  // namespace

Value formatPercent(Machine& machine, std::size_t offset, std::string_view text, const Value& values) {
    return PercentText(machine, offset, text, values).run();
}

}  // namespace quibble::jinja
