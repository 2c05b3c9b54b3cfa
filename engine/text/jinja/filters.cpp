// "value | filter".
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "engine/text/jinja/machine.h"
#include "engine/text/jinja/strings.h"

namespace quibble::jinja {
namespace {

Value make(const Call& call, std::string text) { return call.machine.makeString(std::move(text)); }

// Text of the filtered value; what is no string is printed first, as Python's filters do.
std::string textOf(const Call& call) { return call.machine.textOf(call.self); }

bool booleanArgument(const Call& call, std::size_t index, std::string_view name, bool otherwise) {
    const Value* given = call.argument(index, name);
    return given == nullptr ? otherwise : given->truthy();
}

std::vector<Value> itemsOf(const Call& call) { return iterate(call.machine, call.offset, call.self); }

// "a.b.0" of a value, or the value itself without a path.
Value follow(const Call& call, Value value, std::string_view path) {
    for (const std::string_view part : splitAt(path, ".", -1, false)) {
        std::int64_t index = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
        const bool number = error == std::errc{} && end == part.data() + part.size();
        value = itemOf(call.machine, call.offset, value, number ? Value::integer(index) : Value::string(std::string(part)));
    }
    return value;
}

Value tojson(const Call& call) {
    JsonStyle style;
    const std::int64_t indent = call.integerArgument(0, "indent", -1);
    style.indent = static_cast<int>(std::clamp<std::int64_t>(indent, -1, 64));
    style.sort_keys = booleanArgument(call, 4, "sort_keys", false);
    style.ascii = booleanArgument(call, 4, "ensure_ascii", false);
    if (const Value* separators = call.argument(4, "separators"); separators != nullptr && separators->isList() && separators->items().size() == 2) {
        style.item_separator = call.machine.textOf(separators->items()[0]);
        style.key_separator = call.machine.textOf(separators->items()[1]);
    }
    if (call.self.isUndefined()) return call.refuse("'" + call.self.undefinedName() + "' is undefined");
    if (call.self.isCallable()) return call.refuse(std::string(call.self.kindName()) + " has no JSON form");
    return make(call, call.machine.jsonOf(call.self, style));
}

Value defaultFilter(const Call& call) {
    const bool replace = call.self.isUndefined() || (booleanArgument(call, 1, "boolean", false) && !call.self.truthy());
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

Value join(const Call& call) {
    const Value* separator = call.argument(0, "d");
    const std::string between = separator == nullptr ? std::string() : call.machine.textOf(*separator);
    const auto attribute = call.textArgument(1, "attribute");
    std::string out;
    bool first = true;
    for (const Value& item : itemsOf(call)) {
        const std::string part = call.machine.textOf(attribute ? follow(call, item, *attribute) : item);
        if (!call.machine.charge(part.size() + between.size())) return {};
        if (!first) out += between;
        out += part;
        first = false;
    }
    return Value::string(std::move(out));
}

Value firstOrLast(const Call& call) {
    const std::vector<Value> items = itemsOf(call);
    if (items.empty()) return Value::undefined(std::string(call.name) + " item");
    return call.name == "first" ? items.front() : items.back();
}

Value reverse(const Call& call) {
    std::vector<Value> items = itemsOf(call);
    std::reverse(items.begin(), items.end());
    if (!call.self.isString()) return call.machine.makeList(std::move(items));
    std::string out;
    for (const Value& item : items) out += item.text();
    return make(call, std::move(out));
}

Value replace(const Call& call) {
    const Value* from = call.argument(0, "old");
    const Value* to = call.argument(1, "new");
    if (from == nullptr || to == nullptr) return call.refuse("needs two values");
    const std::string text = textOf(call), old_part = call.machine.textOf(*from), new_part = call.machine.textOf(*to);
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

Value toInteger(const Call& call) {
    const Value otherwise = Value::integer(call.integerArgument(0, "default", 0));
    if (call.self.isInteger() || call.self.isBoolean()) return Value::integer(call.self.asInteger());
    if (call.self.isReal()) return std::abs(call.self.asReal()) < 9e18 ? Value::integer(static_cast<std::int64_t>(call.self.asReal())) : otherwise;
    if (!call.self.isString()) return otherwise;
    std::string_view text = strip(call.self.text());
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t number = 0;
    auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec == std::errc{} && read.ptr == text.data() + text.size() && !text.empty()) return Value::integer(number);
    double real = 0;
    read = std::from_chars(text.data(), text.data() + text.size(), real);
    const bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size() && !text.empty() && std::abs(real) < 9e18;
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
    return read.ec == std::errc{} && read.ptr == text.data() + text.size() && !text.empty() ? Value::real(real) : otherwise;
}

Value absolute(const Call& call) {
    if (!call.self.isNumber()) return call.refuse("needs a number, not " + std::string(call.self.kindName()));
    if (call.self.isReal()) return Value::real(std::abs(call.self.asReal()));
    return call.self.asInteger() < 0 ? applySign(call.machine, call.offset, "-", call.self) : Value::integer(call.self.asInteger());
}

Value roundFilter(const Call& call) {
    if (!call.self.isNumber()) return call.refuse("needs a number, not " + std::string(call.self.kindName()));
    const double scale = std::pow(10.0, static_cast<double>(std::clamp<std::int64_t>(call.integerArgument(0, "precision", 0), -300, 300)));
    const std::string method(call.textArgument(1, "method").value_or("common"));
    const double scaled = call.self.asReal() * scale;
    // "common" rounds halves to even, as Python's round does.
    const double rounded = method == "ceil" ? std::ceil(scaled) : method == "floor" ? std::floor(scaled) : std::nearbyint(scaled);
    return Value::real(rounded / scale);
}

Value indent(const Call& call) {
    const Value* width = call.argument(0, "width");
    const std::string lead = width != nullptr && width->isString() ? width->text() : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(call.integerArgument(0, "width", 4), 0, 1000)), ' ');
    const bool indent_first = booleanArgument(call, 1, "first", false);
    const bool indent_blank = booleanArgument(call, 2, "blank", false);
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

Value items(const Call& call) {
    if (call.self.isUndefined()) return call.machine.makeList({});
    if (!call.self.isDict()) return call.refuse("needs a mapping, not " + std::string(call.self.kindName()));
    return callMethod(Call{call.machine, call.offset, "items", call.self, {}, {}});
}

// The key values are sorted by: the item, or an attribute of it; strings without regard to case unless asked.
Value sortKey(const Call& call, const Value& item, std::optional<std::string_view> attribute, bool case_sensitive) {
    Value key = attribute ? follow(call, item, *attribute) : item;
    if (case_sensitive || !key.isString()) return key;
    return make(call, lowerCase(key.text()));
}

// Stable, and it ends after an error whatever the comparisons say.
Value sorted(const Call& call, std::vector<Value> values, std::optional<std::string_view> attribute, bool case_sensitive, bool descending) {
    std::vector<std::pair<Value, Value>> keyed;
    for (Value& value : values) {
        Value key = sortKey(call, value, attribute, case_sensitive);
        if (call.machine.failed()) return {};
        keyed.emplace_back(std::move(key), std::move(value));
    }
    std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
        if (!call.machine.work(1)) return false;
        const int order = orderOf(call.machine, call.offset, a.first, b.first);
        return descending ? order > 0 : order < 0;
    });
    std::vector<Value> out;
    for (auto& [key, value] : keyed) out.push_back(std::move(value));
    return call.machine.makeList(std::move(out));
}

Value sort(const Call& call) {
    return sorted(call, itemsOf(call), call.textArgument(2, "attribute"), booleanArgument(call, 1, "case_sensitive", false), booleanArgument(call, 0, "reverse", false));
}

Value dictsort(const Call& call) {
    const Value pairs = items(call);
    if (call.machine.failed()) return {};
    const bool by_value = call.textArgument(1, "by").value_or("key") == "value";
    return sorted(call, pairs.items(), by_value ? "1" : "0", booleanArgument(call, 0, "case_sensitive", false), booleanArgument(call, 2, "reverse", false));
}

Value extreme(const Call& call) {
    const auto attribute = call.textArgument(1, "attribute");
    const Value ordered = sorted(call, itemsOf(call), attribute, booleanArgument(call, 0, "case_sensitive", false), call.name == "max");
    if (call.machine.failed()) return {};
    return ordered.items().empty() ? Value::undefined(std::string(call.name)) : ordered.items().front();
}

Value unique(const Call& call) {
    const auto attribute = call.textArgument(1, "attribute");
    const bool case_sensitive = booleanArgument(call, 0, "case_sensitive", false);
    std::vector<Value> keys, out;
    for (const Value& item : itemsOf(call)) {
        const Value key = sortKey(call, item, attribute, case_sensitive);
        const bool seen = std::any_of(keys.begin(), keys.end(), [&](const Value& other) { return call.machine.work(1) && compareValues(call.machine, call.offset, "==", key, other); });
        if (call.machine.failed()) return {};
        if (seen) continue;
        keys.push_back(key);
        out.push_back(item);
    }
    return call.machine.makeList(std::move(out));
}

Value sum(const Call& call) {
    const auto attribute = call.textArgument(0, "attribute");
    const Value* start = call.argument(1, "start");
    Value total = start == nullptr ? Value::integer(0) : *start;
    for (const Value& item : itemsOf(call)) total = applyBinary(call.machine, call.offset, "+", total, attribute ? follow(call, item, *attribute) : item);
    return total;
}

// map("upper"), map(attribute="role", default=""). As in the reference, nothing at all is taken for an empty list, here and below.
Value map(const Call& call) {
    if (!call.self.truthy()) return call.machine.makeList({});
    std::vector<Value> out;
    const auto attribute = call.named.empty() ? std::nullopt : call.textArgument(call.positional.size(), "attribute");
    const Value* otherwise = call.argument(call.positional.size() + 1, "default");
    if (!attribute && (call.positional.empty() || !call.positional[0].isString())) return call.refuse("needs the name of a filter or an attribute");
    for (const Value& item : itemsOf(call)) {
        if (!call.machine.work(1)) return {};
        if (attribute) {
            Value found = follow(call, item, *attribute);
            out.push_back(found.isUndefined() && otherwise != nullptr ? *otherwise : found);
        } else {
            out.push_back(applyFilter(Call{call.machine, call.offset, call.positional[0].text(), item, {call.positional.begin() + 1, call.positional.end()}, call.named}));
        }
    }
    return call.machine.makeList(std::move(out));
}

// select, reject (test and its arguments); selectattr, rejectattr (attribute first). Without a test: truth.
Value choose(const Call& call) {
    if (!call.self.truthy()) return call.machine.makeList({});
    const bool by_attribute = call.name.ends_with("attr");
    const bool keep = call.name.starts_with("select");
    const std::size_t test = by_attribute ? 1 : 0;
    if (call.positional.size() < test || (by_attribute && !call.positional.empty() && !call.positional[0].isString())) return call.refuse("needs the name of an attribute");
    if (call.positional.size() > test && !call.positional[test].isString()) return call.refuse("needs the name of a test");
    std::vector<Value> out;
    for (const Value& item : itemsOf(call)) {
        if (!call.machine.work(1)) return {};
        const Value subject = by_attribute ? follow(call, item, call.positional[0].text()) : item;
        bool holds = subject.truthy();
        if (call.positional.size() > test) {
            const auto rest = call.positional.begin() + static_cast<std::ptrdiff_t>(test) + 1;
            holds = applyTest(Call{call.machine, call.offset, call.positional[test].text(), subject, {rest, call.positional.end()}, {}});
        }
        if (holds == keep) out.push_back(item);
    }
    return call.machine.makeList(std::move(out));
}

using Filter = Value (*)(const Call&);
struct FilterEntry {
    std::string_view name;
    Filter run;
};

constexpr std::array kFilters = std::to_array<FilterEntry>({
    {"abs", absolute},
    {"capitalize", [](const Call& c) { return make(c, capitalize(textOf(c))); }},
    {"count", length},
    {"d", defaultFilter},
    {"default", defaultFilter},
    {"dictsort", dictsort},
    {"first", firstOrLast},
    {"float", toReal},
    {"indent", indent},
    {"int", toInteger},
    {"items", items},
    {"join", join},
    {"last", firstOrLast},
    {"length", length},
    {"list", [](const Call& c) { return c.machine.makeList(itemsOf(c)); }},
    {"lower", [](const Call& c) { return make(c, lowerCase(textOf(c))); }},
    {"map", map},
    {"max", extreme},
    {"min", extreme},
    {"reject", choose},
    {"rejectattr", choose},
    {"replace", replace},
    {"reverse", reverse},
    {"round", roundFilter},
    {"safe", [](const Call& c) { return c.self; }},
    {"select", choose},
    {"selectattr", choose},
    {"sort", sort},
    {"string", [](const Call& c) { return c.self.isString() ? c.self : make(c, textOf(c)); }},
    {"sum", sum},
    {"title", [](const Call& c) { return make(c, titleWords(textOf(c))); }},
    {"tojson", tojson},
    {"trim", trim},
    {"unique", unique},
    {"upper", [](const Call& c) { return make(c, upperCase(textOf(c))); }},
});

}  // namespace

Value applyFilter(const Call& call) {
    const auto found = std::find_if(kFilters.begin(), kFilters.end(), [&](const FilterEntry& entry) { return entry.name == call.name; });
    if (found != kFilters.end()) return found->run(call);
    return call.machine.refuse(call.offset, "there is no filter '" + std::string(call.name) + "'");
}

}  // namespace quibble::jinja
