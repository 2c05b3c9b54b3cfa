// A question with its known answer.
#pragma once

#include <string>

namespace quibble {

struct Problem {
    std::string id;      // unique in its set; letters, digits, '-', '_', '.', '/'
    std::string text;    // what the model is asked, UTF-8
    std::string answer;  // what counts of it, as the model should write it
    int steps = 0;       // operations in the shortest solution; 0: not stated
    bool operator==(const Problem&) const = default;
};

}  // namespace quibble
