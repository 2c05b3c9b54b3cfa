// What both sides of speculative decoding do to logits before they choose: penalty, temperature, filters, noise. The draft and the target
// see the same rules, so that a perfect draft is always accepted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/logits/marker_penalty.h"
#include "engine/sampler/sampler.h"
#include "engine/text/thinking.h"

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

    /// Logits after the penalty that holds at the end of this path; `storage` keeps them when the penalty changes anything.
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

/// The settings under which probabilities are shown and confidence is measured: at temperature 0 the distribution that is drawn from is
/// a single token, so the plain softmax is taken instead.
[[nodiscard]] inline SamplerSettings shownSettings(const SamplerSettings& s) { return s.temperature > 0 ? s : SamplerSettings{1, 0, 1, 0}; }

}  // namespace quibble
