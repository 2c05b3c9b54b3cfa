// Filters of lists and mappings: "values | filter".
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "engine/text/jinja/filters.h"
#include "engine/text/jinja/strings.h"

namespace quibble::jinja::filters {
namespace {

std::vector<Value> itemsOf(const Call& call) { return iterate(call.machine, call.offset, call.self); }

// "a.b.0" of a value.
Value follow(const Call& call, Value value, std::string_view path) {
    for (const std::string_view part : splitAt(path, ".", -1, false)) {
        std::int64_t index = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
        const bool number = error == std::errc{} && end == part.data() + part.size();
        value =
            itemOf(call.machine, call.offset, value, number ? Value::integer(index) : Value::string(std::string(part)));
    }
    return value;
}

// The path in an argument, which may be a number.
std::optional<std::string> pathArgument(const Call& call, std::size_t index, std::string_view parameter) {
    const Value* given = call.argument(index, parameter);
    if (given != nullptr && given->isInteger()) return std::to_string(given->asInteger());
    const auto text = call.textArgument(index, parameter);
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

// The key values are sorted by: the item, or an attribute of it; strings without regard to case unless asked.
Value sortKey(const Call& call, const Value& item, const std::optional<std::string>& attribute, bool case_sensitive) {
    Value key = attribute ? follow(call, item, *attribute) : item;
    if (case_sensitive || !key.isString()) return key;
    return call.machine.makeString(lowerCase(key.text()));
}

// Stable, and it ends after an error whatever the comparisons say.
Value sorted(const Call& call, std::vector<Value> values, const std::optional<std::string>& attribute,
             bool case_sensitive, bool descending) {
    std::vector<std::pair<Value, Value>> keyed;
    // "a,b": by the first, and by the second where the first are equal.
    std::vector<std::optional<std::string>> paths;
    if (attribute) {
        for (const std::string_view path : splitAt(*attribute, ",", -1, false)) paths.emplace_back(path);
    }
    for (Value& value : values) {
        std::vector<Value> parts;
        parts.reserve(paths.size());
        for (const auto& path : paths) parts.push_back(sortKey(call, value, path, case_sensitive));
        Value key = paths.size() > 1 ? call.machine.makeList(std::move(parts))
                    : paths.empty()  ? sortKey(call, value, std::nullopt, case_sensitive)
                                     : std::move(parts.front());
        if (call.machine.failed()) return {};
        keyed.emplace_back(std::move(key), std::move(value));
    }
    std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
        if (!call.machine.work(1)) return false;
        const int order = orderOf(call.machine, call.offset, a.first, b.first);
        return descending ? order > 0 : order < 0;
    });
    std::vector<Value> out;
    out.reserve(keyed.size());
    for (auto& [key, value] : keyed) out.push_back(std::move(value));
    return call.machine.makeList(std::move(out));
}

}  // namespace

Value join(const Call& call) {
    const Value* separator = call.argument(0, "d");
    const std::string between = separator == nullptr ? std::string() : call.machine.textOf(*separator);
    const auto attribute = pathArgument(call, 1, "attribute");
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

// Lists of `linecount` items each; the last may be shorter, unless there is something to fill it with.
Value batch(const Call& call) {
    const std::int64_t count = call.integerArgument(0, "linecount", 0);
    const Value* given = call.argument(0, "linecount");
    if (given->isNone()) return call.refuse("'linecount' is none, not an integer");
    const Value* fill = call.argument(1, "fill_with");
    std::vector<Value> out, line;
    for (const Value& item : itemsOf(call)) {
        // With a count of 0 the reference gives an empty list and then one of all items, and a negative count is never
        // reached.
        if (static_cast<std::int64_t>(line.size()) == count)
            out.push_back(call.machine.makeList(std::exchange(line, {})));
        if (!call.machine.work(1)) return {};
        line.push_back(item);
    }
    if (line.empty()) return call.machine.makeList(std::move(out));
    while (fill != nullptr && !fill->isNone() && static_cast<std::int64_t>(line.size()) < count) {
        if (!call.machine.charge(sizeof(Value))) return {};
        line.push_back(*fill);
    }
    out.push_back(call.machine.makeList(std::move(line)));
    return call.machine.makeList(std::move(out));
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
    return call.machine.makeString(std::move(out));
}

Value items(const Call& call) {
    if (call.self.isUndefined()) return call.machine.makeList({});
    if (!call.self.isDict()) return call.refuse("needs a mapping, not " + std::string(call.self.kindName()));
    return callMethod(Call{call.machine, call.offset, "items", call.self, {}, {}});
}

Value sort(const Call& call) {
    return sorted(call, itemsOf(call), pathArgument(call, 2, "attribute"),
                  call.booleanArgument(1, "case_sensitive", false), call.booleanArgument(0, "reverse", false));
}

Value dictsort(const Call& call) {
    const Value pairs = items(call);
    if (call.machine.failed()) return {};
    const auto by = call.textArgument(1, "by").value_or("key");
    if (by != "key" && by != "value") return call.refuse("sorts by \"key\" or \"value\"");
    return sorted(call, pairs.items(), by == "value" ? "1" : "0", call.booleanArgument(0, "case_sensitive", false),
                  call.booleanArgument(2, "reverse", false));
}

Value extreme(const Call& call) {
    const auto attribute = pathArgument(call, 1, "attribute");
    const Value ordered =
        sorted(call, itemsOf(call), attribute, call.booleanArgument(0, "case_sensitive", false), call.name == "max");
    if (call.machine.failed()) return {};
    return ordered.items().empty() ? Value::undefined(std::string(call.name)) : ordered.items().front();
}

Value unique(const Call& call) {
    const auto attribute = pathArgument(call, 1, "attribute");
    const bool case_sensitive = call.booleanArgument(0, "case_sensitive", false);
    std::vector<Value> keys, out;
    for (const Value& item : itemsOf(call)) {
        const Value key = sortKey(call, item, attribute, case_sensitive);
        const bool seen = std::any_of(keys.begin(), keys.end(), [&](const Value& other) {
            return call.machine.work(1) && compareValues(call.machine, call.offset, "==", key, other);
        });
        if (call.machine.failed()) return {};
        if (seen) continue;
        keys.push_back(key);
        out.push_back(item);
    }
    return call.machine.makeList(std::move(out));
}

Value sum(const Call& call) {
    const auto attribute = pathArgument(call, 0, "attribute");
    const Value* start = call.argument(1, "start");
    Value total = start == nullptr ? Value::integer(0) : *start;
    for (const Value& item : itemsOf(call))
        total = applyBinary(call.machine, call.offset, "+", total, attribute ? follow(call, item, *attribute) : item);
    return total;
}

// map("upper"), map(attribute="role", default=""). As in the reference, nothing at all is taken for an empty list, here
// and below.
Value map(const Call& call) {
    if (!call.self.truthy()) return call.machine.makeList({});
    std::vector<Value> out;
    const auto attribute = call.positional.empty() ? pathArgument(call, 0, "attribute") : std::nullopt;
    if (attribute && !call.fits({.names = {"attribute", "default"}})) return {};
    const Value* otherwise = call.argument(call.positional.size(), "default");
    if (!attribute && (call.positional.empty() || !call.positional[0].isString()))
        return call.refuse("needs the name of a filter or an attribute");
    for (const Value& item : itemsOf(call)) {
        if (!call.machine.work(1)) return {};
        if (attribute) {
            Value found = follow(call, item, *attribute);
            out.push_back(found.isUndefined() && otherwise != nullptr && !otherwise->isNone() ? *otherwise : found);
        } else {
            out.push_back(applyFilter(Call{call.machine,
                                           call.offset,
                                           call.positional[0].text(),
                                           item,
                                           {call.positional.begin() + 1, call.positional.end()},
                                           call.named}));
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
    const auto path = by_attribute && !call.positional.empty() ? pathArgument(call, 0, "attribute") : std::nullopt;
    if (by_attribute && !path) return call.refuse("needs the name of an attribute");
    if (call.positional.size() > test ? !call.positional[test].isString() : !call.named.empty())
        return call.refuse("needs the name of a test");
    std::vector<Value> out;
    for (const Value& item : itemsOf(call)) {
        if (!call.machine.work(1)) return {};
        const Value subject = path ? follow(call, item, *path) : item;
        bool holds = subject.truthy();
        if (call.positional.size() > test) {
            const auto rest = call.positional.begin() + static_cast<std::ptrdiff_t>(test) + 1;
            holds = applyTest(Call{call.machine,
                                   call.offset,
                                   call.positional[test].text(),
                                   subject,
                                   {rest, call.positional.end()},
                                   call.named});
        }
        if (holds == keep) out.push_back(item);
    }
    return call.machine.makeList(std::move(out));
}

}  // namespace quibble::jinja::filters
