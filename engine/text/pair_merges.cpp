#include "engine/text/pair_merges.h"

#include <queue>

namespace quibble {
namespace {

// Up to this many symbols a scan for the best pair beats a queue.
constexpr std::size_t kShortRow = 24;

void mergeShort(const MergeTable& merges, SymbolRow& row) {
    for (;;) {
        Merge best;
        std::uint32_t best_at = SymbolRow::kEnd;
        for (std::uint32_t at = row.first(); at != SymbolRow::kEnd && row.next[at] != SymbolRow::kEnd;
             at = row.next[at]) {
            const Merge merge = merges.lookup(row.symbol[at], row.symbol[row.next[at]]);
            if (merge.rank < best.rank) {
                best = merge;
                best_at = at;
            }
        }
        if (best_at == SymbolRow::kEnd) return;
        row.merge(best_at, best.symbol);
    }
}

void mergeLong(const MergeTable& merges, SymbolRow& row) {
    struct Candidate {
        Merge merge;
        std::uint32_t left;
        std::uint32_t left_symbol;
        std::uint32_t right_symbol;
    };
    // Lowest rank first, then leftmost.
    const auto later = [](const Candidate& a, const Candidate& b) {
        return a.merge.rank != b.merge.rank ? a.merge.rank > b.merge.rank : a.left > b.left;
    };
    std::priority_queue<Candidate, std::vector<Candidate>, decltype(later)> queue(later);
    const auto consider = [&](std::uint32_t left) {
        if (left == SymbolRow::kEnd || row.next[left] == SymbolRow::kEnd) return;
        const std::uint32_t a = row.symbol[left];
        const std::uint32_t b = row.symbol[row.next[left]];
        const Merge merge = merges.lookup(a, b);
        if (merge.exists()) queue.push({merge, left, a, b});
    };
    for (std::uint32_t at = row.first(); at != SymbolRow::kEnd; at = row.next[at]) consider(at);
    while (!queue.empty()) {
        const Candidate top = queue.top();
        queue.pop();
        // A candidate is stale when either side has been merged since.
        if (row.symbol[top.left] != top.left_symbol || row.next[top.left] == SymbolRow::kEnd) continue;
        if (row.symbol[row.next[top.left]] != top.right_symbol) continue;
        row.merge(top.left, top.merge.symbol);
        consider(row.previous[top.left]);
        consider(top.left);
    }
}

}  // namespace

void SymbolRow::link() {
    const std::size_t count = symbol.size();
    next.resize(count);
    previous.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        next[i] = i + 1 < count ? static_cast<std::uint32_t>(i + 1) : kEnd;
        previous[i] = i > 0 ? static_cast<std::uint32_t>(i - 1) : kEnd;
    }
}

void SymbolRow::merge(std::uint32_t left, std::uint32_t merged) {
    const std::uint32_t right = next[left];
    symbol[left] = merged;
    symbol[right] = kEnd;
    next[left] = next[right];
    if (next[left] != kEnd) previous[next[left]] = left;
}

void mergePairs(const MergeTable& merges, SymbolRow& row) {
    if (row.symbol.size() <= kShortRow) {
        mergeShort(merges, row);
    } else {
        mergeLong(merges, row);
    }
}

}  // namespace quibble
