// What both sides of speculative decoding do to logits before they choose: penalty, temperature, filters, noise. The
// draft and the target see the same rules, so that a perfect draft is always accepted.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/logits/marker_penalty.h"
#include "engine/sampler/sampler.h"
#include "engine/text/thinking.h"
#include "kernels/ops.h"

namespace quibble {

/// How a draft picks its tokens.
enum class DraftPick {
    SharedNoise,  // the token that the target's own noise would pick from the draft's distribution
    Drawn,        // a draw with noise of its own, as exact rejection needs
};

struct DraftRules {
    const MarkerPenalty* penalty = nullptr;
    const ThinkingTracker* thinking = nullptr;  // at the end of the text
    SamplerSettings sampler;
    std::uint64_t seed = 0;
    DraftPick pick = DraftPick::SharedNoise;
};

/// Applies the rules along one path; a copy follows another branch.
class RuleFollower {
public:
    explicit RuleFollower(const DraftRules& rules) : rules_(&rules), thinking_(*rules.thinking) {}

    void push(TokenId id) { (void)thinking_.push(id); }

    /// Logits after the penalty that holds at the end of this path; `storage` keeps them when the penalty changes
    /// anything.
    [[nodiscard]] std::span<const float> penalized(std::span<const float> raw, std::vector<float>& storage) const {
        if (!rules_->penalty->active(thinking_.inside())) return raw;
        storage.assign(raw.begin(), raw.end());
        rules_->penalty->apply(storage);
        return storage;
    }

private:
    const DraftRules* rules_;
    ThinkingTracker thinking_;
};

/// The settings under which probabilities are shown and confidence is measured: at temperature 0 the distribution that
/// is drawn from is a single token, so the plain softmax is taken instead.
[[nodiscard]] inline SamplerSettings shownSettings(const SamplerSettings& s) {
    return s.temperature > 0 ? s : SamplerSettings{1, 0, 1, 0};
}

/// Probabilities of single tokens under shownSettings. The plain softmax of temperature 0 takes one sum and no
/// distribution.
class ShownProbabilities {
public:
    ShownProbabilities(Sampler& sampler, std::span<const float> logits, const SamplerSettings& settings)
        : logits_(logits), greedy_(settings.temperature <= 0) {
        if (greedy_)
            kernels::ops().logitStats(logits.data(), static_cast<std::int64_t>(logits.size()), &stats_);
        else
            drawn_ = sampler.distribution(logits, settings);
    }
    [[nodiscard]] double of(TokenId id) const {
        return greedy_ ? std::exp(static_cast<double>(logits_[static_cast<std::size_t>(id)]) - stats_.log_sum_exp)
                       : probabilityOf(drawn_, id);
    }

private:
    std::span<const float> logits_;
    bool greedy_;
    kernels::LogitStats stats_;
    TokenDistribution drawn_;
};

}  // namespace quibble
