#include "engine/draft/tree_growth.h"

#include <algorithm>
#include <cmath>

namespace quibble {

TreeGrowth::TreeGrowth(DraftModel& model, const DraftTask& task, DraftTree& tree)
    : model_(model), task_(task), tree_(tree) {
    followers_.emplace_back(task.rules);
    logits_.emplace_back(model.logits().begin(), model.logits().end());
}

std::vector<Continuation> TreeGrowth::continuations(std::int32_t node, int count) {
    const auto index = static_cast<std::size_t>(node + 1);
    const SamplerSettings& settings = task_.rules.sampler;
    const TokenDistribution shown =
        sampler_.distribution(followers_[index].ruled(logits_[index], penalized_), shownSettings(settings));
    const bool noisy = task_.rules.pick == DraftPick::SharedNoise && settings.temperature > 0;
    const auto pos = static_cast<Position>(task_.text.size() + static_cast<std::size_t>(depth(node)));
    std::vector<Continuation> found;
    found.reserve(shown.size());
    double total = 0;
    for (const TokenProbability& token : shown) {
        // exp(ln p + noise): the target takes the largest of these, computed from its own p.
        const double weight = noisy ? token.p * std::exp(gumbelNoise(task_.rules.seed, pos, token.id)) : token.p;
        total += weight;
        found.push_back({token.id, static_cast<float>(token.p), weight});
    }
    for (Continuation& one : found) one.belief /= total;
    const auto better = [](const Continuation& a, const Continuation& b) {
        return a.belief != b.belief ? a.belief > b.belief : a.id < b.id;
    };
    const auto kept = std::min(found.size(), static_cast<std::size_t>(count));
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(), better);
    found.resize(kept);
    return found;
}

std::int32_t TreeGrowth::add(const Continuation& token, std::int32_t parent) {
    const std::int32_t node = tree_.add(token.id, parent, token.prob);
    depth_.push_back(depth(parent) + 1);
    row_.push_back(-1);
    RuleFollower follower = followers_[static_cast<std::size_t>(parent + 1)];
    follower.push(token.id);
    followers_.push_back(std::move(follower));
    logits_.emplace_back();
    return node;
}

Result<void> TreeGrowth::expand(std::vector<std::int32_t>& nodes, const std::stop_token& stop) {
    const Sequence& sequence = model_.sequence();
    const auto room = static_cast<std::size_t>(std::max<Position>(0, sequence.capacity() - sequence.size() - rows_));
    if (nodes.size() > room) nodes.resize(room);
    if (nodes.empty()) return {};
    std::vector<TokenId> tokens;
    std::vector<std::int32_t> parents;
    for (const std::int32_t node : nodes) {
        const std::int32_t parent = tree_.parents[static_cast<std::size_t>(node)];
        tokens.push_back(tree_.tokens[static_cast<std::size_t>(node)]);
        parents.push_back(parent < 0 ? -1 : row_[static_cast<std::size_t>(parent)]);
        row_[static_cast<std::size_t>(node)] = rows_++;
    }
    const auto vocab = static_cast<std::size_t>(model_.model().config().vocab_size);
    std::vector<float> rows(tokens.size() * vocab);
    if (auto fed = model_.sequence().appendTree(tokens, parents, rows.data(), stop); !fed) return fed;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        logits_[static_cast<std::size_t>(nodes[i] + 1)].assign(
            rows.begin() + static_cast<std::ptrdiff_t>(i * vocab),
            rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * vocab));
    }
    return {};
}

}  // namespace quibble
