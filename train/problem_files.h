#pragma once

#include <string>
#include <vector>

#include "train/task.h"

namespace quibble::train {

/// The held-out problem of an index 0, 1, ...; its random stream is never used in training.
Problem heldOutProblem(int index);

/// Problems for the window: expressions and stories by turns, from two steps to six, none of the held-out ones.
std::vector<Problem> exampleProblems(int count);

/// One JSON object a line: {"id": "heldout-001", "text": ..., "answer": "318", "steps": 4}; ids count from 1.
std::string problemLines(const std::string& id_prefix, const std::vector<Problem>& problems);

}  // namespace quibble::train
