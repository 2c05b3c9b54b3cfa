#include <algorithm>
#include <utility>

#include "engine/text/jinja/interpreter.h"

namespace quibble::jinja {

Result<std::string> Interpreter::run(const Body& body) {
    scopes_.clear();
    enterScope();
    const Flow flow = execute(body);
    if (flow != Flow::Normal) refuse(current_offset_, "break or continue outside a loop");
    if (failed()) return tl::unexpected<Error>(*error());
    return std::move(output_);
}

Interpreter::Flow Interpreter::execute(const Body& body) {
    const DepthGuard guard(*this);
    for (const NodePtr& node : body) {
        if (!work(1)) return Flow::Normal;
        current_offset_ = node->offset;
        const Flow flow = executeNode(*node);
        if (flow != Flow::Normal) return flow;
    }
    return Flow::Normal;
}

Interpreter::Flow Interpreter::executeNode(const Node& node) {
    switch (node.kind) {
        case NodeKind::Text: emit(node.text); break;
        case NodeKind::Output: emit(textOf(evaluate(*node.children[0]))); break;
        case NodeKind::If: return executeIf(node);
        case NodeKind::For: return executeFor(node);
        case NodeKind::Set: executeSet(node); break;
        case NodeKind::SetBlock: {
            const Value text = capture(node.bodies[0]);
            const Value* outer = std::exchange(filter_input_, &text);
            assign(node.words[0], node.children.empty() ? text : evaluate(*node.children[0]));
            filter_input_ = outer;
            break;
        }
        case NodeKind::FilterBlock: {
            const Value text = capture(node.bodies[0]);
            const Value* outer = std::exchange(filter_input_, &text);
            emit(textOf(evaluate(*node.children[0])));
            filter_input_ = outer;
            break;
        }
        case NodeKind::Macro: assign(node.text, makeMacro(node)); break;
        case NodeKind::CallBlock: executeCallBlock(node); break;
        case NodeKind::With: return executeWith(node);
        case NodeKind::Block: return execute(node.bodies[0]);
        case NodeKind::Do: evaluate(*node.children[0]); break;
        case NodeKind::Break: return Flow::Break;
        case NodeKind::Continue: return Flow::Continue;
        default: refuse(node.offset, "an expression stands where a statement is expected"); break;
    }
    return Flow::Normal;
}

Interpreter::Flow Interpreter::executeIf(const Node& node) {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
        const bool holds = evaluate(*node.children[i]).truthy();
        if (failed()) return Flow::Normal;
        if (holds) return execute(node.bodies[i]);
    }
    return node.bodies.size() > node.children.size() ? execute(node.bodies.back()) : Flow::Normal;
}

// Gives the loop variables their values in the innermost scope.
bool Interpreter::bindTargets(const Node& node, const Value& value) {
    if (node.words.size() == 1) {
        assign(node.words[0], value);
        return true;
    }
    const std::vector<Value> parts = iterate(*this, node.offset, value);
    if (parts.size() != node.words.size()) {
        refuse(node.offset, "cannot unpack " + std::to_string(parts.size()) + " values into " +
                                std::to_string(node.words.size()) + " names");
        return false;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) assign(node.words[i], parts[i]);
    return true;
}

Interpreter::Flow Interpreter::executeFor(const Node& node) {
    std::vector<Value> items = iterate(*this, node.offset, evaluate(*node.children[0]));
    enterScope();
    if (node.children[1] != nullptr) {
        // The condition comes first, so that loop.length and loop.last count only what passes.
        std::vector<Value> passing;
        for (const Value& item : items) {
            if (!work(1) || !bindTargets(node, item)) break;
            if (evaluate(*node.children[1]).truthy()) passing.push_back(item);
        }
        items = std::move(passing);
    }
    const Value sequence = makeList(std::move(items));
    const std::size_t count = failed() ? 0 : sequence.items().size();
    for (std::size_t i = 0; i < count && !failed(); ++i) {
        scopes_.back().values.clear();
        if (!work(1) || !charge(sizeof(LoopData)) || !bindTargets(node, sequence.items()[i])) break;
        assign("loop", Value::loop(std::make_shared<const LoopData>(LoopData{sequence, i})));
        if (execute(node.bodies[0]) == Flow::Break) break;
    }
    scopes_.pop_back();
    if (count == 0 && node.bodies.size() > 1 && !failed()) return execute(node.bodies[1]);
    return Flow::Normal;
}

void Interpreter::executeSet(const Node& node) {
    Value value = evaluate(*node.children[0]);
    if (failed()) return;
    if (!node.flag) {
        bindTargets(node, value);
        return;
    }
    const Value space = lookup(node.words[0]);
    if (!space.isNamespace()) {
        refuse(node.offset, "cannot set an attribute of '" + node.words[0] + "': it is " +
                                std::string(space.kindName()) + ", not a namespace");
    } else if (value.containsNamespace()) {
        refuse(node.offset, "a namespace cannot hold another namespace");
    } else {
        charge(sizeof(Value) + node.words[1].size());
        work(space.entries().size() / 16);
        space.space().set(node.words[1], std::move(value));
    }
}

// All values are those of the place in front of the block: "with a = 1, b = a" gives b the value that a had there.
Interpreter::Flow Interpreter::executeWith(const Node& node) {
    std::vector<Value> values;
    for (const NodePtr& set : node.children) {
        values.push_back(evaluate(*set->children[0]));
        if (failed()) return Flow::Normal;
    }
    enterScope();
    for (std::size_t i = 0; i < values.size() && !failed(); ++i) bindTargets(*node.children[i], values[i]);
    const Flow flow = failed() ? Flow::Normal : execute(node.bodies[0]);
    scopes_.pop_back();
    return flow;
}

void Interpreter::executeCallBlock(const Node& node) {
    const Value block = makeMacro(*node.children[1]);
    if (failed()) return;
    emit(textOf(evaluateCall(*node.children[0], &block)));
}

void Interpreter::emit(std::string_view text) {
    if (failed()) return;
    if (text.size() > limits_.output_bytes - std::min(out_->size(), limits_.output_bytes)) {
        refuse(current_offset_, "the output is longer than " + std::to_string(limits_.output_bytes) + " bytes");
        return;
    }
    work(text.size() / 64);
    out_->append(text);
}

Value Interpreter::capture(const Body& body) {
    std::string text;
    std::string* outer = std::exchange(out_, &text);
    const Flow flow = execute(body);
    out_ = outer;
    if (flow != Flow::Normal)
        return refuse(current_offset_, "break or continue would leave a block that collects text");
    return makeString(std::move(text));
}

void Interpreter::assign(std::string_view name, Value value) {
    auto& values = scopes_.back().values;
    work(values.size() / 16);
    for (auto& [other, old] : values) {
        if (other == name) {
            old = std::move(value);
            return;
        }
    }
    values.emplace_back(name, std::move(value));
}

// A macro may outlive the scopes around it, so it keeps what they held. The template's own variables are looked up when
// it is called.
Value Interpreter::makeMacro(const Node& node) {
    if (scopes_.size() == 1) return Value::macro(&node);
    MacroRef reference{.node = &node,
                       .seen = nullptr,
                       .first_scope = std::max<std::size_t>(frame_, 1),
                       .end_scope = scopes_.size(),
                       .scope_id = scopes_.back().id};
    std::vector<std::pair<std::string, Value>> seen;
    for (auto& [name, value] : visibleIn(reference.first_scope, reference.end_scope)) {
        if (!charge(sizeof(std::string) + name.size())) return {};
        seen.emplace_back(name, std::move(value));
    }
    Value macro = Value::macro(std::move(reference), std::move(seen));
    if (macro.nesting() > Value::kMaxNesting) return refuse(node.offset, "macros are nested too deeply");
    return macro;
}

std::vector<Interpreter::Variable> Interpreter::visibleIn(std::size_t first, std::size_t end) {
    std::vector<Variable> visible;
    for (std::size_t i = end; i-- > first;) {
        for (const Variable& held : scopes_[i].values) {
            if (!charge(sizeof(Variable)) || !work(visible.size() / 16)) return {};
            const bool hidden = std::any_of(visible.begin(), visible.end(),
                                            [&](const Variable& other) { return other.first == held.first; });
            if (!hidden) visible.push_back(held);
        }
    }
    return visible;
}

// A later "set" beside the macro counts while its scope lives.
std::vector<Interpreter::Variable> Interpreter::seenBy(const MacroRef& macro) {
    const bool lives = macro.end_scope <= scopes_.size() && scopes_[macro.end_scope - 1].id == macro.scope_id;
    if (lives) return visibleIn(macro.first_scope, macro.end_scope);
    charge(macro.seen->entries.size() * sizeof(Variable));
    return {macro.seen->entries.begin(), macro.seen->entries.end()};
}

Value Interpreter::lookup(const std::string& name) {
    const auto find = [&](const Scope& scope) -> const Value* {
        work(scope.values.size() / 16);
        for (const auto& [other, value] : scope.values) {
            if (other == name) return &value;
        }
        return nullptr;
    };
    for (std::size_t i = scopes_.size(); i-- > frame_;) {
        if (const Value* found = find(scopes_[i])) return *found;
    }
    // A macro sees what stands around it and the template's own variables, not those of the place that calls it.
    if (frame_ > 0) {
        if (const Value* found = find(scopes_.front())) return *found;
    }
    for (const auto& [other, value] : variables_) {
        if (other == name) return value;
    }
    const int function = findFunction(name);
    return function >= 0 ? Value::function(function) : Value::undefined(name);
}

}  // namespace quibble::jinja
