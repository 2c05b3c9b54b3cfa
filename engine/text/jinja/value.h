// Values of the template language. Lists and dictionaries never change once made, so values are cheap to copy and can
// form no cycle; only a namespace may be assigned to, and it cannot be put into another, nor can what holds one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

namespace quibble::jinja {

class Value;
struct Node;

struct ListData;
struct DictData;
struct NamespaceData;
struct LoopData;
struct MethodData;

struct Undefined {
    std::shared_ptr<const std::string> name;  // for the error message of a later use; may be null
};
struct None {};
/// A macro that stands inside a loop or another macro sees the variables around it as they are when it is called.
struct MacroRef {
    const Node* node = nullptr;  // owned by the parsed template
    std::shared_ptr<const DictData>
        seen;  // those variables when the macro was made, for when their scopes are gone; null at the top
    std::size_t first_scope = 0, end_scope = 0;  // where their scopes stand while they live
    std::uint64_t scope_id = 0;                  // of the innermost
};
/// A global function, by its place in the table of functions.cpp.
struct FunctionRef {
    int index = 0;
};

class Value {
public:
    Value() : data_(Undefined{}) {}
    static Value undefined(std::string name);
    static Value none() { return Value(Data(None{})); }
    static Value boolean(bool value) { return Value(Data(value)); }
    static Value integer(std::int64_t value) { return Value(Data(value)); }
    static Value real(double value) { return Value(Data(value)); }
    static Value string(std::string value) {
        return Value(Data(std::make_shared<const std::string>(std::move(value))));
    }
    static Value list(std::vector<Value> items, bool tuple = false);
    static Value dict(std::vector<std::pair<std::string, Value>> items);
    static Value makeNamespace(std::vector<std::pair<std::string, Value>> items);
    static Value loop(std::shared_ptr<const LoopData> loop);
    static Value method(Value self, std::string name);
    static Value macro(const Node* node) { return Value(Data(MacroRef{.node = node, .seen = nullptr})); }
    static Value macro(MacroRef reference, std::vector<std::pair<std::string, Value>> seen);
    static Value function(int index) { return Value(Data(FunctionRef{index})); }
    /// Objects keep the order of their keys. Nesting deeper than kMaxNesting is cut off as none.
    static Value fromJson(const nlohmann::ordered_json& json);

    /// Deeper values are refused by the interpreter, so that printing and freeing them cannot exhaust the stack.
    static constexpr int kMaxNesting = 100;
    [[nodiscard]] int nesting() const;
    [[nodiscard]] bool containsNamespace() const;
    /// Bytes that printing the value takes, about: shared parts count each time they occur, so a small value can be
    /// very heavy. Saturates.
    [[nodiscard]] std::size_t weight() const;

    [[nodiscard]] bool isUndefined() const { return std::holds_alternative<Undefined>(data_); }
    [[nodiscard]] bool isNone() const { return std::holds_alternative<None>(data_); }
    [[nodiscard]] bool isBoolean() const { return std::holds_alternative<bool>(data_); }
    [[nodiscard]] bool isInteger() const { return std::holds_alternative<std::int64_t>(data_); }
    [[nodiscard]] bool isReal() const { return std::holds_alternative<double>(data_); }
    [[nodiscard]] bool isNumber() const { return isInteger() || isReal() || isBoolean(); }
    [[nodiscard]] bool isString() const { return std::holds_alternative<std::shared_ptr<const std::string>>(data_); }
    [[nodiscard]] bool isList() const { return std::holds_alternative<std::shared_ptr<const ListData>>(data_); }
    [[nodiscard]] bool isDict() const { return std::holds_alternative<std::shared_ptr<const DictData>>(data_); }
    [[nodiscard]] bool isNamespace() const { return std::holds_alternative<std::shared_ptr<NamespaceData>>(data_); }
    [[nodiscard]] bool isCallable() const;

    // Accessors. REQUIRES the kind.
    [[nodiscard]] const std::string& text() const { return *std::get<std::shared_ptr<const std::string>>(data_); }
    [[nodiscard]] const std::vector<Value>& items() const;
    [[nodiscard]] bool isTuple() const;
    [[nodiscard]] const std::vector<std::pair<std::string, Value>>& entries() const;  // of a dict or a namespace
    [[nodiscard]] NamespaceData& space() const { return *std::get<std::shared_ptr<NamespaceData>>(data_); }
    /// Booleans count as 0 and 1.
    [[nodiscard]] std::int64_t asInteger() const;
    [[nodiscard]] double asReal() const;
    /// nullptr when it is another kind.
    [[nodiscard]] const LoopData* asLoop() const;
    [[nodiscard]] const MethodData* asMethod() const;
    [[nodiscard]] const MacroRef* asMacro() const { return std::get_if<MacroRef>(&data_); }
    [[nodiscard]] const FunctionRef* asFunction() const { return std::get_if<FunctionRef>(&data_); }
    [[nodiscard]] std::string undefinedName() const;
    /// Entry of a dict or a namespace; nullptr when missing.
    [[nodiscard]] const Value* entry(std::string_view key) const;

    /// Python's truth: empty, zero, none and undefined are false.
    [[nodiscard]] bool truthy() const;
    /// "a string", "an integer", ... for messages.
    [[nodiscard]] std::string_view kindName() const;

private:
    using Data =
        std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const std::string>,
                     std::shared_ptr<const ListData>, std::shared_ptr<const DictData>, std::shared_ptr<NamespaceData>,
                     std::shared_ptr<const LoopData>, std::shared_ptr<const MethodData>, MacroRef, FunctionRef>;
    explicit Value(Data data) : data_(std::move(data)) {}
    Data data_;
};

struct ListData {
    std::vector<Value> items;
    bool tuple = false;
    int nesting = 1;
    std::size_t weight = 16;
    bool contains_namespace = false;
};
struct DictData {
    std::vector<std::pair<std::string, Value>> entries;
    int nesting = 1;
    std::size_t weight = 16;
    bool contains_namespace = false;
};
struct NamespaceData {
    std::vector<std::pair<std::string, Value>> entries;
    void set(std::string_view key, Value value);
};
/// One pass of a for loop.
struct LoopData {
    Value items;  // a list
    std::size_t index = 0;
};
struct MethodData {
    Value self;
    std::string name;
    int nesting = 1;
};

/// Equality as Python has it: 1 == 1.0 == true, lists and dicts by content.
[[nodiscard]] bool equal(const Value& a, const Value& b);
/// What {{ value }} prints.
[[nodiscard]] std::string toText(const Value& value);
/// Python's repr: strings quoted.
[[nodiscard]] std::string toRepr(const Value& value);
/// Python's repr of a float: shortest digits that read back, exponent outside 1e-4 .. 1e16.
[[nodiscard]] std::string realToText(double value);

struct JsonStyle {
    int indent = -1;  // -1: one line
    bool sort_keys = false;
    bool ascii = false;
    std::string item_separator = ", ";
    std::string key_separator = ": ";
};
/// As Python's json.dumps; undefined and callable values are printed as null.
[[nodiscard]] std::string toJson(const Value& value, const JsonStyle& style);

}  // namespace quibble::jinja
