// Expressions.
#include <algorithm>
#include <utility>

#include "engine/text/jinja/interpreter.h"

namespace quibble::jinja {

Value Interpreter::evaluate(const Node& node) {
    const DepthGuard guard(*this);
    if (!work(1)) return {};
    current_offset_ = node.offset;
    return evaluateNode(node);
}

Value Interpreter::evaluateNode(const Node& node) {
    const auto child = [&](std::size_t i) { return evaluate(*node.children[i]); };
    switch (node.kind) {
        case NodeKind::Constant: return node.constant;
        case NodeKind::Name: return lookup(node.text);
        case NodeKind::List: return makeList(evaluateAll(node, 0));
        case NodeKind::Tuple: return makeList(evaluateAll(node, 0), true);
        case NodeKind::Dict: return evaluateDict(node);
        case NodeKind::Attribute: return attributeOf(*this, node.offset, child(0), node.text);
        case NodeKind::Item: {
            const Value value = child(0);
            return itemOf(*this, node.offset, value, child(1));
        }
        case NodeKind::Slice: {
            const Value value = child(0);
            const Value start = evaluateOptional(node.children[1].get());
            const Value stop = evaluateOptional(node.children[2].get());
            return sliceOf(*this, node.offset, value, start, stop, evaluateOptional(node.children[3].get()));
        }
        case NodeKind::Call: return evaluateCall(node);
        case NodeKind::Filter:
            return evaluateFilter(node, node.children[0] != nullptr ? child(0)
                                        : filter_input_ != nullptr  ? *filter_input_
                                                                    : Value());
        case NodeKind::Test: {
            const Call call = makeCall(node, child(0));
            return failed() ? Value() : Value::boolean(applyTest(call));
        }
        case NodeKind::Unary:
            return node.text == "not" ? Value::boolean(!child(0).truthy())
                                      : applySign(*this, node.offset, node.text, child(0));
        case NodeKind::Binary: {
            const Value left = child(0);
            const Value right = child(1);
            return failed() ? Value() : applyBinary(*this, node.offset, node.text, left, right);
        }
        case NodeKind::Compare: return evaluateCompare(node);
        case NodeKind::Concat: return evaluateConcat(node);
        case NodeKind::And: {
            const Value left = child(0);
            return left.truthy() ? child(1) : left;
        }
        case NodeKind::Or: {
            const Value left = child(0);
            return left.truthy() ? left : child(1);
        }
        case NodeKind::Conditional:
            if (child(0).truthy()) return child(1);
            return node.children[2] != nullptr ? child(2) : Value::undefined("the missing else of an inline if");
        default: return refuse(node.offset, "a statement stands where an expression is expected");
    }
}

Value Interpreter::evaluateOptional(const Node* node) { return node == nullptr ? Value::none() : evaluate(*node); }

std::vector<Value> Interpreter::evaluateAll(const Node& node, std::size_t from) {
    std::vector<Value> values;
    for (std::size_t i = from; i < node.children.size() && !failed(); ++i)
        values.push_back(evaluate(*node.children[i]));
    return values;
}

Value Interpreter::evaluateDict(const Node& node) {
    std::vector<std::pair<std::string, Value>> entries;
    for (std::size_t i = 0; i + 1 < node.children.size() && !failed(); i += 2) {
        const Value key = evaluate(*node.children[i]);
        if (!key.isString())
            return refuse(node.offset, "the key of a mapping must be a string, not " + std::string(key.kindName()));
        Value value = evaluate(*node.children[i + 1]);
        work(entries.size() / 16);
        const auto same =
            std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == key.text(); });
        if (same != entries.end()) {
            same->second = std::move(value);
        } else {
            entries.emplace_back(key.text(), std::move(value));
        }
    }
    return makeDict(std::move(entries));
}

// a < b < c holds when both do; b is evaluated once.
Value Interpreter::evaluateCompare(const Node& node) {
    Value left = evaluate(*node.children[0]);
    for (std::size_t i = 0; i < node.words.size(); ++i) {
        Value right = evaluate(*node.children[i + 1]);
        if (failed()) return {};
        if (!compareValues(*this, node.offset, node.words[i], left, right)) return Value::boolean(false);
        left = std::move(right);
    }
    return Value::boolean(true);
}

Value Interpreter::evaluateConcat(const Node& node) {
    std::string text;
    for (const NodePtr& part : node.children) {
        text += textOf(evaluate(*part));
        if (!charge(text.size())) return {};
    }
    return Value::string(std::move(text));
}

Call Interpreter::makeCall(const Node& node, Value self) {
    Call call{*this, node.offset, node.text, std::move(self), evaluateAll(node, 1), {}};
    for (const auto& [name, value] : node.named) {
        if (failed()) break;
        call.named.emplace_back(name, evaluate(*value));
    }
    return call;
}

Value Interpreter::evaluateFilter(const Node& node, Value self) {
    const Call call = makeCall(node, std::move(self));
    return failed() ? Value() : applyFilter(call);
}

Value Interpreter::evaluateCall(const Node& node, const Value* caller) {
    const Value callee = evaluate(*node.children[0]);
    if (failed()) return {};
    if (callee.isUndefined())
        return refuse(node.offset, "'" + callee.undefinedName() + "' is undefined, so it cannot be called");
    if (!callee.isCallable()) return refuse(node.offset, std::string(callee.kindName()) + " cannot be called");
    Call call = makeCall(node, Value());
    if (failed()) return {};
    if (caller != nullptr) call.named.emplace_back(kCaller, *caller);
    if (const MethodData* method = callee.asMethod()) {
        call.name = method->name;
        call.self = method->self;
        return callMethod(call);
    }
    if (callee.asMacro() != nullptr) return callMacro(callee, call);
    call.name = functionName(callee.asFunction()->index);
    return callFunction(callee.asFunction()->index, call, clock_);
}

bool Interpreter::takesArguments(const Node& macro, const Call& call) {
    const std::string who = macro.text.empty() ? "the block of the call" : "the macro '" + macro.text + "'";
    if (call.positional.size() > macro.words.size()) {
        refuse(call.offset, who + " takes " + std::to_string(macro.words.size()) + " arguments, not " +
                                std::to_string(call.positional.size()));
    }
    for (const auto& [name, value] : call.named) {
        const auto place = std::find(macro.words.begin(), macro.words.end(), name);
        if (place == macro.words.end() && name == kCaller && macro.flag) continue;
        if (place == macro.words.end())
            refuse(call.offset,
                   who + (name == kCaller ? " does not use its caller" : " has no parameter '" + name + "'"));
        else if (static_cast<std::size_t>(place - macro.words.begin()) < call.positional.size())
            refuse(call.offset, who + " gets '" + name + "' twice");
    }
    return !failed();
}

Value Interpreter::callMacro(const Value& callee, const Call& call) {
    const MacroRef& reference = *callee.asMacro();
    const Node& macro = *reference.node;
    if (!takesArguments(macro, call)) return {};
    const std::size_t outer_scopes = scopes_.size();
    if (reference.seen != nullptr) {
        auto seen = seenBy(reference);
        enterScope();
        scopes_.back().values = std::move(seen);
        const bool known = std::any_of(scopes_.back().values.begin(), scopes_.back().values.end(),
                                       [&](const Variable& held) { return held.first == macro.text; });
        if (!known && !macro.text.empty()) assign(macro.text, callee);  // it may call itself
    }
    enterScope();
    const std::size_t outer_frame = std::exchange(frame_, outer_scopes);
    for (std::size_t i = 0; i < macro.words.size() && !failed(); ++i) {
        if (const Value* given = call.argument(i, macro.words[i])) {
            assign(macro.words[i], *given);
        } else {
            // A default may name the parameters before it.
            assign(macro.words[i],
                   macro.children[i] != nullptr ? evaluate(*macro.children[i]) : Value::undefined(macro.words[i]));
        }
    }
    if (macro.flag && std::find(macro.words.begin(), macro.words.end(), kCaller) == macro.words.end()) {
        const Value* caller = call.argument(call.positional.size(), kCaller);
        assign(kCaller, caller != nullptr ? *caller : Value::undefined(std::string(kCaller)));
    }
    Value text = capture(macro.bodies[0]);
    frame_ = outer_frame;
    scopes_.resize(outer_scopes);
    return text;
}

}  // namespace quibble::jinja
