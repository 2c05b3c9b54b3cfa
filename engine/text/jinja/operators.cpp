// Operators, attributes, items and slices, with Python's rules.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/text/jinja/machine.h"
#include "engine/text/jinja/percent_format.h"
#include "engine/text/jinja/strings.h"

namespace quibble::jinja {
namespace {

Value noOperation(Machine& machine, std::size_t offset, std::string_view op, const Value& a, const Value& b) {
    for (const Value* side : {&a, &b}) {
        if (side->isUndefined()) return machine.refuse(offset, "'" + side->undefinedName() + "' is undefined");
    }
    return machine.refuse(offset, "'" + std::string(op) + "' cannot join " + std::string(a.kindName()) + " and " +
                                      std::string(b.kindName()));
}

Value overflow(Machine& machine, std::size_t offset) {
    return machine.refuse(offset, "an integer is too large for 64 bits");
}

// Division that rounds down, and the remainder that goes with it. REQUIRES b != 0 and no overflow.
std::int64_t floorDivide(std::int64_t a, std::int64_t b) {
    const std::int64_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

Value integerPower(Machine& machine, std::size_t offset, std::int64_t base, std::int64_t exponent) {
    std::int64_t result = 1;
    for (std::int64_t i = 0; i < exponent; ++i) {
        if (!machine.work(1)) return {};
        if (__builtin_mul_overflow(result, base, &result)) return overflow(machine, offset);
    }
    return Value::integer(result);
}

Value integerOperation(Machine& machine, std::size_t offset, std::string_view op, std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (op == "+") return __builtin_add_overflow(a, b, &result) ? overflow(machine, offset) : Value::integer(result);
    if (op == "-") return __builtin_sub_overflow(a, b, &result) ? overflow(machine, offset) : Value::integer(result);
    if (op == "*") return __builtin_mul_overflow(a, b, &result) ? overflow(machine, offset) : Value::integer(result);
    if (op == "**" && b >= 0) return integerPower(machine, offset, a, b);
    if (op == "**") return Value::real(std::pow(static_cast<double>(a), static_cast<double>(b)));
    if (b == 0) return machine.refuse(offset, "division by zero");
    if (op == "/") return Value::real(static_cast<double>(a) / static_cast<double>(b));
    if (a == std::numeric_limits<std::int64_t>::min() && b == -1) return overflow(machine, offset);
    const std::int64_t quotient = floorDivide(a, b);
    return Value::integer(op == "//" ? quotient : a - quotient * b);
}

Value realOperation(Machine& machine, std::size_t offset, std::string_view op, double a, double b) {
    if (op == "+") return Value::real(a + b);
    if (op == "-") return Value::real(a - b);
    if (op == "*") return Value::real(a * b);
    if (op == "**") return Value::real(std::pow(a, b));
    if (b == 0) return machine.refuse(offset, "division by zero");
    if (op == "/") return Value::real(a / b);
    const double quotient = std::floor(a / b);
    return Value::real(op == "//" ? quotient : a - quotient * b);
}

Value repeat(Machine& machine, std::size_t offset, const Value& value, std::int64_t count) {
    const std::size_t times = count < 0 ? 0 : static_cast<std::size_t>(count);
    const std::size_t each = value.isString() ? value.text().size() : value.items().size() * sizeof(Value);
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(times, each, &bytes) || !machine.charge(bytes))
        return machine.refuse(offset, "the repeated value is too large");
    if (value.isString()) {
        std::string out;
        out.reserve(bytes);
        for (std::size_t i = 0; i < times && each > 0; ++i) out += value.text();
        return machine.makeString(std::move(out));
    }
    std::vector<Value> out;
    for (std::size_t i = 0; i < times && each > 0; ++i)
        out.insert(out.end(), value.items().begin(), value.items().end());
    return machine.makeList(std::move(out));
}

// An index counted from the end when negative; nothing when outside.
std::optional<std::size_t> wrapIndex(std::int64_t index, std::size_t size) {
    const auto count = static_cast<std::int64_t>(size);
    if (index < 0) index += count;
    if (index < 0 || index >= count) return std::nullopt;
    return static_cast<std::size_t>(index);
}

Value loopAttribute(const LoopData& loop, const std::string& name) {
    const auto& items = loop.items.items();
    const auto index = static_cast<std::int64_t>(loop.index);
    const auto length = static_cast<std::int64_t>(items.size());
    if (name == "index0") return Value::integer(index);
    if (name == "index") return Value::integer(index + 1);
    if (name == "revindex0") return Value::integer(length - index - 1);
    if (name == "revindex") return Value::integer(length - index);
    if (name == "length") return Value::integer(length);
    if (name == "first") return Value::boolean(index == 0);
    if (name == "last") return Value::boolean(index + 1 == length);
    if (name == "depth") return Value::integer(1);  // loops that call themselves are refused
    if (name == "depth0") return Value::integer(0);
    if (name == "previtem" && index > 0) return items[loop.index - 1];
    if (name == "nextitem" && index + 1 < length) return items[loop.index + 1];
    return Value::undefined("loop." + name);
}

}  // namespace

Value attributeOf(Machine& machine, std::size_t offset, const Value& value, const std::string& name) {
    if (value.isUndefined())
        return machine.refuse(offset, "'" + value.undefinedName() + "' is undefined, so it has no '" + name + "'");
    if (const LoopData* loop = value.asLoop())
        return hasMethod(value, name) ? Value::method(value, name) : loopAttribute(*loop, name);
    if (hasMethod(value, name)) return Value::method(value, name);
    if (value.isDict() || value.isNamespace()) {
        machine.work(value.entries().size() / 16);
        if (const Value* found = value.entry(name)) return *found;
    }
    return Value::undefined(name);
}

Value itemOf(Machine& machine, std::size_t offset, const Value& value, const Value& key) {
    if (value.isUndefined())
        return machine.refuse(offset, "'" + value.undefinedName() + "' is undefined, so it has no items");
    if (key.isString()) {
        if (value.isDict()) {
            machine.work(value.entries().size() / 16);
            if (const Value* found = value.entry(key.text())) return *found;
        }
        return attributeOf(machine, offset, value, key.text());
    }
    if (key.isInteger() || key.isBoolean()) {
        if (value.isList()) {
            const auto index = wrapIndex(key.asInteger(), value.items().size());
            return index ? value.items()[*index] : Value::undefined("item " + std::to_string(key.asInteger()));
        }
        if (value.isString()) {
            machine.work(value.text().size() / 16);
            const auto parts = characters(value.text());
            const auto index = wrapIndex(key.asInteger(), parts.size());
            return index ? machine.makeString(std::string(parts[*index]))
                         : Value::undefined("item " + std::to_string(key.asInteger()));
        }
    }
    return Value::undefined("item");
}

Value sliceOf(Machine& machine, std::size_t offset, const Value& value, const Value& start, const Value& stop,
              const Value& step) {
    if (!value.isString() && !value.isList())
        return machine.refuse(offset, "only strings and lists can be sliced, not " + std::string(value.kindName()));
    for (const Value* part : {&start, &stop, &step}) {
        if (!part->isNone() && !part->isInteger())
            return machine.refuse(offset, "a slice needs integers, not " + std::string(part->kindName()));
    }
    std::vector<std::string_view> letters;
    if (value.isString()) letters = characters(value.text());
    const auto size = static_cast<std::int64_t>(value.isString() ? letters.size() : value.items().size());
    if (!machine.work(static_cast<std::uint64_t>(size) / 8)) return {};
    const std::int64_t stride = step.isNone() ? 1 : step.asInteger();
    if (stride == 0) return machine.refuse(offset, "the step of a slice is zero");
    // Python's rule: count negative ends from the back, then clamp to the range of the direction.
    const std::int64_t lowest = stride < 0 ? -1 : 0;
    const std::int64_t highest = stride < 0 ? size - 1 : size;
    const auto bound = [&](const Value& part, std::int64_t otherwise) {
        if (part.isNone()) return otherwise;
        const std::int64_t given = part.asInteger();
        return std::clamp(given < 0 ? std::max<std::int64_t>(given, -size - 1) + size : given, lowest, highest);
    };
    const std::int64_t from = bound(start, stride < 0 ? highest : lowest);
    const std::int64_t to = bound(stop, stride < 0 ? lowest : highest);
    std::string text;
    std::vector<Value> items;
    for (std::int64_t i = from; stride > 0 ? i < to : i > to;) {
        if (value.isString()) {
            text += letters[static_cast<std::size_t>(i)];
        } else {
            items.push_back(value.items()[static_cast<std::size_t>(i)]);
        }
        if (__builtin_add_overflow(i, stride, &i)) break;
    }
    return value.isString() ? machine.makeString(std::move(text)) : machine.makeList(std::move(items), value.isTuple());
}

Value applyBinary(Machine& machine, std::size_t offset, std::string_view op, const Value& a, const Value& b) {
    if (a.isNumber() && b.isNumber()) {
        if (a.isReal() || b.isReal()) return realOperation(machine, offset, op, a.asReal(), b.asReal());
        return integerOperation(machine, offset, op, a.asInteger(), b.asInteger());
    }
    if (op == "+" && a.isString() && b.isString()) {
        std::string joined;
        if (!machine.charge(a.text().size() + b.text().size())) return {};
        return Value::string(joined.append(a.text()).append(b.text()));
    }
    if (op == "+" && a.isList() && b.isList() && a.isTuple() == b.isTuple()) {
        std::vector<Value> joined = a.items();
        joined.insert(joined.end(), b.items().begin(), b.items().end());
        return machine.makeList(std::move(joined), a.isTuple());
    }
    if (op == "*" && (a.isString() || a.isList()) && b.isInteger()) return repeat(machine, offset, a, b.asInteger());
    if (op == "*" && (b.isString() || b.isList()) && a.isInteger()) return repeat(machine, offset, b, a.asInteger());
    if (op == "%" && a.isString()) return formatPercent(machine, offset, a.text(), b);
    return noOperation(machine, offset, op, a, b);
}

Value applySign(Machine& machine, std::size_t offset, std::string_view op, const Value& value) {
    if (value.isReal()) return Value::real(op == "-" ? -value.asReal() : value.asReal());
    if (value.isNumber()) return integerOperation(machine, offset, op, 0, value.asInteger());
    return machine.refuse(offset, "'" + std::string(op) + "' needs a number, not " + std::string(value.kindName()));
}

int orderOf(Machine& machine, std::size_t offset, const Value& a, const Value& b) {
    if (a.isNumber() && b.isNumber()) {
        if (a.isReal() || b.isReal()) return a.asReal() < b.asReal() ? -1 : a.asReal() > b.asReal() ? 1 : 0;
        return a.asInteger() < b.asInteger() ? -1 : a.asInteger() > b.asInteger() ? 1 : 0;
    }
    if (a.isString() && b.isString()) {
        machine.work(std::min(a.text().size(), b.text().size()) / 64);
        return a.text().compare(b.text());
    }
    if (a.isList() && b.isList()) {
        const std::size_t common = std::min(a.items().size(), b.items().size());
        for (std::size_t i = 0; i < common && machine.work(1); ++i) {
            if (equal(a.items()[i], b.items()[i])) continue;
            return orderOf(machine, offset, a.items()[i], b.items()[i]);
        }
        return a.items().size() < b.items().size() ? -1 : a.items().size() > b.items().size() ? 1 : 0;
    }
    noOperation(machine, offset, "<", a, b);
    return 0;
}

bool compareValues(Machine& machine, std::size_t offset, std::string_view op, const Value& a, const Value& b) {
    // Comparing walks both until they differ.
    machine.work(std::min(a.weight(), b.weight()) / 64);
    if (machine.failed()) return false;
    if (op == "==") return equal(a, b);
    if (op == "!=") return !equal(a, b);
    if (op == "in") return containsValue(machine, offset, b, a);
    if (op == "not in") return !containsValue(machine, offset, b, a);
    if (a.isReal() && std::isnan(a.asReal())) return false;
    if (b.isReal() && std::isnan(b.asReal())) return false;
    const int order = orderOf(machine, offset, a, b);
    if (op == "<") return order < 0;
    if (op == "<=") return order <= 0;
    if (op == ">") return order > 0;
    return order >= 0;
}

bool containsValue(Machine& machine, std::size_t offset, const Value& container, const Value& item) {
    if (container.isUndefined()) return false;
    if (container.isString() && item.isString()) {
        // Substring search may take the product of the two lengths.
        machine.work(container.text().size() * std::max<std::size_t>(item.text().size(), 1) / 64);
        return !machine.failed() && container.text().find(item.text()) != std::string::npos;
    }
    if (container.isList()) {
        machine.work(container.items().size());
        return std::any_of(container.items().begin(), container.items().end(),
                           [&](const Value& other) { return compareValues(machine, offset, "==", other, item); });
    }
    if (container.isDict() || container.isNamespace()) {
        machine.work(container.entries().size() / 16);
        return item.isString() && container.entry(item.text()) != nullptr;
    }
    machine.refuse(offset,
                   "'in' cannot look for " + std::string(item.kindName()) + " in " + std::string(container.kindName()));
    return false;
}

std::vector<Value> iterate(Machine& machine, std::size_t offset, const Value& value) {
    if (value.isList()) {
        machine.charge(value.items().size() * sizeof(Value));
        return machine.failed() ? std::vector<Value>{} : value.items();
    }
    std::vector<Value> out;
    if (value.isDict()) {
        for (const auto& [key, entry] : value.entries()) out.push_back(machine.makeString(key));
    } else if (value.isString()) {
        for (const std::string_view character : characters(value.text())) {
            if (machine.failed()) break;
            out.push_back(machine.makeString(std::string(character)));
        }
    } else if (!value.isUndefined()) {
        machine.refuse(offset, std::string(value.kindName()) + " cannot be looped over");
    }
    return out;
}

}  // namespace quibble::jinja
