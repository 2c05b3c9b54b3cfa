// Baseline: the B experts of each layer that this run's tokens have chosen most often so far, the prompt included.
#include "engine/experts/budget_policy.h"

namespace quibble::experts {

namespace {

class Frequent final : public BudgetPolicy {
public:
    using BudgetPolicy::BudgetPolicy;

protected:
    std::vector<double> worth(const RouterScores& scores) override {
        const auto layer = static_cast<std::size_t>(scores.layer);
        if (counts_.size() <= layer) counts_.resize(layer + 1);
        std::vector<double>& counts = counts_[layer];
        counts.resize(static_cast<std::size_t>(scores.config.count));
        const std::vector<double> before = counts;
        for (std::int64_t row = 0; row < scores.rows(); ++row) {
            for (const std::int32_t expert : topExperts(scores.logitsOf(row), scores.config.used))
                counts[static_cast<std::size_t>(expert)] += 1;
        }
        return before;
    }

private:
    std::vector<std::vector<double>> counts_;  // [layer][expert], of the passes before
};

std::unique_ptr<ExpertPolicy> make(const MethodChoice& choice, std::uint64_t) {
    return std::make_unique<Frequent>(choice);
}

}  // namespace

const ExpertMethod kFrequent{
    {"frequent",
     "Most frequent experts",
     "baseline",
     "The same budget filled with the experts used most often so far, whatever the tree needs.",
     kBudgetParams,
     false,
     {Need::Experts}},
    &make};

}  // namespace quibble::experts
