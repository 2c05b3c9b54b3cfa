// Baseline: any B experts of each layer and pass, drawn from the run's noise.
#include "engine/experts/budget_policy.h"
#include "engine/sampler/noise.h"

namespace quibble::experts {

namespace {

class Random final : public BudgetPolicy {
public:
    Random(MethodChoice choice, std::uint64_t seed) : BudgetPolicy(std::move(choice)), seed_(seed) {}

protected:
    std::vector<double> worth(const RouterScores& scores) override {
        std::vector<double> draws(static_cast<std::size_t>(scores.config.count));
        for (std::size_t i = 0; i < draws.size(); ++i) {
            const auto id = static_cast<TokenId>(i) + scores.layer * scores.config.count;
            draws[i] = uniformNoise(seed_, scores.positions.front(), id, NoiseStream::Experts);
        }
        return draws;
    }

private:
    std::uint64_t seed_;
};

std::unique_ptr<ExpertPolicy> make(const MethodChoice& choice, std::uint64_t seed) {
    return std::make_unique<Random>(choice, seed);
}

}  // namespace

const ExpertMethod kRandom{{"random",
                            "Random experts",
                            "baseline",
                            "The same budget filled with experts drawn at random: what a selection must beat.",
                            kBudgetParams,
                            false,
                            {Need::Experts}},
                           &make};

}  // namespace quibble::experts
