// MoE-Spec (arXiv 2602.16052): of each layer, only the B experts with the largest sum of router probability over the
// rows of the pass are used.
#include "engine/experts/budget_policy.h"

namespace quibble::experts {

namespace {

class MoeSpec final : public BudgetPolicy {
public:
    using BudgetPolicy::BudgetPolicy;

protected:
    // s_i = sum over rows of g_i(h_t)
    std::vector<double> worth(const RouterScores& scores) override {
        std::vector<double> sums(static_cast<std::size_t>(scores.config.count), 0.0);
        for (std::int64_t row = 0; row < scores.rows(); ++row) {
            const std::span<const float> g = scores.probabilitiesOf(row);
            for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(g[i]);
        }
        return sums;
    }
};

std::unique_ptr<ExpertPolicy> make(const MethodChoice& choice, std::uint64_t) {
    return std::make_unique<MoeSpec>(choice);
}

}  // namespace

const ExpertMethod kMoeSpec{
    {"moe_spec",
     "MoE-Spec budget",
     "arXiv 2602.16052",
     "Verifies a draft tree with only the experts that carry the most router probability over the whole tree.",
     kBudgetParams,
     false,
     {Need::Experts}},
    &make};

}  // namespace quibble::experts
