// Walks the tree and writes the output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/jinja/ast.h"
#include "engine/text/jinja/machine.h"

namespace quibble::jinja {

class Interpreter final : public Machine {
public:
    using Variables = std::vector<std::pair<std::string, Value>>;
    /// `clock` as for callFunction. The source is for messages and must outlive the interpreter, as must the tree.
    Interpreter(std::string_view source, Variables variables, std::optional<PromptClock> clock, Limits limits)
        : Machine(source, limits), variables_(std::move(variables)), clock_(clock) {}

    [[nodiscard]] Result<std::string> run(const Body& body);

private:
    enum class Flow { Normal, Break, Continue };
    using Variable = std::pair<std::string_view, Value>;  // the name points into the tree
    struct Scope {
        std::vector<Variable> values;
        std::uint64_t id = 0;  // no two scopes of a run have the same
    };
    class DepthGuard;

    // interpreter.cpp: statements
    Flow execute(const Body& body);
    Flow executeNode(const Node& node);
    Flow executeIf(const Node& node);
    Flow executeFor(const Node& node);
    bool bindTargets(const Node& node, const Value& value);
    void executeSet(const Node& node);
    Flow executeWith(const Node& node);
    void executeCallBlock(const Node& node);
    void emit(std::string_view text);
    /// The output of a body as a value.
    Value capture(const Body& body);
    void assign(std::string_view name, Value value);
    void enterScope() { scopes_.push_back({.values = {}, .id = ++scope_count_}); }
    /// The macro with the variables that it sees where it stands.
    Value makeMacro(const Node& node);
    /// The variables of these scopes; inner ones hide outer ones.
    [[nodiscard]] std::vector<Variable> visibleIn(std::size_t first, std::size_t end);
    [[nodiscard]] std::vector<Variable> seenBy(const MacroRef& macro);
    [[nodiscard]] Value lookup(const std::string& name);

    // evaluate.cpp: expressions
    Value evaluate(const Node& node);
    Value evaluateNode(const Node& node);
    Value evaluateCompare(const Node& node);
    Value evaluateConcat(const Node& node);
    Value evaluateDict(const Node& node);
    /// `caller`: given to the callee as the argument of that name; nullptr: none.
    Value evaluateCall(const Node& node, const Value* caller = nullptr);
    Value evaluateFilter(const Node& node, Value self);
    Value callMacro(const Value& callee, const Call& call);
    [[nodiscard]] bool takesArguments(const Node& macro, const Call& call);
    Value evaluateOptional(const Node* node);  // none for a missing part of a slice
    [[nodiscard]] std::vector<Value> evaluateAll(const Node& node, std::size_t from);
    [[nodiscard]] Call makeCall(const Node& node, Value self);

    Variables variables_;
    std::optional<PromptClock> clock_;
    std::vector<Scope> scopes_;
    std::uint64_t scope_count_ = 0;
    std::size_t frame_ = 0;  // the first scope of the current macro; names are looked up from the last down to it
    std::string output_;
    std::string* out_ = &output_;
    const Value* filter_input_ = nullptr;  // of the filter block being evaluated
    int depth_ = 0;
};

/// Counts one level of evaluation while it lives.
class Interpreter::DepthGuard {
public:
    explicit DepthGuard(Interpreter& interpreter) : interpreter_(interpreter) {
        if (++interpreter_.depth_ > interpreter_.limits_.depth)
            interpreter_.refuse(interpreter_.current_offset_, "the template nests or recurses too deeply");
    }
    ~DepthGuard() { --interpreter_.depth_; }
    DepthGuard(const DepthGuard&) = delete;
    DepthGuard& operator=(const DepthGuard&) = delete;

private:
    Interpreter& interpreter_;
};

}  // namespace quibble::jinja
