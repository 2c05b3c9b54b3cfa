// Plain statistics. Values that are not finite are left out before anything is computed; pairs are left out together.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace quibble {

/// Mean; empty for no values. Summed in order with compensation (Neumaier), so long traces lose nothing.
[[nodiscard]] std::optional<double> mean(std::span<const double> values);

/// 1-based ranks in the order of the input; ties share the mean of their ranks. Precondition: finite values.
[[nodiscard]] std::vector<double> averageRanks(std::span<const double> values);

/// Spearman's rank correlation: Pearson correlation of average ranks. Empty for fewer than two pairs or a constant
/// side. Precondition: a.size() == b.size().
[[nodiscard]] std::optional<double> spearman(std::span<const double> a, std::span<const double> b);

/// Linear interpolation between order statistics (type 7 of Hyndman and Fan 1996). 0 <= q <= 1. Empty for no values.
[[nodiscard]] std::optional<double> quantile(std::span<const double> values, double q);
/// One for each of `qs`, sorting once; empty for no values.
[[nodiscard]] std::vector<double> quantiles(std::span<const double> values, std::span<const double> qs);

struct Interval {
    double low = 0, high = 0;
    bool operator==(const Interval&) const = default;
};

inline constexpr double kZ95 = 1.959963984540054;  // two-sided 95 % point of the normal distribution

/// Wilson score interval of a proportion (Wilson 1927). Precondition: 0 <= successes <= trials. No trials: [0, 1].
[[nodiscard]] Interval wilsonInterval(std::int64_t successes, std::int64_t trials, double z = kZ95);
/// The middle `coverage` of estimates, as of a bootstrap. Empty for no values.
[[nodiscard]] std::optional<Interval> percentileInterval(std::span<const double> estimates, double coverage = 0.95);
/// Percentile interval of the mean from `resamples` bootstrap samples; the same seed gives the same interval.
[[nodiscard]] std::optional<Interval> bootstrapMeanInterval(std::span<const double> values, std::uint64_t seed,
                                                            int resamples = 2000, double coverage = 0.95);

}  // namespace quibble
