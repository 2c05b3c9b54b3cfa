// "value | filter".
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/text/jinja/filters.h"
#include "engine/text/jinja/percent_format.h"
#include "engine/text/jinja/rounding.h"
#include "engine/text/jinja/strings.h"

namespace quibble::jinja {
namespace {

Value make(const Call& call, std::string text) { return call.machine.makeString(std::move(text)); }

// Text of the filtered value; what is no string is printed first, as Python's filters do.
std::string textOf(const Call& call) { return call.machine.textOf(call.self); }

Value tojson(const Call& call) {
    JsonStyle style;
    style.ascii = call.booleanArgument(0, "ensure_ascii", false);
    style.indent = static_cast<int>(std::clamp<std::int64_t>(call.integerArgument(1, "indent", -1), -1, 64));
    if (const Value* separators = call.argument(2, "separators"); separators != nullptr && !separators->isNone()) {
        const bool pair = separators->isList() && separators->items().size() == 2 &&
                          separators->items()[0].isString() && separators->items()[1].isString();
        if (!pair) return call.refuse("'separators' is not a pair of strings");
        style.item_separator = separators->items()[0].text();
        style.key_separator = separators->items()[1].text();
    }
    style.sort_keys = call.booleanArgument(3, "sort_keys", false);
    if (call.self.isUndefined()) return call.refuse("'" + call.self.undefinedName() + "' is undefined");
    if (call.self.isCallable()) return call.refuse(std::string(call.self.kindName()) + " has no JSON form");
    return make(call, call.machine.jsonOf(call.self, style));
}

Value defaultFilter(const Call& call) {
    const bool replace = call.self.isUndefined() || (call.booleanArgument(1, "boolean", false) && !call.self.truthy());
    if (!replace) return call.self;
    const Value* otherwise = call.argument(0, "default_value");
    return otherwise != nullptr ? *otherwise : Value::string("");
}

Value length(const Call& call) {
    if (call.self.isString()) {
        call.machine.work(call.self.text().size() / 16);
        return Value::integer(static_cast<std::int64_t>(characterCount(call.self.text())));
    }
    if (call.self.isList()) return Value::integer(static_cast<std::int64_t>(call.self.items().size()));
    if (call.self.isDict()) return Value::integer(static_cast<std::int64_t>(call.self.entries().size()));
    if (call.self.isUndefined()) return Value::integer(0);
    return call.refuse(std::string(call.self.kindName()) + " has no length");
}

Value replace(const Call& call) {
    const std::string text = textOf(call), old_part = call.machine.textOf(*call.argument(0, "old")),
                      new_part = call.machine.textOf(*call.argument(1, "new"));
    if (old_part.empty()) return call.refuse("the text to replace is empty");
    call.machine.work(text.size() * old_part.size() / 64);
    if (!call.machine.charge(text.size() / old_part.size() * new_part.size())) return {};
    return make(call, replaceAll(text, old_part, new_part, static_cast<long>(call.integerArgument(2, "count", -1))));
}

Value trim(const Call& call) {
    const std::string text = textOf(call);
    const auto set = call.textArgument(0, "chars");
    call.machine.work((text.size() + 1) * (set ? set->size() : 1) / 16);
    if (call.machine.failed()) return {};
    return make(call, std::string(set ? stripLeft(stripRight(text, *set), *set) : strip(text)));
}

// The whole number that a text is in this base, as Python's int reads it: 0 takes the base from the beginning.
std::optional<std::int64_t> readInteger(std::string_view text, std::int64_t base) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    for (const auto& [prefix, of] : {std::pair{"xX", 16}, {"oO", 8}, {"bB", 2}}) {
        const bool there =
            text.size() > 2 && text[0] == '0' && std::string_view(prefix).find(text[1]) != std::string_view::npos;
        if (!there || (base != of && base != 0)) continue;
        base = of;
        text.remove_prefix(2);
        break;
    }
    if (base == 0) base = 10;
    if (base < 2 || base > 36 || text.empty() || text.front() == '-') return std::nullopt;
    const std::string digits = (negative ? "-" : "") + std::string(text);
    std::int64_t number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number, static_cast<int>(base));
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) return std::nullopt;
    return number;
}

Value toInteger(const Call& call) {
    const Value* given = call.argument(0, "default");
    const Value otherwise = given == nullptr ? Value::integer(0) : *given;
    const std::int64_t base = call.integerArgument(1, "base", 10);
    if (call.self.isInteger() || call.self.isBoolean()) return Value::integer(call.self.asInteger());
    if (call.self.isReal())
        return std::abs(call.self.asReal()) < 9e18 ? Value::integer(static_cast<std::int64_t>(call.self.asReal()))
                                                   : otherwise;
    if (!call.self.isString()) return otherwise;
    std::string_view text = strip(call.self.text());
    if (const auto number = readInteger(text, base)) return Value::integer(*number);
    if (text.starts_with('+')) text.remove_prefix(1);
    double real = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), real);
    const bool whole =
        read.ec == std::errc{} && read.ptr == text.data() + text.size() && !text.empty() && std::abs(real) < 9e18;
    return whole ? Value::integer(static_cast<std::int64_t>(real)) : otherwise;
}

Value toReal(const Call& call) {
    const Value* given = call.argument(0, "default");
    const Value otherwise = given == nullptr ? Value::real(0.0) : *given;
    if (call.self.isNumber()) return Value::real(call.self.asReal());
    if (!call.self.isString()) return otherwise;
    std::string_view text = strip(call.self.text());
    if (text.starts_with('+')) text.remove_prefix(1);
    double real = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), real);
    return read.ec == std::errc{} && read.ptr == text.data() + text.size() && !text.empty() ? Value::real(real)
                                                                                            : otherwise;
}

Value absolute(const Call& call) {
    if (!call.self.isNumber()) return call.refuse("needs a number, not " + std::string(call.self.kindName()));
    if (call.self.isReal()) return Value::real(std::abs(call.self.asReal()));
    return call.self.asInteger() < 0 ? applySign(call.machine, call.offset, "-", call.self)
                                     : Value::integer(call.self.asInteger());
}

Value roundFilter(const Call& call) {
    if (!call.self.isNumber()) return call.refuse("needs a number, not " + std::string(call.self.kindName()));
    const auto digits = static_cast<int>(std::clamp<std::int64_t>(call.integerArgument(0, "precision", 0), -400, 1100));
    const auto method = call.textArgument(1, "method").value_or("common");
    if (method == "common") {
        if (call.self.isReal()) return Value::real(roundDecimal(call.self.asReal(), digits));
        if (digits >= 0) return Value::integer(call.self.asInteger());
        const double rounded = roundDecimal(call.self.asReal(), digits);
        return std::abs(call.self.asReal()) < 9e15 ? Value::integer(static_cast<std::int64_t>(rounded))
                                                   : call.refuse("the integer is too large to be rounded");
    }
    if (method != "ceil" && method != "floor") return call.refuse("rounds by \"common\", \"ceil\" or \"floor\"");
    const double scale = std::pow(10.0, digits);
    const double scaled = call.self.asReal() * scale;
    return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value indent(const Call& call) {
    const Value* width = call.argument(0, "width");
    const std::string lead =
        width != nullptr && width->isString()
            ? width->text()
            : std::string(
                  static_cast<std::size_t>(std::clamp<std::int64_t>(call.integerArgument(0, "width", 4), 0, 1000)),
                  ' ');
    const bool indent_first = call.booleanArgument(1, "first", false);
    const bool indent_blank = call.booleanArgument(2, "blank", false);
    const std::string text = textOf(call);
    const auto lines = splitAt(text, "\n", -1, false);
    if (!call.machine.charge(lines.size() * lead.size())) return {};
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0) out += '\n';
        if (i == 0 ? indent_first : (indent_blank || !lines[i].empty())) out += lead;
        out += lines[i];
    }
    return make(call, std::move(out));
}

// "%s and %d" | format(a, b), or format(name=a) for "%(name)s".
Value format(const Call& call) {
    if (!call.positional.empty() && !call.named.empty())
        return call.refuse("takes values by place or by name, not both");
    const Value values =
        call.named.empty() ? call.machine.makeList(call.positional, true) : call.machine.makeDict(call.named);
    const std::string text = textOf(call);
    return call.machine.failed() ? Value() : formatPercent(call.machine, call.offset, text, values);
}

using Filter = Value (*)(const Call&);
struct FilterEntry {
    std::string_view name;
    Filter run;
    Parameters takes = kNoParameters;
};

constexpr Parameters kDefault{.names = {"default_value", "boolean"}};
constexpr Parameters kOrder{.names = {"case_sensitive", "attribute"}};
constexpr Parameters kAny{.any = true};

constexpr std::array kFilters = std::to_array<FilterEntry>({
    {"abs", absolute},
    {"batch", filters::batch, {.names = {"linecount", "fill_with"}, .required = 1}},
    {"capitalize", [](const Call& c) { return make(c, capitalize(textOf(c))); }},
    {"count", length},
    {"d", defaultFilter, kDefault},
    {"default", defaultFilter, kDefault},
    {"dictsort", filters::dictsort, {.names = {"case_sensitive", "by", "reverse"}}},
    {"first", filters::firstOrLast},
    {"float", toReal, {.names = {"default"}}},
    {"format", format, kAny},
    {"indent", indent, {.names = {"width", "first", "blank"}}},
    {"int", toInteger, {.names = {"default", "base"}}},
    {"items", filters::items},
    {"join", filters::join, {.names = {"d", "attribute"}}},
    {"last", filters::firstOrLast},
    {"length", length},
    {"list", [](const Call& c) { return c.machine.makeList(iterate(c.machine, c.offset, c.self)); }},
    {"lower", [](const Call& c) { return make(c, lowerCase(textOf(c))); }},
    {"map", filters::map, kAny},
    {"max", filters::extreme, kOrder},
    {"min", filters::extreme, kOrder},
    {"reject", filters::choose, kAny},
    {"rejectattr", filters::choose, kAny},
    {"replace", replace, {.names = {"old", "new", "count"}, .required = 2}},
    {"reverse", filters::reverse},
    {"round", roundFilter, {.names = {"precision", "method"}}},
    {"safe", [](const Call& c) { return c.self; }},
    {"select", filters::choose, kAny},
    {"selectattr", filters::choose, kAny},
    {"sort", filters::sort, {.names = {"reverse", "case_sensitive", "attribute"}}},
    {"string", [](const Call& c) { return c.self.isString() ? c.self : make(c, textOf(c)); }},
    {"sum", filters::sum, {.names = {"attribute", "start"}}},
    {"title", [](const Call& c) { return make(c, titleWords(textOf(c))); }},
    {"tojson", tojson, {.names = {"ensure_ascii", "indent", "separators", "sort_keys"}}},
    {"trim", trim, {.names = {"chars"}}},
    {"unique", filters::unique, kOrder},
    {"upper", [](const Call& c) { return make(c, upperCase(textOf(c))); }},
});

}  // namespace

Value applyFilter(const Call& call) {
    const auto found = std::find_if(kFilters.begin(), kFilters.end(),
                                    [&](const FilterEntry& entry) { return entry.name == call.name; });
    if (found != kFilters.end()) return call.fits(found->takes) ? found->run(call) : Value();
    return call.machine.refuse(call.offset, "there is no filter '" + std::string(call.name) + "'");
}

}  // namespace quibble::jinja
