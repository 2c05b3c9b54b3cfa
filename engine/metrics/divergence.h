// Where quantization moved a run: KL against entropy, and how much of it sits on hesitation words (arXiv 2606.00206).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/values/run_trace.h"

namespace quibble {

/// Spearman(KL_t, H_t of the reference) over the sampled tokens that have both.
[[nodiscard]] std::optional<double> klEntropyCorrelation(const RunTrace& trace);

/// Among the `fraction` of sampled tokens with the largest KL: how many are markers.
struct TopKlMarkers {
    std::int64_t positions = 0;  // how many tokens that is: ceil(fraction * measured)
    std::int64_t markers = 0;    // of them
    double share = 0;            // markers / positions; 0 for no positions
    double overall_share = 0;    // markers among all measured tokens, for comparison
    bool operator==(const TopKlMarkers&) const = default;
};
/// Ties are broken by position. 0 < fraction <= 1.
[[nodiscard]] TopKlMarkers topKlMarkers(const RunTrace& trace, double fraction = 0.05);

/// Tokens whose reference entropy lies in [low, high) (the last bucket includes high).
struct EntropyBucket {
    double low = 0, high = 0;
    std::int64_t tokens = 0;
    double mean_kl = 0;
    double marker_share = 0;
    bool operator==(const EntropyBucket&) const = default;
};
/// Up to `buckets` buckets between quantiles of the reference entropy; empty ones (ties) are left out.
[[nodiscard]] std::vector<EntropyBucket> entropyBuckets(const RunTrace& trace, int buckets = 10);

/// Closed form of the marker mass under the penalty, without top-k, top-p or min-p:
/// m' = m e^{-lambda/T} / (1 - m + m e^{-lambda/T}), with m the mass at temperature T. Precondition: 0 <= m <= 1, T >
/// 0.
[[nodiscard]] double markerMassAfterPenalty(double mass, double lambda, double temperature);

}  // namespace quibble
