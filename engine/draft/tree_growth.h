// What the tree methods share: expanding nodes of a drafting model level by level, one batched pass a level.
#pragma once

#include <memory>
#include <vector>

#include "engine/draft/draft_model.h"

namespace quibble {

/// A token that may continue a node, with the draft's probability and its belief that the target will pick it once the
/// run's noise at this position is taken into account (without noise: the probability itself).
struct Continuation {
    TokenId id = kNoToken;
    float prob = 0;
    double belief = 0;
};

class TreeGrowth {
public:
    /// `model` already follows the text; `tree` is empty.
    TreeGrowth(DraftModel& model, const DraftTask& task, DraftTree& tree);

    /// The `count` best continuations behind the text (-1) or behind a node that was expanded, best first.
    [[nodiscard]] std::vector<Continuation> continuations(std::int32_t node, int count);
    /// Adds the token as a child of `parent` (-1: the text). It can be continued once it has been expanded.
    std::int32_t add(const Continuation& token, std::int32_t parent);
    /// One pass over `nodes`, whose parents have been expanded before. Those for which the drafting model's context has
    /// no room are dropped from the list.
    [[nodiscard]] Result<void> expand(std::vector<std::int32_t>& nodes, const std::stop_token& stop);
    /// Nodes between the text and this one, itself included.
    [[nodiscard]] int depth(std::int32_t node) const { return node < 0 ? 0 : depth_[static_cast<std::size_t>(node)]; }

private:
    DraftModel& model_;
    const DraftTask& task_;
    DraftTree& tree_;
    std::vector<int> depth_;                  // by node
    std::vector<std::int32_t> row_;           // by node: its row in the drafting model's tree; -1: not expanded
    std::vector<RuleFollower> followers_;     // of the text, then by node
    std::vector<std::vector<float>> logits_;  // of the text, then by node; empty: not expanded
    std::int32_t rows_ = 0;
    Sampler sampler_;
    std::vector<float> penalized_;
};

}  // namespace quibble
