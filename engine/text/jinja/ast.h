// The parsed template: one node type, whose kind says which fields are used.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/jinja/value.h"

namespace quibble::jinja {

enum class NodeKind {
    // Expressions
    Constant,   // constant
    Name,       // text
    List,       // children
    Tuple,      // children
    Dict,       // children: key, value, key, value ...
    Attribute,  // children[0] . text
    Item,       // children[0] [ children[1] ]
    Slice,      // children[0] [ children[1] : children[2] : children[3] ], the last three may be null
    Call,       // children[0] ( children[1..], named )
    Filter,     // children[0] | text ( children[1..], named ); children[0] is null in filter blocks
    Test,       // children[0] is text ( children[1..] )
    Unary,      // text (+ - not), children[0]
    Binary,     // text, children[0], children[1]
    Compare,    // children[0] words[0] children[1] words[1] children[2] ...
    Concat,     // children ~ ...
    And,        // children[0], children[1]
    Or,
    Conditional,  // children: test, value, otherwise (may be null)
    // Statements
    Text,      // text
    Output,    // children[0]
    If,        // children: tests; bodies: one for each test, and one more for else
    For,       // children: sequence, filter (may be null); words: targets; bodies: loop, else
    Set,       // children[0]: value; words: targets, or "space", "attribute" with flag
    SetBlock,  // words[0]; bodies[0]; children: filter chain or nothing
    Macro,  // text: its name, empty for the body of a call block; words: parameters; children: defaults (null: none),
            // same size; bodies[0];
            // flag: the body asks for its caller
    CallBlock,    // children[0]: the call; children[1]: the block as a macro, which the called macro knows as "caller"
    With,         // children: a Set for each variable; bodies[0]
    FilterBlock,  // children[0]: filter chain; bodies[0]
    Block,        // bodies[0], for tags that only mark
    Do,           // children[0]
    Break,
    Continue,
};

/// What a macro calls the block of the call block that calls it.
inline constexpr std::string_view kCaller = "caller";

struct Node;
using NodePtr = std::unique_ptr<Node>;
using Body = std::vector<NodePtr>;

struct Node {
    NodeKind kind = NodeKind::Text;
    std::size_t offset = 0;  // into the source, for messages
    int depth = 1;           // of the tree below; bounded by the parser
    bool flag = false;       // Set: the target is an attribute of a namespace; Macro: see there
    std::string text;
    Value constant;
    std::vector<NodePtr> children;
    std::vector<std::pair<std::string, NodePtr>> named;
    std::vector<std::string> words;
    std::vector<Body> bodies;
};

}  // namespace quibble::jinja
