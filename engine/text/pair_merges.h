// The merging of byte-pair encoding: in a row of symbols, the neighbours of lowest rank become one until no rank is
// left. Internal to text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/text/byte_index.h"

namespace quibble {

/// The symbols of one piece as a linked list, so that a merge costs no moving.
struct SymbolRow {
    static constexpr std::uint32_t kEnd = ByteIndex::kNone;

    std::vector<std::uint32_t> symbol;
    std::vector<std::uint32_t> next;      // kEnd at the last
    std::vector<std::uint32_t> previous;  // kEnd at the first

    /// Links what is in `symbol`, in order.
    void link();
    [[nodiscard]] std::uint32_t first() const { return symbol.empty() ? kEnd : 0; }
    /// Replaces the pair that begins at `left`; the right place becomes unreachable.
    void merge(std::uint32_t left, std::uint32_t merged);
};

/// Leftmost first among pairs of one rank. Time O(n log n).
void mergePairs(const MergeTable& merges, SymbolRow& row);

}  // namespace quibble
