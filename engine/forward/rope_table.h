// Rotary position embedding as numbers: the frequency of each rotated pair and the cos and sin of a position.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/model/model_config.h"
#include "engine/values/ids.h"

namespace quibble {

class RopeTable {
public:
    RopeTable() = default;
    /// factors: the rope_freqs tensor (divisors, [rope.dim / 2]) or empty.
    /// Pair i turns by theta^(-2i/dim) / factors[i] a position; with YaRN (arXiv 2309.00071, eq. 22-23, as ggml
    /// computes it) the angle is mixed with its division by yarn_factor along a ramp over the pairs, and cos and sin
    /// are multiplied by attention_factor (1 + 0.1 ln yarn_factor).
    RopeTable(const RopeConfig& config, std::span<const float> factors);

    [[nodiscard]] std::size_t pairs() const { return frequencies_.size(); }
    [[nodiscard]] const std::vector<double>& frequencies() const { return frequencies_; }
    [[nodiscard]] double magnitude() const { return magnitude_; }

    /// cos, sin: [pairs()].
    void fill(Position position, float* cos, float* sin) const;

private:
    std::vector<double> frequencies_;
    double magnitude_ = 1;
};

}  // namespace quibble
