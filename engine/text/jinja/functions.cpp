// Global functions: range, namespace, dict, raise_exception, strftime_now.
#include <algorithm>
#include <array>

#include "engine/text/jinja/machine.h"
#include "engine/text/jinja/time_format.h"

namespace quibble::jinja {
namespace {

struct FunctionEntry {
    std::string_view name;
    Parameters takes;
};
constexpr std::array kFunctions = std::to_array<FunctionEntry>({
    {"range", {.names = {"start", "stop", "step"}, .required = 1, .by_name = false}},
    {"namespace", {.any = true}},
    {"dict", {.any = true}},
    {"raise_exception", {.names = {"message"}, .required = 1}},
    {"strftime_now", {.names = {"format"}, .required = 1}},
});

Value makeRange(const Call& call) {
    for (const Value& bound : call.positional) {
        if (!bound.isInteger()) return call.refuse("needs integers, not " + std::string(bound.kindName()));
    }
    const bool single = call.positional.size() == 1;
    const std::int64_t start = single ? 0 : call.positional[0].asInteger();
    const std::int64_t stop = single ? call.positional[0].asInteger() : call.positional[1].asInteger();
    const std::int64_t step = call.positional.size() == 3 ? call.positional[2].asInteger() : 1;
    if (step == 0) return call.refuse("the step is zero");
    std::vector<Value> items;
    for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
        if (!call.machine.charge(sizeof(Value))) return {};
        items.push_back(Value::integer(i));
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return call.machine.makeList(std::move(items));
}

// The keyword arguments, after those of a mapping given first.
std::vector<std::pair<std::string, Value>> entriesOf(const Call& call) {
    std::vector<std::pair<std::string, Value>> entries;
    if (!call.positional.empty()) {
        if (call.positional.size() == 1 && call.positional[0].isDict()) {
            entries = call.positional[0].entries();
        } else {
            call.refuse("needs keyword arguments or one mapping");
        }
    }
    for (const auto& [key, value] : call.named) {
        const auto same = std::find_if(entries.begin(), entries.end(),
                                       [&key = key](const auto& entry) { return entry.first == key; });
        if (same != entries.end()) {
            same->second = value;
        } else {
            entries.emplace_back(key, value);
        }
    }
    return entries;
}

Value makeNamespace(const Call& call) {
    auto entries = entriesOf(call);
    // What a namespace holds may hold no namespace: so values form no cycle.
    for (const auto& [key, value] : entries) {
        if (value.containsNamespace()) return call.refuse("a namespace cannot hold another namespace");
    }
    if (!call.machine.charge(128)) return {};
    return Value::makeNamespace(std::move(entries));
}

Value timeText(const Call& call, const std::optional<PromptClock>& clock) {
    const auto format = call.textArgument(0, "format");
    if (!format) return call.refuse("needs a format");
    if (format->size() > 256) return call.refuse("the format is too long");
    if (!clock) return call.refuse("no time is given");
    auto text = formatTime(*format, *clock);
    return text ? call.machine.makeString(std::move(*text)) : call.refuse("the time cannot be represented");
}

}  // namespace

int findFunction(std::string_view name) {
    const auto found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                    [&](const FunctionEntry& entry) { return entry.name == name; });
    return found == kFunctions.end() ? -1 : static_cast<int>(found - kFunctions.begin());
}

std::string_view functionName(int index) { return kFunctions[static_cast<std::size_t>(index)].name; }

Value callFunction(int index, const Call& call, const std::optional<PromptClock>& clock) {
    if (!call.fits(kFunctions[static_cast<std::size_t>(index)].takes)) return {};
    switch (index) {
        case 0: return makeRange(call);
        case 1: return makeNamespace(call);
        case 2: return call.machine.makeDict(entriesOf(call));
        case 3:
            return call.machine.refuse(call.offset,
                                       "the template refuses: " + call.machine.textOf(*call.argument(0, "message")));
        default: return timeText(call, clock);
    }
}

}  // namespace quibble::jinja
