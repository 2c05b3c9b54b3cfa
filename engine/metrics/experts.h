// Which experts a run used: counts, load, unions of a pass, coverage of a budget, and what a budget dropped (MoE-Spec,
// arXiv 2602.16052).
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/values/run_trace.h"

namespace quibble {

inline constexpr Position kLastPosition = std::numeric_limits<Position>::max();

/// How often each expert was chosen by the rows of a range of positions.
struct ExpertCounts {
    int layers = 0, experts = 0;
    std::int64_t tokens = 0;
    std::vector<std::int64_t> counts;  // [layers, experts]
    std::vector<double> dropped_mass;  // [layers] mean router probability of choices that the budget did not allow
    [[nodiscard]] std::int64_t at(int layer, int expert) const {
        return counts[static_cast<std::size_t>(layer) * static_cast<std::size_t>(experts) +
                      static_cast<std::size_t>(expert)];
    }
    /// Greatest count of the layer over its mean: 1 is perfect balance. 0 when nothing was chosen.
    [[nodiscard]] double imbalance(int layer) const;
    bool operator==(const ExpertCounts&) const = default;
};
/// Of the rows at [begin, end). Ids that the model does not have (a damaged file) are left out.
[[nodiscard]] ExpertCounts countExperts(const RunTrace& trace, Position begin = 0, Position end = kLastPosition);

/// Passes of one size: mean number of distinct experts a layer.
struct UnionSize {
    std::int32_t rows = 0;
    std::int64_t passes = 0;
    double natural = 0;   // that the rows would choose without a budget
    double executed = 0;  // whose weights were read
    double bytes = 0;     // of expert weights that were read
    double ns = 0;        // of the pass
    bool operator==(const UnionSize&) const = default;
};
/// By rising number of rows, mean over the layers and the passes whose first row is in [begin, end).
[[nodiscard]] std::vector<UnionSize> unionByRows(const RunTrace& trace, Position begin = 0,
                                                 Position end = kLastPosition);

/// C(B): mean share of router probability that the B experts with the largest score sums of a pass hold; [B - 1]. Of
/// the passes of several rows; of all when there are none.
[[nodiscard]] std::vector<double> coverageByBudget(const RunTrace& trace, Position begin = 0,
                                                   Position end = kLastPosition);

/// [experts, experts]: rows that chose both experts in this layer; the diagonal is the count of each.
[[nodiscard]] std::vector<std::int64_t> coActivation(const RunTrace& trace, int layer, Position begin = 0,
                                                     Position end = kLastPosition);

}  // namespace quibble
