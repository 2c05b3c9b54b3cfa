#include "views/speculation/draft_tree_layout.h"

#include <algorithm>
#include <utility>

namespace quibble {

int DraftTreeLayout::placeOf(int node) const {
    const auto found =
        std::find_if(places.begin(), places.end(), [node](const Place& place) { return place.node == node; });
    return found == places.end() ? -1 : static_cast<int>(found - places.begin());
}

DraftTreeLayout layoutDraftTree(const DraftRound& round) {
    const int count = static_cast<int>(round.nodes.size());
    DraftTreeLayout layout;
    layout.places.push_back({});
    layout.places.front().on_path = true;
    layout.children.resize(1);
    const auto add = [&](int node, int parent, bool on_path) {
        const int index = static_cast<int>(layout.places.size());
        const int column = layout.places[static_cast<std::size_t>(parent)].column + 1;
        layout.places.push_back({node, parent, column, 0, on_path});
        layout.children.emplace_back();
        auto& siblings = layout.children[static_cast<std::size_t>(parent)];
        siblings.insert(on_path ? siblings.begin() : siblings.end(), index);
        layout.columns = std::max(layout.columns, column + 1);
        return index;
    };
    std::vector<bool> on_path(static_cast<std::size_t>(count));
    int path_end = 0;  // a place
    for (const std::int32_t node : round.path) {
        if (node >= 0 && node < count) on_path[static_cast<std::size_t>(node)] = true;
    }
    for (int i = 0; i < count; ++i) {
        const std::int32_t parent = round.nodes[static_cast<std::size_t>(i)].parent;
        const int place = parent >= 0 && parent < i ? parent + 1 : 0;  // node i stands at place i + 1
        add(i, place, on_path[static_cast<std::size_t>(i)]);
        if (!round.path.empty() && round.path.back() == i) path_end = i + 1;
    }
    if (round.added != kNoToken) add(count, path_end, true);

    // Rows, depth first: the first child shares the row of its parent, the others get the next free one.
    int next_row = 0;
    std::vector<int> waiting{0};
    while (!waiting.empty()) {
        const int index = waiting.back();
        waiting.pop_back();
        DraftTreeLayout::Place& place = layout.places[static_cast<std::size_t>(index)];
        const bool first =
            place.parent >= 0 && layout.children[static_cast<std::size_t>(place.parent)].front() == index;
        place.row = place.parent < 0 ? 0
                    : first          ? layout.places[static_cast<std::size_t>(place.parent)].row
                                     : ++next_row;
        const auto& children = layout.children[static_cast<std::size_t>(index)];
        waiting.insert(waiting.end(), children.rbegin(), children.rend());
    }
    layout.rows = next_row + 1;
    return layout;
}

}  // namespace quibble
