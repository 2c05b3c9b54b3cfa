#include "engine/text/jinja/value.h"

#include <algorithm>

namespace quibble::jinja {

namespace {

constexpr std::size_t kMaxWeight = std::size_t{1} << 60;

std::size_t addWeight(std::size_t a, std::size_t b) { return std::min(a + b, kMaxWeight); }

}  // namespace

Value Value::undefined(std::string name) {
    return Value(Data(Undefined{std::make_shared<const std::string>(std::move(name))}));
}

Value Value::list(std::vector<Value> items, bool tuple) {
    auto data = std::make_shared<ListData>();
    for (const Value& item : items) {
        data->nesting = std::max(data->nesting, item.nesting() + 1);
        data->weight = addWeight(data->weight, item.weight());
        data->contains_namespace = data->contains_namespace || item.containsNamespace();
    }
    data->items = std::move(items);
    data->tuple = tuple;
    return Value(Data(std::shared_ptr<const ListData>(std::move(data))));
}

namespace {

std::shared_ptr<const DictData> dictData(std::vector<std::pair<std::string, Value>> items) {
    auto data = std::make_shared<DictData>();
    for (const auto& [key, item] : items) {
        data->nesting = std::max(data->nesting, item.nesting() + 1);
        data->weight = addWeight(data->weight, item.weight() + key.size());
        data->contains_namespace = data->contains_namespace || item.containsNamespace();
    }
    data->entries = std::move(items);
    return data;
}

}  // namespace

Value Value::dict(std::vector<std::pair<std::string, Value>> items) { return Value(Data(dictData(std::move(items)))); }

Value Value::macro(MacroRef reference, std::vector<std::pair<std::string, Value>> seen) {
    reference.seen = dictData(std::move(seen));
    return Value(Data(std::move(reference)));
}

Value Value::makeNamespace(std::vector<std::pair<std::string, Value>> items) {
    auto data = std::make_shared<NamespaceData>();
    for (auto& item : items) data->set(item.first, std::move(item.second));
    return Value(Data(std::move(data)));
}

Value Value::loop(std::shared_ptr<const LoopData> loop) { return Value(Data(std::move(loop))); }

Value Value::method(Value self, std::string name) {
    auto data = std::make_shared<MethodData>();
    data->nesting = self.nesting() + 1;
    data->self = std::move(self);
    data->name = std::move(name);
    return Value(Data(std::shared_ptr<const MethodData>(std::move(data))));
}

namespace {

Value fromJsonAt(const nlohmann::ordered_json& json, int depth) {
    if (depth >= Value::kMaxNesting) return Value::none();
    switch (json.type()) {
        case nlohmann::ordered_json::value_t::boolean: return Value::boolean(json.get<bool>());
        case nlohmann::ordered_json::value_t::number_integer: return Value::integer(json.get<std::int64_t>());
        case nlohmann::ordered_json::value_t::number_unsigned: {
            const auto number = json.get<std::uint64_t>();
            return number <= INT64_MAX ? Value::integer(static_cast<std::int64_t>(number))
                                       : Value::real(static_cast<double>(number));
        }
        case nlohmann::ordered_json::value_t::number_float: return Value::real(json.get<double>());
        case nlohmann::ordered_json::value_t::string: return Value::string(json.get<std::string>());
        case nlohmann::ordered_json::value_t::array: {
            std::vector<Value> items;
            for (const auto& item : json) items.push_back(fromJsonAt(item, depth + 1));
            return Value::list(std::move(items));
        }
        case nlohmann::ordered_json::value_t::object: {
            std::vector<std::pair<std::string, Value>> entries;
            for (const auto& [key, item] : json.items()) entries.emplace_back(key, fromJsonAt(item, depth + 1));
            return Value::dict(std::move(entries));
        }
        default: return Value::none();
    }
}

}  // namespace

Value Value::fromJson(const nlohmann::ordered_json& json) { return fromJsonAt(json, 0); }

int Value::nesting() const {
    if (const auto* list = std::get_if<std::shared_ptr<const ListData>>(&data_)) return (*list)->nesting;
    if (const auto* dict = std::get_if<std::shared_ptr<const DictData>>(&data_)) return (*dict)->nesting;
    if (const auto* method = std::get_if<std::shared_ptr<const MethodData>>(&data_)) return (*method)->nesting;
    if (const LoopData* loop = asLoop()) return loop->items.nesting() + 1;
    if (const MacroRef* macro = asMacro()) return macro->seen == nullptr ? 0 : macro->seen->nesting;
    return 0;
}

std::size_t Value::weight() const {
    if (isString()) return text().size() + 16;
    if (const auto* list = std::get_if<std::shared_ptr<const ListData>>(&data_)) return (*list)->weight;
    if (const auto* dict = std::get_if<std::shared_ptr<const DictData>>(&data_)) return (*dict)->weight;
    if (const MethodData* method = asMethod()) return method->self.weight();
    if (const LoopData* loop = asLoop()) return loop->items.weight();
    if (!isNamespace()) return 16;
    std::size_t sum = 16;
    for (const auto& [key, value] : entries()) sum = addWeight(sum, value.weight() + key.size());
    return sum;
}

bool Value::containsNamespace() const {
    if (const auto* list = std::get_if<std::shared_ptr<const ListData>>(&data_)) return (*list)->contains_namespace;
    if (const auto* dict = std::get_if<std::shared_ptr<const DictData>>(&data_)) return (*dict)->contains_namespace;
    if (const MethodData* method = asMethod()) return method->self.containsNamespace();
    if (const LoopData* loop = asLoop()) return loop->items.containsNamespace();
    if (const MacroRef* macro = asMacro()) return macro->seen != nullptr && macro->seen->contains_namespace;
    return isNamespace();
}

bool Value::isCallable() const { return asMethod() != nullptr || asMacro() != nullptr || asFunction() != nullptr; }

const std::vector<Value>& Value::items() const { return std::get<std::shared_ptr<const ListData>>(data_)->items; }
bool Value::isTuple() const { return isList() && std::get<std::shared_ptr<const ListData>>(data_)->tuple; }

const std::vector<std::pair<std::string, Value>>& Value::entries() const {
    return isNamespace() ? space().entries : std::get<std::shared_ptr<const DictData>>(data_)->entries;
}

std::int64_t Value::asInteger() const {
    if (const bool* flag = std::get_if<bool>(&data_)) return *flag ? 1 : 0;
    return std::get<std::int64_t>(data_);
}

double Value::asReal() const {
    if (const double* real = std::get_if<double>(&data_)) return *real;
    return static_cast<double>(asInteger());
}

const LoopData* Value::asLoop() const {
    const auto* loop = std::get_if<std::shared_ptr<const LoopData>>(&data_);
    return loop == nullptr ? nullptr : loop->get();
}

const MethodData* Value::asMethod() const {
    const auto* method = std::get_if<std::shared_ptr<const MethodData>>(&data_);
    return method == nullptr ? nullptr : method->get();
}

std::string Value::undefinedName() const {
    const auto* undefined = std::get_if<Undefined>(&data_);
    return undefined == nullptr || undefined->name == nullptr ? "value" : *undefined->name;
}

const Value* Value::entry(std::string_view key) const {
    for (const auto& [name, value] : entries()) {
        if (name == key) return &value;
    }
    return nullptr;
}

bool Value::truthy() const {
    if (isUndefined() || isNone()) return false;
    if (const bool* flag = std::get_if<bool>(&data_)) return *flag;
    if (isInteger()) return asInteger() != 0;
    if (isReal()) return asReal() != 0;
    if (isString()) return !text().empty();
    if (isList()) return !items().empty();
    if (isDict()) return !entries().empty();
    return true;
}

std::string_view Value::kindName() const {
    if (isUndefined()) return "an undefined value";
    if (isNone()) return "none";
    if (isBoolean()) return "a boolean";
    if (isInteger()) return "an integer";
    if (isReal()) return "a float";
    if (isString()) return "a string";
    if (isList()) return "a list";
    if (isDict()) return "a mapping";
    if (isNamespace()) return "a namespace";
    if (asLoop() != nullptr) return "a loop";
    return "a function";
}

void NamespaceData::set(std::string_view key, Value value) {
    for (auto& [name, old] : entries) {
        if (name == key) {
            old = std::move(value);
            return;
        }
    }
    entries.emplace_back(std::string(key), std::move(value));
}

namespace {

// Entries in order of their keys, so that comparing large mappings is not quadratic.
std::vector<const std::pair<std::string, Value>*> byKey(const Value& dict) {
    std::vector<const std::pair<std::string, Value>*> order;
    order.reserve(dict.entries().size());
    for (const auto& entry : dict.entries()) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    return order;
}

}  // namespace

bool equal(const Value& a, const Value& b) {
    if (a.isNumber() && b.isNumber()) {
        if (a.isReal() || b.isReal()) return a.asReal() == b.asReal();
        return a.asInteger() == b.asInteger();
    }
    if (a.isString() && b.isString()) return a.text() == b.text();
    if (a.isList() && b.isList())
        return a.isTuple() == b.isTuple() &&
               std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(), equal);
    if (a.isDict() && b.isDict()) {
        if (a.entries().size() != b.entries().size()) return false;
        const auto first = byKey(a);
        const auto second = byKey(b);
        return std::equal(first.begin(), first.end(), second.begin(), [](const auto* x, const auto* y) {
            return x->first == y->first && equal(x->second, y->second);
        });
    }
    if (a.isNamespace() && b.isNamespace()) return &a.space() == &b.space();
    return (a.isUndefined() && b.isUndefined()) || (a.isNone() && b.isNone());
}

}  // namespace quibble::jinja
