// Where the nodes of a drafted tree stand: columns are depths, the accepted path runs straight along the first row,
// everything that was not taken hangs below it. No pixels, no widgets.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/values/draft_round.h"

namespace quibble {

struct DraftTreeLayout {
    static constexpr int kText = -1;  // the last token of the text, from which the tree grows
    static constexpr int kNone = -2;

    struct Place {
        int node = kText;    // kText, an index into DraftRound::nodes, or nodes.size(): the target's own token
        int parent = kNone;  // index into `places`
        int column = 0, row = 0;
        bool on_path = false;
    };
    std::vector<Place> places;               // parents before their children; the text first
    std::vector<std::vector<int>> children;  // of each place, top to bottom
    int columns = 1, rows = 1;

    /// The place of a node; -1: none.
    [[nodiscard]] int placeOf(int node) const;
};

/// Parents that are no earlier node (a damaged file) count as the text.
[[nodiscard]] DraftTreeLayout layoutDraftTree(const DraftRound& round);

}  // namespace quibble
