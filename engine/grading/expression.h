// An answer as a small tree. It is made by the reader alone, which bounds its depth and size.
#pragma once

#include <string>
#include <vector>

#include "engine/grading/literal.h"

namespace quibble {

enum class NodeKind {
    Number,     // number
    Symbol,     // text: a letter, "pi", "inf", "x_1"
    Add,        // items
    Negate,     // 1 item
    PlusMinus,  // 1 item; text "-": the lower sign comes first
    Multiply,   // items
    Divide,     // 2 items
    Power,      // 2 items
    Root,       // 2 items: radicand, degree
    Function,   // text: name; 1 item, or 2: argument, base of a logarithm
    Absolute,   // 1 item
    Factorial,  // 1 item
    Binomial,   // 2 items
    Based,      // 2 numbers: digits, base ("1010_2")
    Tuple,      // items; text: its two brackets
    Set,        // items in any order
    List,       // items that were only separated, in any order
    Matrix,     // items: rows, each a Tuple
    Union,      // items in any order
    Relation,   // items joined by the signs of text: '=' '<' '>' 'L' (at most) 'G' (at least) 'N' (not equal) 'A'
                // (about) 'E' (in)
};

struct Node {
    NodeKind kind = NodeKind::Number;
    std::string text;
    Literal number;
    std::vector<Node> items;
    std::string unit;      // "dollar", "cm^2"; empty: none
    bool percent = false;  // a percent sign or the word
    bool named = false;    // a Relation whose left side only names the value: "x = 5", "f(x) = 2x"
};

[[nodiscard]] inline Node makeNode(NodeKind kind, std::vector<Node> items, std::string text = {}) {
    Node node;
    node.kind = kind;
    node.items = std::move(items);
    node.text = std::move(text);
    return node;
}

[[nodiscard]] inline Node makeInteger(int value) {
    Node node;
    node.number.digits = std::to_string(value);
    return node;
}

[[nodiscard]] inline bool isCollection(const Node& node) {
    return node.kind == NodeKind::Tuple || node.kind == NodeKind::Set || node.kind == NodeKind::List ||
           node.kind == NodeKind::Matrix || node.kind == NodeKind::Union;
}

}  // namespace quibble
