// "value is test".
#include <algorithm>
#include <array>

#include "engine/text/jinja/machine.h"
#include "engine/text/jinja/strings.h"

namespace quibble::jinja {
namespace {

constexpr Parameters kOther{.names = {"other"}, .required = 1, .by_name = false};

const Value& argumentOf(const Call& call) {
    return call.positional.empty() ? call.named.front().second : call.positional.front();
}  // there is exactly one

bool isSequence(const Value& value) { return value.isString() || value.isList() || value.isDict(); }

std::int64_t integerOf(const Call& call) {
    if (call.self.isInteger()) return call.self.asInteger();
    call.refuse("needs an integer, not " + std::string(call.self.kindName()));
    return 0;
}

bool divisible(const Call& call) {
    const Value& by = argumentOf(call);
    if (!by.isInteger() || by.asInteger() == 0) {
        call.refuse("needs an integer that is not zero");
        return false;
    }
    return by.asInteger() == -1 || integerOf(call) % by.asInteger() == 0;
}

bool sameObject(const Value& a, const Value& b) { return a.kindName() == b.kindName() && equal(a, b); }

bool isCased(const Call& call, std::string (*convert)(std::string_view)) {
    const std::string_view text = call.selfText();
    return lowerCase(text) != upperCase(text) && convert(text) == text;
}

using Test = bool (*)(const Call&);
struct TestEntry {
    std::string_view name;
    Test run;
    Parameters takes = kNoParameters;
};

constexpr std::array kTests = std::to_array<TestEntry>({
    {"defined", [](const Call& c) { return !c.self.isUndefined(); }},
    {"undefined", [](const Call& c) { return c.self.isUndefined(); }},
    {"none", [](const Call& c) { return c.self.isNone(); }},
    {"true", [](const Call& c) { return c.self.isBoolean() && c.self.truthy(); }},
    {"false", [](const Call& c) { return c.self.isBoolean() && !c.self.truthy(); }},
    {"boolean", [](const Call& c) { return c.self.isBoolean(); }},
    {"integer", [](const Call& c) { return c.self.isInteger(); }},
    {"float", [](const Call& c) { return c.self.isReal(); }},
    {"number", [](const Call& c) { return c.self.isNumber(); }},
    {"string", [](const Call& c) { return c.self.isString(); }},
    {"mapping", [](const Call& c) { return c.self.isDict(); }},
    {"sequence", [](const Call& c) { return isSequence(c.self); }},
    {"iterable", [](const Call& c) { return isSequence(c.self) || c.self.isUndefined(); }},
    {"callable", [](const Call& c) { return c.self.isCallable(); }},
    {"odd", [](const Call& c) { return integerOf(c) % 2 != 0; }},
    {"even", [](const Call& c) { return integerOf(c) % 2 == 0; }},
    {"divisibleby", divisible, {.names = {"num"}, .required = 1}},
    {"lower", [](const Call& c) { return isCased(c, lowerCase); }},
    {"upper", [](const Call& c) { return isCased(c, upperCase); }},
    {"sameas", [](const Call& c) { return sameObject(c.self, argumentOf(c)); }, {.names = {"other"}, .required = 1}},
    {"in",
     [](const Call& c) { return containsValue(c.machine, c.offset, argumentOf(c), c.self); },
     {.names = {"seq"}, .required = 1}},
    {"eq", [](const Call& c) { return compareValues(c.machine, c.offset, "==", c.self, argumentOf(c)); }, kOther},
    {"equalto", [](const Call& c) { return compareValues(c.machine, c.offset, "==", c.self, argumentOf(c)); }, kOther},
    {"==", [](const Call& c) { return compareValues(c.machine, c.offset, "==", c.self, argumentOf(c)); }, kOther},
    {"ne", [](const Call& c) { return compareValues(c.machine, c.offset, "!=", c.self, argumentOf(c)); }, kOther},
    {"!=", [](const Call& c) { return compareValues(c.machine, c.offset, "!=", c.self, argumentOf(c)); }, kOther},
    {"lt", [](const Call& c) { return compareValues(c.machine, c.offset, "<", c.self, argumentOf(c)); }, kOther},
    {"<", [](const Call& c) { return compareValues(c.machine, c.offset, "<", c.self, argumentOf(c)); }, kOther},
    {"le", [](const Call& c) { return compareValues(c.machine, c.offset, "<=", c.self, argumentOf(c)); }, kOther},
    {"<=", [](const Call& c) { return compareValues(c.machine, c.offset, "<=", c.self, argumentOf(c)); }, kOther},
    {"gt", [](const Call& c) { return compareValues(c.machine, c.offset, ">", c.self, argumentOf(c)); }, kOther},
    {">", [](const Call& c) { return compareValues(c.machine, c.offset, ">", c.self, argumentOf(c)); }, kOther},
    {"ge", [](const Call& c) { return compareValues(c.machine, c.offset, ">=", c.self, argumentOf(c)); }, kOther},
    {">=", [](const Call& c) { return compareValues(c.machine, c.offset, ">=", c.self, argumentOf(c)); }, kOther},
});

}  // namespace

bool applyTest(const Call& call) {
    const auto found =
        std::find_if(kTests.begin(), kTests.end(), [&](const TestEntry& entry) { return entry.name == call.name; });
    if (found != kTests.end()) return call.fits(found->takes) && found->run(call);
    call.machine.refuse(call.offset, "there is no test '" + std::string(call.name) + "'");
    return false;
}

}  // namespace quibble::jinja
