// What each stage of choosing a token leaves of the vocabulary: for people who want to see why a token was chosen.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampler/sampler.h"
#include "engine/values/token_record.h"

namespace quibble {

/// What one stage leaves. It looks at the logits or the distribution that it was made of, and lives no longer.
class StageView {
public:
    /// Logits, [vocab_size], at temperature 1.
    StageView(std::string_view name, std::span<const float> logits);
    /// A distribution over a vocabulary of that size.
    StageView(std::string_view name, const TokenDistribution& kept, std::size_t vocabulary);

    std::string_view name;
    std::int64_t dropped = 0;  // tokens that this stage took out
    int rule = -1;             // of a rule: its place in the chain

    /// Empty where the stage is a distribution.
    [[nodiscard]] std::span<const float> logits() const { return logits_; }
    [[nodiscard]] std::size_t vocabulary() const { return vocabulary_; }
    /// The `count` likeliest with ln p, largest first, ties by id.
    [[nodiscard]] std::vector<Alternative> best(int count) const;
    /// ln p of every token, [vocab_size]; -inf: the stage does not have it.
    void logprobs(std::vector<float>& all) const;
    [[nodiscard]] TokenStage list(int count) const { return {std::string(name), best(count), dropped}; }

private:
    std::span<const float> logits_;
    double log_sum_exp_ = 0;
    const TokenDistribution* kept_ = nullptr;
    std::size_t vocabulary_ = 0;
};

using SeeStage = std::function<void(const StageView& stage)>;

/// Shows the stages that `settings` switch on, behind the logits rules: temperature, top_k, top_p, min_p, each with
/// what it leaves. Returns what is left behind the last of them. Tokens too unlikely to ever win the draw count as
/// dropped by the first filter.
TokenDistribution seeSamplerStages(Sampler& sampler, std::span<const float> logits, const SamplerSettings& settings,
                                   const SeeStage& see);

/// The last stage, "chosen": that token alone, with its ln p of what was left.
[[nodiscard]] TokenStage chosenStage(const TokenDistribution& left, TokenId chosen);

}  // namespace quibble
