// What every part of the interpreter shares: the first error, and the limits that make a hostile template end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/jinja/value.h"
#include "engine/values/prompt_clock.h"
#include "engine/values/result.h"

namespace quibble::jinja {

struct Limits {
    std::uint64_t steps = 20'000'000;  // nodes evaluated, plus the work of string and list operations
    std::size_t output_bytes = 64u << 20;
    std::size_t memory_bytes = 256u << 20;  // of all values ever made, not only of those that live
    int depth = 800;                        // of evaluation: nested expressions, blocks and macro calls together
};

class Machine {
public:
    Machine(std::string_view source, Limits limits) : source_(source), limits_(limits) {}
    virtual ~Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// Keeps the first error; gives an undefined value for the caller to return.
    Value refuse(std::size_t offset, const std::string& what);
    [[nodiscard]] bool failed() const { return error_.has_value(); }
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

    /// Counts steps; false, with an error, when there were too many.
    bool work(std::uint64_t steps);
    /// Counts memory; false, with an error, when it was too much.
    bool charge(std::size_t bytes);

    // Values that are counted. They give undefined after an error.
    Value makeString(std::string text);
    Value makeList(std::vector<Value> items, bool tuple = false);
    Value makeDict(std::vector<std::pair<std::string, Value>> entries);
    /// toText and toJson, counted before they run. Empty after an error.
    std::string textOf(const Value& value);
    std::string jsonOf(const Value& value, const JsonStyle& style);

protected:
    std::string_view source_;
    Limits limits_;
    std::size_t current_offset_ = 0;  // of the node being evaluated, for errors that know no place

private:
    std::optional<Error> error_;
    std::uint64_t steps_ = 0;
    std::size_t memory_ = 0;
};

/// What a filter, test, method or function takes. Whatever else is given is refused: an argument that is ignored would
/// change the prompt in silence.
struct Parameters {
    std::array<std::string_view, 4> names{};  // in their order; empty ones stand at the end
    std::size_t required = 0;                 // of the first
    bool by_name = true;                      // Python's built-in methods take most of theirs by place only
    bool any = false;                         // as many as are given, of any name: the function itself looks at them
};
inline constexpr Parameters kNoParameters{};

/// One use of a filter, test, method or function.
struct Call {
    Machine& machine;
    std::size_t offset;
    std::string_view name;
    Value self;  // what is filtered or tested, or the object of the method
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;

    /// Whether the arguments are those of the parameters; an error when not.
    [[nodiscard]] bool fits(const Parameters& parameters) const;
    /// By place or by name; nullptr when not given.
    [[nodiscard]] const Value* argument(std::size_t index, std::string_view parameter) const;
    /// A string argument; nothing when not given, an error when it is not a string.
    [[nodiscard]] std::optional<std::string_view> textArgument(std::size_t index, std::string_view parameter) const;
    [[nodiscard]] std::int64_t integerArgument(std::size_t index, std::string_view parameter,
                                               std::int64_t otherwise) const;
    /// Whether an argument is true in the sense of the language.
    [[nodiscard]] bool booleanArgument(std::size_t index, std::string_view parameter, bool otherwise) const;
    /// self as a string; an error and an empty one when it is none.
    [[nodiscard]] std::string_view selfText() const;
    Value refuse(const std::string& what) const;
};

// filters.cpp, tests.cpp, methods.cpp, functions.cpp
Value applyFilter(const Call& call);
bool applyTest(const Call& call);
[[nodiscard]] bool hasMethod(const Value& self, std::string_view name);
Value callMethod(const Call& call);
/// -1 when there is no function of that name.
[[nodiscard]] int findFunction(std::string_view name);
[[nodiscard]] std::string_view functionName(int index);
/// `clock`: what strftime_now shows; without one it is refused.
Value callFunction(int index, const Call& call, const std::optional<PromptClock>& clock);

// operators.cpp
Value attributeOf(Machine& machine, std::size_t offset, const Value& value, const std::string& name);
Value itemOf(Machine& machine, std::size_t offset, const Value& value, const Value& key);
Value sliceOf(Machine& machine, std::size_t offset, const Value& value, const Value& start, const Value& stop,
              const Value& step);
Value applyBinary(Machine& machine, std::size_t offset, std::string_view op, const Value& a, const Value& b);
Value applySign(Machine& machine, std::size_t offset, std::string_view op, const Value& value);
bool compareValues(Machine& machine, std::size_t offset, std::string_view op, const Value& a, const Value& b);
bool containsValue(Machine& machine, std::size_t offset, const Value& container, const Value& item);
/// The values a loop would go through.
std::vector<Value> iterate(Machine& machine, std::size_t offset, const Value& value);
/// Negative, zero or positive; an error when the two have no order.
int orderOf(Machine& machine, std::size_t offset, const Value& a, const Value& b);

}  // namespace quibble::jinja
