#include "engine/text/jinja/machine.h"

#include <algorithm>

#include "engine/text/jinja/lexer.h"

namespace quibble::jinja {

Value Machine::refuse(std::size_t offset, const std::string& what) {
    if (!error_) error_ = templateError(source_, offset, what).value();
    return {};
}

bool Machine::work(std::uint64_t steps) {
    if (failed()) return false;
    steps_ += std::min<std::uint64_t>(steps, limits_.steps + 1);
    if (steps_ > limits_.steps)
        refuse(current_offset_, "the template runs too long (more than " + std::to_string(limits_.steps) + " steps)");
    return !failed();
}

bool Machine::charge(std::size_t bytes) {
    if (failed()) return false;
    if (bytes > limits_.memory_bytes - memory_) {
        refuse(current_offset_,
               "the template needs too much memory (more than " + std::to_string(limits_.memory_bytes) + " bytes)");
        return false;
    }
    memory_ += bytes;
    return work(bytes / 64);
}

Value Machine::makeString(std::string text) {
    if (!charge(text.size() + 48)) return {};
    return Value::string(std::move(text));
}

Value Machine::makeList(std::vector<Value> items, bool tuple) {
    if (!charge(items.size() * sizeof(Value) + 64)) return {};
    Value list = Value::list(std::move(items), tuple);
    if (list.nesting() > Value::kMaxNesting) return refuse(current_offset_, "lists or mappings are nested too deeply");
    return list;
}

Value Machine::makeDict(std::vector<std::pair<std::string, Value>> entries) {
    std::size_t bytes = 64;
    for (const auto& [key, value] : entries) bytes += key.size() + sizeof(std::string) + sizeof(Value);
    if (!charge(bytes)) return {};
    Value dict = Value::dict(std::move(entries));
    if (dict.nesting() > Value::kMaxNesting) return refuse(current_offset_, "lists or mappings are nested too deeply");
    return dict;
}

std::string Machine::textOf(const Value& value) {
    if (value.isString() ? !work(value.text().size() / 64) : !charge(value.weight())) return {};
    return toText(value);
}

std::string Machine::jsonOf(const Value& value, const JsonStyle& style) {
    // An escape takes up to six bytes; an indent adds its width once per value and level.
    const std::size_t indent =
        style.indent > 0 ? static_cast<std::size_t>(style.indent) * static_cast<std::size_t>(value.nesting() + 1) : 0;
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(value.weight(), 1 + indent / 16, &bytes) || !charge(bytes)) {
        refuse(current_offset_, "the JSON text is too large");
        return {};
    }
    return toJson(value, style);
}

bool Call::fits(const Parameters& parameters) const {
    if (parameters.any) return true;
    const auto last = std::find(parameters.names.begin(), parameters.names.end(), std::string_view{});
    const auto count = static_cast<std::size_t>(last - parameters.names.begin());
    if (positional.size() > count) {
        refuse(count == 0
                   ? "takes no arguments"
                   : "takes at most " + std::to_string(count) + " arguments, not " + std::to_string(positional.size()));
        return false;
    }
    for (const auto& [given, value] : named) {
        const auto place =
            static_cast<std::size_t>(std::find(parameters.names.begin(), last, given) - parameters.names.begin());
        if (place == count || !parameters.by_name)
            refuse("takes no argument named '" + given + "'");
        else if (place < positional.size())
            refuse("gets '" + given + "' twice");
    }
    for (std::size_t i = positional.size(); i < parameters.required; ++i) {
        if (argument(i, parameters.names[i]) == nullptr) refuse("needs '" + std::string(parameters.names[i]) + "'");
    }
    return !machine.failed();
}

const Value* Call::argument(std::size_t index, std::string_view parameter) const {
    if (index < positional.size()) return &positional[index];
    for (const auto& [key, value] : named) {
        if (key == parameter) return &value;
    }
    return nullptr;
}

std::optional<std::string_view> Call::textArgument(std::size_t index, std::string_view parameter) const {
    const Value* given = argument(index, parameter);
    if (given == nullptr || given->isNone()) return std::nullopt;
    if (given->isString()) return given->text();
    refuse("'" + std::string(parameter) + "' is " + std::string(given->kindName()) + ", not a string");
    return std::nullopt;
}

std::int64_t Call::integerArgument(std::size_t index, std::string_view parameter, std::int64_t otherwise) const {
    const Value* given = argument(index, parameter);
    if (given == nullptr || given->isNone()) return otherwise;
    if (given->isInteger() || given->isBoolean()) return given->asInteger();
    refuse("'" + std::string(parameter) + "' is " + std::string(given->kindName()) + ", not an integer");
    return otherwise;
}

bool Call::booleanArgument(std::size_t index, std::string_view parameter, bool otherwise) const {
    const Value* given = argument(index, parameter);
    return given == nullptr ? otherwise : given->truthy();
}

std::string_view Call::selfText() const {
    if (self.isString()) return self.text();
    refuse("needs a string, not " + std::string(self.kindName()));
    return {};
}

Value Call::refuse(const std::string& what) const { return machine.refuse(offset, std::string(name) + ": " + what); }

}  // namespace quibble::jinja
