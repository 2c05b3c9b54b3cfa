// Baseline: token by token, an expert is left out when its router probability is below a share of the token's largest.
// No budget: rows do not agree on a set, so the union shrinks only by chance.
#include <algorithm>
#include <array>

#include "engine/experts/expert_method.h"

namespace quibble::experts {

namespace {

constexpr std::array kParams{
    ParamSpec{"share", "Least share", "", 0, 1, 0, 0.3,
              "An expert below this share of the token's largest router probability is left out"},
    switchParam(kAllPassesKey, "All passes", false,
                "Off: only passes that verify a draft; on: prefill and plain decoding too"),
};

class Threshold final : public ExpertPolicy {
public:
    explicit Threshold(MethodChoice choice) : ExpertPolicy(std::move(choice), kParams) {}

    void select(const RouterScores& scores, ExpertChoice& choice) override {
        if (!verify_ && choice_.value(kParams[1]) == 0) {
            ExpertPolicy::select(scores, choice);
            return;
        }
        const auto share = static_cast<float>(choice_.value(kParams[0]));
        for (std::int64_t row = 0; row < scores.rows(); ++row) {
            const std::span<const float> g = scores.probabilitiesOf(row);
            std::vector<std::int32_t> chosen = topExperts(scores.logitsOf(row), scores.config.used);
            const float least = share * g[static_cast<std::size_t>(chosen.front())];
            std::erase_if(chosen, [&](std::int32_t expert) { return g[static_cast<std::size_t>(expert)] < least; });
            addWeighted(scores, row, chosen, choice);
        }
    }

protected:
    bool restrict(const RouterScores&, std::vector<char>&) override { return false; }
};

std::unique_ptr<ExpertPolicy> make(const MethodChoice& choice, std::uint64_t) {
    return std::make_unique<Threshold>(choice);
}

}  // namespace

const ExpertMethod kThreshold{{"threshold",
                               "Threshold by token",
                               "baseline",
                               "Each token leaves out experts that it hardly needs; tokens do not agree on a set.",
                               kParams,
                               false,
                               {Need::Experts}},
                              &make};

}  // namespace quibble::experts
