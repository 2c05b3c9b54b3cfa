// What both sides of speculative decoding do to logits before they choose: penalty, temperature, filters, noise. The
// draft and the target see the same rules, so that a perfect draft is always accepted.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/logits/logits_chain.h"
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
    const LogitsChain* chain = nullptr;  // at the end of the text ...
    const ThinkingTracker* thinking = nullptr;
    LogitsStep step;  // ... which stands here
    SamplerSettings sampler;
    std::uint64_t seed = 0;
    DraftPick pick = DraftPick::SharedNoise;
};

/// Applies the rules along one path; a copy follows another branch.
class RuleFollower {
public:
    explicit RuleFollower(const DraftRules& rules)
        : chain_(rules.chain->clone()), thinking_(*rules.thinking), step_(rules.step) {}
    RuleFollower(const RuleFollower& other)
        : chain_(other.chain_.clone()), thinking_(other.thinking_), step_(other.step_) {}
    RuleFollower& operator=(const RuleFollower&) = delete;
    RuleFollower(RuleFollower&&) = default;

    void push(TokenId id) {
        const bool was_inside = thinking_.inside();
        step_.thinking = thinking_.push(id);
        if (was_inside && step_.thinking) ++step_.thought_tokens;
        step_.thought = thinking_.closedSpans() > 0;
        ++step_.pos;
        ++step_.generated;
        chain_.push(id);
    }

    /// Logits behind the rules at the end of this path; `storage` keeps them when a rule changes anything.
    [[nodiscard]] std::span<const float> ruled(std::span<const float> raw, std::vector<float>& storage) const {
        return chain_.applied(raw, step_, storage);
    }

private:
    LogitsChain chain_;
    ThinkingTracker thinking_;
    LogitsStep step_;
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
