// Methods of strings, lists, mappings and loops: "text.strip()".
#include <algorithm>
#include <array>

#include "engine/text/jinja/machine.h"
#include "engine/text/jinja/strings.h"

namespace quibble::jinja {
namespace {

Value strings(const Call& call, const std::vector<std::string_view>& parts) {
    std::vector<Value> items;
    items.reserve(parts.size());
    for (const std::string_view part : parts) items.push_back(call.machine.makeString(std::string(part)));
    return call.machine.makeList(std::move(items));
}

Value make(const Call& call, std::string_view text) { return call.machine.makeString(std::string(text)); }

Value split(const Call& call) {
    const auto separator = call.textArgument(0, "sep");
    const auto limit = static_cast<long>(call.integerArgument(1, "maxsplit", -1));
    call.machine.work(call.selfText().size() / 16);
    if (call.machine.failed()) return {};
    if (!separator) {
        if (call.name == "rsplit" && limit >= 0) return call.refuse("with a limit needs a separator");
        return strings(call, splitWords(call.selfText(), limit));
    }
    if (separator->empty()) return call.refuse("the separator is empty");
    call.machine.work(call.selfText().size() * separator->size() / 64);
    if (call.machine.failed()) return {};
    return strings(call, splitAt(call.selfText(), *separator, limit, call.name == "rsplit"));
}

Value stripMethod(const Call& call) {
    const auto set = call.textArgument(0, "chars");
    std::string_view text = call.selfText();
    call.machine.work((text.size() + 1) * (set ? set->size() : 1) / 16);
    if (call.machine.failed()) return {};
    if (call.name != "rstrip") text = set ? stripLeft(text, *set) : stripLeft(text);
    if (call.name != "lstrip") text = set ? stripRight(text, *set) : stripRight(text);
    return make(call, text);
}

// startswith and endswith take one string or a tuple of them.
Value beginsOrEnds(const Call& call) {
    const Value* given = call.argument(0, "prefix");
    if (given == nullptr) return call.refuse("needs a string");
    const std::vector<Value> candidates = given->isList() ? given->items() : std::vector<Value>{*given};
    const std::string_view text = call.selfText();
    bool matches = false;
    for (const Value& candidate : candidates) {
        if (!candidate.isString()) return call.refuse("needs a string, not " + std::string(candidate.kindName()));
        call.machine.work(1 + candidate.text().size() / 64);
        matches = matches || (call.name == "startswith" ? text.starts_with(candidate.text()) : text.ends_with(candidate.text()));
    }
    return Value::boolean(matches);
}

// find, rfind, index, count: positions in characters.
Value search(const Call& call) {
    const auto needle = call.textArgument(0, "sub");
    if (!needle) return call.refuse("needs a string");
    const std::string_view text = call.selfText();
    call.machine.work(text.size() * std::max<std::size_t>(needle->size(), 1) / 64);
    if (call.machine.failed()) return {};
    if (call.name == "count") {
        if (needle->empty()) return Value::integer(static_cast<std::int64_t>(characterCount(text)) + 1);
        return Value::integer(static_cast<std::int64_t>(splitAt(text, *needle, -1, false).size()) - 1);
    }
    const std::size_t at = call.name == "rfind" ? text.rfind(*needle) : text.find(*needle);
    if (at == std::string_view::npos) return call.name == "index" ? call.refuse("the text is not there") : Value::integer(-1);
    return Value::integer(static_cast<std::int64_t>(characterCount(text.substr(0, at))));
}

Value replaceMethod(const Call& call) {
    const auto from = call.textArgument(0, "old");
    const auto to = call.textArgument(1, "new");
    if (!from || !to) return call.refuse("needs two strings");
    if (from->empty()) return call.refuse("the text to replace is empty");
    const std::string_view text = call.selfText();
    call.machine.work(text.size() * from->size() / 64);
    if (!call.machine.charge(text.size() / from->size() * to->size())) return {};
    return call.machine.makeString(replaceAll(text, *from, *to, static_cast<long>(call.integerArgument(2, "count", -1))));
}

Value joinMethod(const Call& call) {
    const Value* given = call.argument(0, "iterable");
    if (given == nullptr) return call.refuse("needs a list");
    std::string out;
    bool first = true;
    for (const Value& part : iterate(call.machine, call.offset, *given)) {
        if (!part.isString()) return call.refuse("can join only strings, not " + std::string(part.kindName()));
        if (!call.machine.charge(part.text().size() + call.selfText().size())) return {};
        if (!first) out += call.selfText();
        out += part.text();
        first = false;
    }
    return Value::string(std::move(out));
}

Value removeAffix(const Call& call) {
    const auto affix = call.textArgument(0, "affix");
    if (!affix) return call.refuse("needs a string");
    std::string_view text = call.selfText();
    if (call.name == "removeprefix" && text.starts_with(*affix)) text.remove_prefix(affix->size());
    if (call.name == "removesuffix" && text.ends_with(*affix)) text.remove_suffix(affix->size());
    return make(call, text);
}

Value allOf(const Call& call, bool (*holds)(char)) {
    const std::string_view text = call.selfText();
    return Value::boolean(!text.empty() && std::all_of(text.begin(), text.end(), holds));
}

Value dictMethod(const Call& call) {
    if (call.name == "get") {
        const Value* key = call.argument(0, "key");
        const Value* otherwise = call.argument(1, "default");
        if (key == nullptr) return call.refuse("needs a key");
        call.machine.work(call.self.entries().size() / 16);
        const Value* found = key->isString() ? call.self.entry(key->text()) : nullptr;
        return found != nullptr ? *found : otherwise != nullptr ? *otherwise : Value::none();
    }
    std::vector<Value> items;
    for (const auto& [key, value] : call.self.entries()) {
        if (call.machine.failed()) return {};
        if (call.name == "values") {
            items.push_back(value);
        } else {
            Value text = call.machine.makeString(key);
            items.push_back(call.name == "keys" ? text : call.machine.makeList({text, value}, true));
        }
    }
    return call.machine.makeList(std::move(items));
}

Value listMethod(const Call& call) {
    const Value* wanted = call.argument(0, "value");
    if (wanted == nullptr) return call.refuse("needs a value");
    std::int64_t count = 0;
    for (std::size_t i = 0; i < call.self.items().size(); ++i) {
        if (!compareValues(call.machine, call.offset, "==", call.self.items()[i], *wanted)) continue;
        if (call.name == "index") return Value::integer(static_cast<std::int64_t>(i));
        ++count;
    }
    return call.name == "index" ? call.refuse("the value is not in the list") : Value::integer(count);
}

using Method = Value (*)(const Call&);
struct MethodEntry {
    std::string_view name;
    Method run;
};

constexpr std::array kStringMethods = std::to_array<MethodEntry>({
    {"split", split},
    {"rsplit", split},
    {"splitlines", [](const Call& c) { return strings(c, splitLines(c.selfText())); }},
    {"strip", stripMethod},
    {"lstrip", stripMethod},
    {"rstrip", stripMethod},
    {"startswith", beginsOrEnds},
    {"endswith", beginsOrEnds},
    {"find", search},
    {"rfind", search},
    {"index", search},
    {"count", search},
    {"replace", replaceMethod},
    {"join", joinMethod},
    {"removeprefix", removeAffix},
    {"removesuffix", removeAffix},
    {"upper", [](const Call& c) { return c.machine.makeString(upperCase(c.selfText())); }},
    {"lower", [](const Call& c) { return c.machine.makeString(lowerCase(c.selfText())); }},
    {"title", [](const Call& c) { return c.machine.makeString(titleCase(c.selfText())); }},
    {"capitalize", [](const Call& c) { return c.machine.makeString(capitalize(c.selfText())); }},
    {"isdigit", [](const Call& c) { return allOf(c, [](char x) { return x >= '0' && x <= '9'; }); }},
    {"isspace", [](const Call& c) { return Value::boolean(!c.selfText().empty() && strip(c.selfText()).empty()); }},
});
constexpr std::array<std::string_view, 4> kDictMethods = {"items", "keys", "values", "get"};
constexpr std::array<std::string_view, 2> kListMethods = {"index", "count"};

const MethodEntry* findStringMethod(std::string_view name) {
    const auto found = std::find_if(kStringMethods.begin(), kStringMethods.end(), [&](const MethodEntry& entry) { return entry.name == name; });
    return found == kStringMethods.end() ? nullptr : &*found;
}

}  // namespace

bool hasMethod(const Value& self, std::string_view name) {
    if (self.isString()) return findStringMethod(name) != nullptr;
    if (self.isDict()) return std::find(kDictMethods.begin(), kDictMethods.end(), name) != kDictMethods.end();
    if (self.isList()) return std::find(kListMethods.begin(), kListMethods.end(), name) != kListMethods.end();
    return false;
}

Value callMethod(const Call& call) {
    if (call.self.isString()) return findStringMethod(call.name)->run(call);
    if (call.self.isDict()) return dictMethod(call);
    if (call.self.isList()) return listMethod(call);
    const LoopData* loop = call.self.asLoop();  // cycle
    if (loop == nullptr || call.positional.empty()) return call.refuse("needs at least one value");
    return call.positional[loop->index % call.positional.size()];
}

}  // namespace quibble::jinja
