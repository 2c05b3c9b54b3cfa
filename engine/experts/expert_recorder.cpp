#include "engine/experts/expert_recorder.h"

#include <algorithm>
#include <functional>

namespace quibble {

void ExpertRecorder::beginPass() {
    row_experts_.clear();
    uses_.assign(static_cast<std::size_t>(layers_), {});
    curve_.assign(static_cast<std::size_t>(config_.count), 0.0);
}

void ExpertRecorder::recordRow(const RouterScores& scores, const ExpertChoice& choice, std::span<const char> allowed,
                               std::int64_t row, std::vector<char>& natural) {
    TokenExperts& record = row_experts_[static_cast<std::size_t>(row)];
    const auto first = static_cast<std::size_t>(scores.layer) * static_cast<std::size_t>(config_.used);
    for (std::size_t i = 0; i < choice.size(row); ++i) {
        record.ids[first + i] = static_cast<std::int16_t>(choice.expertsOf(row)[i]);
        record.weights[first + i] = choice.weightsOf(row)[i];
    }
    const std::span<const float> g = scores.probabilitiesOf(row);
    for (const std::int32_t expert : topExperts(scores.logitsOf(row), config_.used)) {
        natural[static_cast<std::size_t>(expert)] = 1;
        const auto chosen = choice.expertsOf(row);
        const bool lost = std::find(chosen.begin(), chosen.end(), expert) == chosen.end();
        if (lost && (allowed.empty() || allowed[static_cast<std::size_t>(expert)] == 0)) {
            record.dropped_mass[static_cast<std::size_t>(scores.layer)] += g[static_cast<std::size_t>(expert)];
        }
    }
}

void ExpertRecorder::record(const RouterScores& scores, const ExpertChoice& choice, std::span<const char> allowed) {
    const auto n_rows = static_cast<std::size_t>(scores.rows());
    if (row_experts_.size() != n_rows) {
        TokenExperts empty;
        empty.layers = layers_;
        empty.per_token = config_.used;
        empty.ids.assign(static_cast<std::size_t>(layers_) * static_cast<std::size_t>(config_.used), kNoExpert);
        empty.weights.assign(empty.ids.size(), 0.0F);
        empty.dropped_mass.assign(static_cast<std::size_t>(layers_), 0.0F);
        row_experts_.assign(n_rows, empty);
    }
    std::vector<char> natural(static_cast<std::size_t>(config_.count), 0), used(natural);
    std::vector<double> mass(natural.size(), 0.0);
    for (std::int64_t row = 0; row < scores.rows(); ++row) {
        recordRow(scores, choice, allowed, row, natural);
        for (const std::int32_t expert : choice.expertsOf(row)) used[static_cast<std::size_t>(expert)] = 1;
        const std::span<const float> g = scores.probabilitiesOf(row);
        for (std::size_t i = 0; i < mass.size(); ++i)
            mass[i] += static_cast<double>(g[i]) / static_cast<double>(n_rows);
    }
    ExpertLayerUse& use = uses_[static_cast<std::size_t>(scores.layer)];
    use.natural = static_cast<std::int32_t>(std::count(natural.begin(), natural.end(), 1));
    use.executed = static_cast<std::int32_t>(std::count(used.begin(), used.end(), 1));
    double kept = 0;
    for (std::size_t i = 0; i < mass.size(); ++i) kept += allowed.empty() || allowed[i] != 0 ? mass[i] : 0;
    use.coverage = static_cast<float>(kept);
    std::sort(mass.begin(), mass.end(), std::greater<>());
    double sum = 0;
    for (std::size_t i = 0; i < mass.size(); ++i) curve_[i] += sum += mass[i];
}

ExpertPass ExpertRecorder::pass() const {
    ExpertPass pass;
    pass.rows = static_cast<std::int32_t>(rows());
    pass.layers = uses_;
    for (const double sum : curve_) pass.coverage_by_budget.push_back(static_cast<float>(sum / layers_));
    return pass;
}

}  // namespace quibble
