#include "engine/metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/values/check.h"

namespace quibble {

namespace {

std::vector<double> finiteOf(std::span<const double> values) {
    std::vector<double> kept;
    kept.reserve(values.size());
    std::copy_if(values.begin(), values.end(), std::back_inserter(kept), [](double v) { return std::isfinite(v); });
    return kept;
}

// Neumaier's compensated sum; the values are finite.
double sum(std::span<const double> values) {
    double total = 0, lost = 0;
    for (const double value : values) {
        const double next = total + value;
        lost += std::abs(total) >= std::abs(value) ? (total - next) + value : (value - next) + total;
        total = next;
    }
    return total + lost;
}

double sortedQuantile(const std::vector<double>& sorted, double q) {
    const double place = q * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    if (below + 1 >= sorted.size()) return sorted.back();
    return std::lerp(sorted[below], sorted[below + 1], place - static_cast<double>(below));
}

std::optional<double> pearson(std::span<const double> a, std::span<const double> b) {
    const auto n = static_cast<double>(a.size());
    const double mean_a = sum(a) / n, mean_b = sum(b) / n;
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += (a[i] - mean_a) * (b[i] - mean_b);
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += (b[i] - mean_b) * (b[i] - mean_b);
    }
    if (aa == 0 || bb == 0) return std::nullopt;
    return std::clamp(ab / std::sqrt(aa * bb), -1.0, 1.0);
}

// SplitMix64 (Steele, Lea, Flood 2014): enough for resampling, and the same on every machine.
std::uint64_t nextRandom(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

}  // namespace

std::optional<double> mean(std::span<const double> values) {
    const std::vector<double> kept = finiteOf(values);
    if (kept.empty()) return std::nullopt;
    return sum(kept) / static_cast<double>(kept.size());
}

std::vector<double> averageRanks(std::span<const double> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<double> ranks(values.size());
    for (std::size_t first = 0; first < order.size();) {
        std::size_t last = first;
        while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
        const double shared = 1.0 + 0.5 * static_cast<double>(first + last);
        for (std::size_t i = first; i <= last; ++i) ranks[order[i]] = shared;
        first = last + 1;
    }
    return ranks;
}

std::optional<double> spearman(std::span<const double> a, std::span<const double> b) {
    QUIBBLE_CHECK(a.size() == b.size(), "a rank correlation needs pairs");
    std::vector<double> kept_a, kept_b;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!std::isfinite(a[i]) || !std::isfinite(b[i])) continue;
        kept_a.push_back(a[i]);
        kept_b.push_back(b[i]);
    }
    if (kept_a.size() < 2) return std::nullopt;
    return pearson(averageRanks(kept_a), averageRanks(kept_b));
}

std::optional<double> quantile(std::span<const double> values, double q) {
    const std::vector<double> found = quantiles(values, std::span(&q, 1));
    return found.empty() ? std::nullopt : std::optional(found.front());
}

std::vector<double> quantiles(std::span<const double> values, std::span<const double> qs) {
    std::vector<double> sorted = finiteOf(values);
    std::vector<double> found;
    if (sorted.empty()) return found;
    std::sort(sorted.begin(), sorted.end());
    for (const double q : qs) {
        QUIBBLE_CHECK(q >= 0 && q <= 1, "a quantile lies between 0 and 1");
        found.push_back(sortedQuantile(sorted, q));
    }
    return found;
}

Interval wilsonInterval(std::int64_t successes, std::int64_t trials, double z) {
    QUIBBLE_CHECK(successes >= 0 && successes <= trials, "successes are some of the trials");
    if (trials == 0) return {0, 1};
    const auto n = static_cast<double>(trials);
    const double p = static_cast<double>(successes) / n;
    const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    // At the ends the formula gives exactly 0 and 1; rounding must not push past them.
    return {successes == 0 ? 0.0 : std::max(0.0, centre - half),
            successes == trials ? 1.0 : std::min(1.0, centre + half)};
}

std::optional<Interval> percentileInterval(std::span<const double> estimates, double coverage) {
    QUIBBLE_CHECK(coverage > 0 && coverage < 1, "coverage lies between 0 and 1");
    const double tail = (1 - coverage) / 2;
    const double qs[] = {tail, 1 - tail};
    const std::vector<double> found = quantiles(estimates, qs);
    if (found.empty()) return std::nullopt;
    return Interval{found[0], found[1]};
}

std::optional<Interval> bootstrapMeanInterval(std::span<const double> values, std::uint64_t seed, int resamples,
                                              double coverage) {
    QUIBBLE_CHECK(resamples > 0, "a bootstrap needs samples");
    const std::vector<double> kept = finiteOf(values);
    if (kept.empty()) return std::nullopt;
    std::vector<double> means;
    std::vector<double> sample(kept.size());
    for (int i = 0; i < resamples; ++i) {
        for (double& drawn : sample) drawn = kept[nextRandom(seed) % kept.size()];
        means.push_back(sum(sample) / static_cast<double>(sample.size()));
    }
    return percentileInterval(means, coverage);
}

}  // namespace quibble
