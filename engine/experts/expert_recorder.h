// Turns what the router said and what was chosen into values: the experts of every row, and what a pass used and left
// out.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/forward/experts.h"
#include "engine/values/expert_record.h"

namespace quibble {

class ExpertRecorder {
public:
    ExpertRecorder(int layers, const ExpertConfig& config) : layers_(layers), config_(config) {}

    void beginPass();
    /// One layer. allowed: [config.count], or empty for all.
    void record(const RouterScores& scores, const ExpertChoice& choice, std::span<const char> allowed);
    /// Layers, coverage and rows of the pass that was recorded; the caller adds what only it knows.
    [[nodiscard]] ExpertPass pass() const;
    [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(row_experts_.size()); }
    /// The experts of row `row`; its position is the caller's to set.
    [[nodiscard]] const TokenExperts& row(std::int64_t index) const {
        return row_experts_[static_cast<std::size_t>(index)];
    }

private:
    void recordRow(const RouterScores& scores, const ExpertChoice& choice, std::span<const char> allowed,
                   std::int64_t row, std::vector<char>& natural);

    int layers_;
    ExpertConfig config_;
    std::vector<TokenExperts> row_experts_;
    std::vector<ExpertLayerUse> uses_;
    std::vector<double> curve_;  // sum over layers of the coverage by budget
};

}  // namespace quibble
