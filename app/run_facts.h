// What made the numbers of a run, as text: for its details and for the foot of its figures.
#pragma once

#include <utility>
#include <vector>

#include <QString>

#include "engine/values/run_trace.h"

namespace quibble {

/// One row a fact: name, value. Empty for a trace that no model has touched.
[[nodiscard]] std::vector<std::pair<QString, QString>> runFacts(const RunTrace& trace);

/// "temperature 0.6 · top-p 0.95 · seed 7".
[[nodiscard]] QString samplerText(const RunRequest& request);

/// One line: model, weights, reference, what of the arithmetic is not the usual, seed, hash, version. Empty as above.
[[nodiscard]] QString provenanceLine(const RunTrace& trace);

}  // namespace quibble
