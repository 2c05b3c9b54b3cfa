// The arithmetic of the control methods apart from the text, as their papers and published code have it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace quibble {

/// ConciseHint (arXiv 2506.18810): tokens that are generated before the next hint, when the whole text, prompt and
/// hints included, has `length` tokens: min(most, int(alpha + beta length)).
[[nodiscard]] inline std::int64_t hintInterval(std::int64_t length, double alpha, double beta, double most) {
    return static_cast<std::int64_t>(std::min(most, std::floor(alpha + beta * static_cast<double>(length))));
}

/// ConciseHint: the share of a chunk of `interval` tokens in front of which no hint is put: a hint moves from the
/// beginning of its chunk towards the end while the intervals grow, and never into the last fifth.
[[nodiscard]] inline double hintShare(std::int64_t interval, double alpha, double most) {
    return std::min(std::max(static_cast<double>(interval) - alpha, 0.0) / most, 0.8);
}

/// EAT (arXiv 2509.26522): mean and variance of the entropies x_i of the next token behind the end of the thought, both
/// decaying: m_i = a x_i + (1 - a) m_{i-1} with m_1 = x_1, then v_i = a (x_i - m_i)^2 + (1 - a) v_{i-1} with v_1 = 0.
/// The variance takes the mean that has just been updated. The unit of v is that of x squared; the published limits are
/// for bits.
struct EntropyTrend {
    double mean = 0, variance = 0;
    std::int64_t seen = 0;

    void add(double x, double a) {
        mean = seen == 0 ? x : a * x + (1 - a) * mean;
        variance = seen == 0 ? 0 : a * (x - mean) * (x - mean) + (1 - a) * variance;
        ++seen;
    }
    /// The first variances are small because there is little to vary, so nothing settles before the warm-up.
    [[nodiscard]] bool settled(std::int64_t warm_up, double limit) const {
        return seen > 0 && seen >= warm_up && variance < limit;
    }
};

enum class ConfidenceMean { Arithmetic, Geometric, Minimum };

/// DEER (arXiv 2504.15895): how sure the model is of a trial answer with these token probabilities. The first token, an
/// opening brace, does not count; without a second one nothing is known, which is 0.
[[nodiscard]] inline double answerConfidence(std::span<const double> probabilities, ConfidenceMean mean) {
    if (probabilities.size() < 2) return 0;
    const auto counted = probabilities.subspan(1);
    const auto count = static_cast<double>(counted.size());
    double sum = 0, logs = 0, least = 1;
    for (const double p : counted) {
        sum += p;
        logs += std::log(p);
        least = std::min(least, p);
    }
    switch (mean) {
        case ConfidenceMean::Geometric: return std::exp(logs / count);
        case ConfidenceMean::Minimum: return least;
        case ConfidenceMean::Arithmetic: break;
    }
    return sum / count;
}

}  // namespace quibble
