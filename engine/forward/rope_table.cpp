#include "engine/forward/rope_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace quibble {

namespace {

// The pair (not rounded) that turns `turns` times within the original context.
double pairOf(const RopeConfig& config, double turns) {
    return config.dim * std::log(config.yarn_original_context / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(config.theta));
}

}  // namespace

RopeTable::RopeTable(const RopeConfig& config, std::span<const float> factors)
    : frequencies_(static_cast<std::size_t>(config.dim / 2)) {
    double low = 0, high = 0;
    if (config.yarn) {
        low = pairOf(config, config.yarn_beta_fast);
        high = pairOf(config, config.yarn_beta_slow);
        if (config.yarn_truncate) {
            low = std::floor(low);
            high = std::ceil(high);
        }
        low = std::max(0.0, low);
        high = std::min<double>(config.dim - 1, high);
    }
    for (std::size_t pair = 0; pair < frequencies_.size(); ++pair) {
        double frequency = std::pow(config.theta, -2.0 * static_cast<double>(pair) / config.dim) / config.linear_scale;
        if (!factors.empty()) frequency /= static_cast<double>(factors[pair]);
        if (config.yarn) {
            const double slow = std::clamp((static_cast<double>(pair) - low) / std::max(0.001, high - low), 0.0, 1.0);
            const double kept = (1 - slow) * config.yarn_mix;
            frequency = frequency / config.yarn_factor * (1 - kept) + frequency * kept;
        }
        frequencies_[pair] = frequency;
    }
    magnitude_ = config.attention_factor;
    if (config.yarn && config.yarn_mix != 0) magnitude_ *= 1 + 0.1 * std::log(config.yarn_factor);
}

void RopeTable::fill(Position position, float* cos, float* sin) const {
    for (std::size_t pair = 0; pair < frequencies_.size(); ++pair) {
        const double angle = static_cast<double>(position) * frequencies_[pair];
        cos[pair] = static_cast<float>(std::cos(angle) * magnitude_);
        sin[pair] = static_cast<float>(std::sin(angle) * magnitude_);
    }
}

}  // namespace quibble
