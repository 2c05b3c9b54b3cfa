// Compares two answers that have been read. All functions are symmetric: it does not matter which one is the known
// answer.
#pragma once

#include "engine/grading/answer_reader.h"
#include "engine/grading/expression.h"
#include "engine/grading/verdict.h"

namespace quibble {

[[nodiscard]] Grade compareReadings(const Reading& a, const Reading& b);

/// Any two nodes, with their units.
[[nodiscard]] Grade compareNodes(const Node& a, const Node& b);

/// Single values and expressions, without units: exactly where that is possible, else by evaluation.
[[nodiscard]] Grade compareValues(const Node& a, const Node& b);

/// Two relations, or one beside something else.
[[nodiscard]] Grade compareRelations(const Node& a, const Node& b);

/// Inequalities joined by "or".
[[nodiscard]] bool isInequalityList(const Node& node);

/// Two nodes of which one at least is a collection.
[[nodiscard]] Grade compareCollections(const Node& a, const Node& b);

}  // namespace quibble
