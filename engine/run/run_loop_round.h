// What a round of the step loop has at hand: known to run_loop*.cpp alone.
#pragma once

#include <vector>

#include "engine/run/run_loop.h"

namespace quibble {

struct RunLoop::Round {
    std::int64_t began_ns = 0;
    DraftTree tree;
    std::vector<TokenId> rows;  // of the pass, with their parents
    std::vector<std::int32_t> parents;
    DraftRound record;
    std::vector<std::vector<std::int32_t>> children;  // of the text (0) and of node i (i + 1)
    std::int64_t first_row = 0;  // row of the text's end in the pass: 0, or -1 when its logits were there before
    std::int32_t node = -1;      // where the walk stands; -1: the end of the text
    bool ended = false;          // the walk has left the tree
    bool forced = false;         // the token that is chosen was not sampled here
    std::optional<ControlAction> rewrite;  // to be carried out when the round ends ...
    std::int32_t rewriter = 0;             // ... by this rule
    bool stopped = false;                  // by the user, in front of a token that was chosen

    [[nodiscard]] const std::vector<std::int32_t>& here() const { return children[static_cast<std::size_t>(node + 1)]; }
};

}  // namespace quibble
