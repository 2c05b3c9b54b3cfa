#include "engine/metrics/divergence.h"

#include <algorithm>
#include <cmath>

#include "engine/metrics/statistics.h"
#include "engine/values/check.h"

namespace quibble {

namespace {

struct Measured {
    double kl = 0;
    double entropy = 0;  // of the reference
    bool marker = false;
};

// Sampled tokens whose reference has arrived, in the order of the text.
std::vector<Measured> measuredOf(const RunTrace& trace) {
    std::vector<Measured> measured;
    for (const TracePoint& point : trace.points()) {
        if (point.token.injected || !point.hasReference()) continue;
        if (!std::isfinite(point.reference.kl) || !std::isfinite(point.reference.entropy)) continue;
        measured.push_back({static_cast<double>(point.reference.kl), static_cast<double>(point.reference.entropy),
                            point.token.marker});
    }
    return measured;
}

std::vector<double> entropies(const std::vector<Measured>& measured) {
    std::vector<double> values;
    values.reserve(measured.size());
    for (const Measured& m : measured) values.push_back(m.entropy);
    return values;
}

}  // namespace

std::optional<double> klEntropyCorrelation(const RunTrace& trace) {
    const std::vector<Measured> measured = measuredOf(trace);
    std::vector<double> kl;
    kl.reserve(measured.size());
    for (const Measured& m : measured) kl.push_back(m.kl);
    return spearman(kl, entropies(measured));
}

TopKlMarkers topKlMarkers(const RunTrace& trace, double fraction) {
    QUIBBLE_CHECK(fraction > 0 && fraction <= 1, "a fraction of the tokens");
    std::vector<Measured> measured = measuredOf(trace);
    TopKlMarkers result;
    if (measured.empty()) return result;
    const auto isMarker = [](const Measured& m) { return m.marker; };
    const auto n = static_cast<double>(measured.size());
    result.overall_share = static_cast<double>(std::count_if(measured.begin(), measured.end(), isMarker)) / n;
    // 0.05 * 20 is a hair above 1 in binary; the tolerance keeps ceil from taking one token too many.
    result.positions = static_cast<std::int64_t>(std::ceil(fraction * n - 1e-9));
    std::stable_sort(measured.begin(), measured.end(),
                     [](const Measured& a, const Measured& b) { return a.kl > b.kl; });
    result.markers = std::count_if(measured.begin(), measured.begin() + result.positions, isMarker);
    result.share = static_cast<double>(result.markers) / static_cast<double>(result.positions);
    return result;
}

std::vector<EntropyBucket> entropyBuckets(const RunTrace& trace, int buckets) {
    QUIBBLE_CHECK(buckets > 0, "at least one bucket");
    const std::vector<Measured> measured = measuredOf(trace);
    std::vector<double> qs;
    for (int i = 0; i <= buckets; ++i) qs.push_back(static_cast<double>(i) / buckets);
    const std::vector<double> edges = quantiles(entropies(measured), qs);
    std::vector<EntropyBucket> result;
    for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
        const bool last = i + 2 == edges.size();
        EntropyBucket bucket{edges[i], edges[i + 1], 0, 0, 0};
        for (const Measured& m : measured) {
            if (m.entropy < bucket.low || (last ? m.entropy > bucket.high : m.entropy >= bucket.high)) continue;
            ++bucket.tokens;
            bucket.mean_kl += m.kl;
            bucket.marker_share += m.marker;
        }
        if (bucket.tokens == 0) continue;
        bucket.mean_kl /= static_cast<double>(bucket.tokens);
        bucket.marker_share /= static_cast<double>(bucket.tokens);
        result.push_back(bucket);
    }
    return result;
}

double markerMassAfterPenalty(double mass, double lambda, double temperature) {
    QUIBBLE_CHECK(mass >= 0 && mass <= 1, "a mass is a probability");
    QUIBBLE_CHECK(temperature > 0, "greedy decoding has no mass to move");
    // Both forms are the same number; each keeps its exponential at or below 1, so neither overflows.
    if (lambda >= 0) {
        const double moved = mass * std::exp(-lambda / temperature);
        return moved == 0 ? (mass == 1 ? 1.0 : 0.0) : moved / (1 - mass + moved);
    }
    const double others = (1 - mass) * std::exp(lambda / temperature);
    return mass == 0 ? 0.0 : mass / (mass + others);
}

}  // namespace quibble
