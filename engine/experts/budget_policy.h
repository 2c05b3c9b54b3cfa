// What the methods with a budget of experts a layer share: their parameters and when they apply.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "engine/experts/expert_method.h"

namespace quibble {

inline constexpr std::array kBudgetParams{
    ParamSpec{"budget", "Budget", "experts", 1, 4096, 1, 4,
              "Experts a layer that one pass may use; at least the experts of a token"},
    switchParam("truncate", "Truncate", false,
                "Off: a token takes its best experts among the allowed; on: it only loses those that are not allowed"),
    switchParam(kAllPassesKey, "All passes", false,
                "Off: only passes that verify a draft; on: prefill and plain decoding too"),
};

class BudgetPolicy : public ExpertPolicy {
public:
    explicit BudgetPolicy(MethodChoice choice) : ExpertPolicy(std::move(choice), kBudgetParams) {}

    int budget() const override { return applies() ? std::min(wanted(), config_.count) : 0; }
    Result<void> check(const MethodChoice& choice, const ExpertConfig& config) const override {
        const auto asked = static_cast<int>(choice.value(kBudgetParams[0]));
        if (asked >= config.used && asked <= config.count) return {};
        const std::string why =
            asked < config.used
                ? " experts is below the " + std::to_string(config.used) + " that every token of this model uses"
                : " experts is more than the " + std::to_string(config.count) + " that a layer of this model has";
        return fail(ErrorCode::InvalidArgument, "a budget of " + std::to_string(asked) + why,
                    "Use " + std::to_string(config.used) + " to " + std::to_string(config.count));
    }

protected:
    /// A worth for each expert; the `budget` largest are allowed, ties by the lower index.
    virtual std::vector<double> worth(const RouterScores& scores) = 0;

    bool restrict(const RouterScores& scores, std::vector<char>& open) override {
        std::vector<double> values = worth(scores);
        if (!applies() || wanted() >= scores.config.count) return false;
        std::vector<std::int32_t> order(values.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
        });
        std::fill(open.begin(), open.end(), char{0});
        for (int i = 0; i < wanted(); ++i) open[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = 1;
        return true;
    }
    bool truncates() const override { return choice_.value(kBudgetParams[1]) != 0; }

private:
    [[nodiscard]] bool applies() const { return verify_ || choice_.value(kBudgetParams[2]) != 0; }
    [[nodiscard]] int wanted() const { return static_cast<int>(choice_.value(kBudgetParams[0])); }
};

}  // namespace quibble
