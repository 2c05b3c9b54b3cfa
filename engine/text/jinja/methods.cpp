// Methods of strings, lists, mappings and loops: "text.strip()".
#include <algorithm>
#include <array>
#include <optional>

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
        return strings(call, call.name == "rsplit" ? splitWordsFromRight(call.selfText(), limit)
                                                   : splitWords(call.selfText(), limit));
    }
    if (separator->empty()) return call.refuse("the separator is empty");
    call.machine.work(call.selfText().size() * separator->size() / 64);
    if (call.machine.failed()) return {};
    return strings(call, splitAt(call.selfText(), *separator, limit, call.name == "rsplit"));
}

Value splitLinesMethod(const Call& call) {
    const Value* keep = call.argument(0, "keepends");
    return strings(call, splitLines(call.selfText(), keep != nullptr && keep->truthy()));
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

// The part of the text between the arguments "start" and "end", counted in characters as in a slice; nothing when it
// begins behind its end.
struct Part {
    std::string_view text;
    std::int64_t start;
};
std::optional<Part> partOf(const Call& call) {
    const std::string_view text = call.selfText();
    if (call.positional.size() < 2) return Part{text, 0};
    call.machine.work(text.size() / 16);
    const auto length = static_cast<std::int64_t>(characterCount(text));
    const auto place = [&](std::size_t index, std::string_view parameter, std::int64_t otherwise) {
        const std::int64_t given = call.integerArgument(index, parameter, otherwise);
        return given < 0 ? std::max<std::int64_t>(given, -length) + length : given;
    };
    const std::int64_t start = place(1, "start", 0), end = std::min(place(2, "end", length), length);
    if (call.machine.failed() || start > end) return std::nullopt;
    const auto letters = characters(text);
    const auto at = [&](std::int64_t letter) {
        return letter == length
                   ? text.size()
                   : static_cast<std::size_t>(letters[static_cast<std::size_t>(letter)].data() - text.data());
    };
    return Part{text.substr(at(start), at(end) - at(start)), start};
}

// startswith and endswith take one string or a tuple of them.
Value beginsOrEnds(const Call& call) {
    const Value& given = call.positional.front();
    const std::vector<Value> candidates = given.isList() && given.isTuple() ? given.items() : std::vector<Value>{given};
    const auto part = partOf(call);
    bool matches = false;
    for (const Value& candidate : candidates) {
        if (!candidate.isString()) return call.refuse("needs a string, not " + std::string(candidate.kindName()));
        call.machine.work(1 + candidate.text().size() / 64);
        if (part)
            matches = matches || (call.name == "startswith" ? part->text.starts_with(candidate.text())
                                                            : part->text.ends_with(candidate.text()));
    }
    return Value::boolean(matches);
}

// find, rfind, index, rindex, count: positions in characters.
Value search(const Call& call) {
    const auto needle = call.textArgument(0, "sub");
    if (!needle) return call.refuse("needs a string");
    const auto part = partOf(call);
    call.machine.work(call.selfText().size() * std::max<std::size_t>(needle->size(), 1) / 64);
    if (call.machine.failed()) return {};
    if (call.name == "count") {
        if (!part) return Value::integer(0);
        if (needle->empty()) return Value::integer(static_cast<std::int64_t>(characterCount(part->text)) + 1);
        return Value::integer(static_cast<std::int64_t>(splitAt(part->text, *needle, -1, false).size()) - 1);
    }
    const std::size_t at = !part                        ? std::string_view::npos
                           : call.name.starts_with('r') ? part->text.rfind(*needle)
                                                        : part->text.find(*needle);
    if (at == std::string_view::npos)
        return call.name.ends_with("index") ? call.refuse("the text is not there") : Value::integer(-1);
    return Value::integer(part->start + static_cast<std::int64_t>(characterCount(part->text.substr(0, at))));
}

Value replaceMethod(const Call& call) {
    const auto from = call.textArgument(0, "old");
    const auto to = call.textArgument(1, "new");
    if (!from || !to) return call.refuse("needs two strings");
    if (from->empty()) return call.refuse("the text to replace is empty");
    const std::string_view text = call.selfText();
    call.machine.work(text.size() * from->size() / 64);
    if (!call.machine.charge(text.size() / from->size() * to->size())) return {};
    return call.machine.makeString(
        replaceAll(text, *from, *to, static_cast<long>(call.integerArgument(2, "count", -1))));
}

Value joinMethod(const Call& call) {
    std::string out;
    bool first = true;
    for (const Value& part : iterate(call.machine, call.offset, call.positional.front())) {
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
        const Value& key = call.positional.front();
        const Value* otherwise = call.argument(1, "default");
        call.machine.work(call.self.entries().size() / 16);
        const Value* found = key.isString() ? call.self.entry(key.text()) : nullptr;
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

Value cycle(const Call& call) {
    if (call.positional.empty() || !call.named.empty()) return call.refuse("needs values without names");
    return call.positional[call.self.asLoop()->index % call.positional.size()];
}

Value listMethod(const Call& call) {
    const Value& wanted = call.positional.front();
    const auto size = static_cast<std::int64_t>(call.self.items().size());
    const auto bound = [&](std::size_t index, std::string_view parameter, std::int64_t otherwise) {
        const std::int64_t given = call.integerArgument(index, parameter, otherwise);
        return given < 0 ? std::max<std::int64_t>(given, -size) + size : std::min(given, size);
    };
    const std::int64_t start = bound(1, "start", 0), stop = bound(2, "stop", size);
    std::int64_t count = 0;
    for (std::int64_t i = start; i < stop && !call.machine.failed(); ++i) {
        if (!compareValues(call.machine, call.offset, "==", call.self.items()[static_cast<std::size_t>(i)], wanted))
            continue;
        if (call.name == "index") return Value::integer(i);
        ++count;
    }
    return call.name == "index" ? call.refuse("the value is not in the list") : Value::integer(count);
}

using Method = Value (*)(const Call&);
struct MethodEntry {
    std::string_view name;
    Method run;
    Parameters takes = kNoParameters;
};

constexpr Parameters kCharacters{.names = {"chars"}, .by_name = false};
constexpr Parameters kSearched{.names = {"sub", "start", "end"}, .required = 1, .by_name = false};
constexpr Parameters kSplit{.names = {"sep", "maxsplit"}};
constexpr Parameters kAffix{.names = {"affix"}, .required = 1, .by_name = false};

constexpr std::array kStringMethods = std::to_array<MethodEntry>({
    {"split", split, kSplit},
    {"rsplit", split, kSplit},
    {"splitlines", splitLinesMethod, {.names = {"keepends"}}},
    {"strip", stripMethod, kCharacters},
    {"lstrip", stripMethod, kCharacters},
    {"rstrip", stripMethod, kCharacters},
    {"startswith", beginsOrEnds, {.names = {"prefix", "start", "end"}, .required = 1, .by_name = false}},
    {"endswith", beginsOrEnds, {.names = {"suffix", "start", "end"}, .required = 1, .by_name = false}},
    {"find", search, kSearched},
    {"rfind", search, kSearched},
    {"index", search, kSearched},
    {"rindex", search, kSearched},
    {"count", search, kSearched},
    {"replace", replaceMethod, {.names = {"old", "new", "count"}, .required = 2, .by_name = false}},
    {"join", joinMethod, {.names = {"iterable"}, .required = 1, .by_name = false}},
    {"removeprefix", removeAffix, kAffix},
    {"removesuffix", removeAffix, kAffix},
    {"upper", [](const Call& c) { return c.machine.makeString(upperCase(c.selfText())); }},
    {"lower", [](const Call& c) { return c.machine.makeString(lowerCase(c.selfText())); }},
    {"title", [](const Call& c) { return c.machine.makeString(titleCase(c.selfText())); }},
    {"capitalize", [](const Call& c) { return c.machine.makeString(capitalize(c.selfText())); }},
    {"isdigit", [](const Call& c) { return allOf(c, [](char x) { return x >= '0' && x <= '9'; }); }},
    {"isspace", [](const Call& c) { return Value::boolean(!c.selfText().empty() && strip(c.selfText()).empty()); }},
});
constexpr std::array kDictMethods = std::to_array<MethodEntry>({
    {"items", dictMethod},
    {"keys", dictMethod},
    {"values", dictMethod},
    {"get", dictMethod, {.names = {"key", "default"}, .required = 1, .by_name = false}},
});
constexpr std::array kListMethods = std::to_array<MethodEntry>({
    {"index", listMethod, {.names = {"value", "start", "stop"}, .required = 1, .by_name = false}},
    {"count", listMethod, {.names = {"value"}, .required = 1, .by_name = false}},
});
constexpr MethodEntry kCycle{"cycle", cycle, {.any = true}};

template <std::size_t N>
const MethodEntry* entryIn(const std::array<MethodEntry, N>& entries, std::string_view name) {
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const MethodEntry& entry) { return entry.name == name; });
    return found == entries.end() ? nullptr : &*found;
}

const MethodEntry* findMethod(const Value& self, std::string_view name) {
    if (self.isString()) return entryIn(kStringMethods, name);
    if (self.isDict()) return entryIn(kDictMethods, name);
    if (self.isList()) return entryIn(kListMethods, name);
    return self.asLoop() != nullptr && name == kCycle.name ? &kCycle : nullptr;
}

}  // namespace

bool hasMethod(const Value& self, std::string_view name) { return findMethod(self, name) != nullptr; }

Value callMethod(const Call& call) {
    const MethodEntry* method = findMethod(call.self, call.name);
    return call.fits(method->takes) ? method->run(call) : Value();
}

}  // namespace quibble::jinja
