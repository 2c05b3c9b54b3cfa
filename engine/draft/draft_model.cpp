#include "engine/draft/draft_model.h"

#include <algorithm>

namespace quibble {

Result<std::unique_ptr<DraftModel>> DraftModel::create(std::shared_ptr<const Model> model, const DraftSetup& setup) {
    auto sequence = Sequence::create(std::move(model), *setup.device, setup.context, setup.settings, setup.reuse);
    if (!sequence) return tl::unexpected(sequence.error());
    std::unique_ptr<DraftModel> draft(new DraftModel(std::move(*sequence)));
    draft->fed_.assign(setup.reuse.text.begin(), setup.reuse.text.begin() + draft->sequence_->size());
    return draft;
}

std::span<const float> DraftModel::row(std::int64_t index) const {
    const auto vocab = static_cast<std::size_t>(model().config().vocab_size);
    return {rows_.data() + static_cast<std::size_t>(index) * vocab, vocab};
}

Result<void> DraftModel::follow(std::span<const TokenId> text, const std::stop_token& stop) {
    auto common = static_cast<std::size_t>(std::mismatch(fed_.begin(), fed_.end(), text.begin(), text.end()).first -
                                           fed_.begin());
    common =
        std::min(common, text.size() - 1);  // the last token is fed anew, since the logits may be of something else
    fed_.resize(common);
    sequence_->truncate(static_cast<Position>(common));
    return extend(text.subspan(common), 1, stop);
}

Result<void> DraftModel::extend(std::span<const TokenId> tokens, std::int64_t n_rows, const std::stop_token& stop) {
    rows_.resize(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(model().config().vocab_size));
    rows_held_ = n_rows;
    const std::size_t before = fed_.size();
    fed_.insert(fed_.end(), tokens.begin(), tokens.end());
    auto fed = sequence_->append(tokens, n_rows, rows_.data(), stop);
    if (!fed) {
        // What the finished passes took in stays.
        fed_.resize(std::max(before, static_cast<std::size_t>(sequence_->size())));
    }
    return fed;
}

DraftedToken DraftModel::pick(std::span<const float> raw, const DraftRules& rules, const RuleFollower& follower,
                              Position pos) {
    const std::span<const float> logits = follower.ruled(raw, penalized_);
    DraftedToken token;
    if (rules.sampler.temperature <= 0) {
        // Greedy: the largest of the plain softmax, for which no distribution has to be made.
        token.id = sampler_.choose(logits, rules.sampler, rules.seed, pos);
        token.prob = token.confidence =
            static_cast<float>(ShownProbabilities(sampler_, logits, rules.sampler).of(token.id));
        return token;
    }
    TokenDistribution shown = sampler_.distribution(logits, rules.sampler);
    for (const TokenProbability& one : shown) token.confidence = std::max(token.confidence, static_cast<float>(one.p));
    token.id = rules.pick == DraftPick::Drawn ? drawToken(shown, rules.seed, pos, NoiseStream::Draft)
                                              : sampler_.choose(logits, rules.sampler, rules.seed, pos);
    token.prob = static_cast<float>(probabilityOf(shown, token.id));
    if (rules.pick == DraftPick::Drawn) token.drawn_from = std::move(shown);
    return token;
}

int chainRoom(const DraftTask& task, int length, Position context) {
    // The draft feeds every node but the last, so its own context must hold the text and those.
    const int own = static_cast<int>(context) - static_cast<int>(task.text.size());
    return std::max(0, std::min({length, task.max_nodes, task.max_depth, own}));
}

Result<void> draftChain(DraftModel& model, const DraftTask& task, int length, double least_confidence, DraftTree& tree,
                        const std::stop_token& stop, std::vector<float>* kept_rows) {
    RuleFollower follower(task.rules);
    const auto keep = [&] {
        if (kept_rows != nullptr) kept_rows->insert(kept_rows->end(), model.logits().begin(), model.logits().end());
    };
    keep();
    std::int32_t parent = -1;
    for (int i = 0; i < length; ++i) {
        const auto pos = static_cast<Position>(task.text.size() + static_cast<std::size_t>(i));
        DraftedToken token = model.pick(model.logits(), task.rules, follower, pos);
        if (static_cast<double>(token.confidence) < least_confidence) break;
        const TokenId id = token.id;
        parent = tree.add(id, parent, token.prob, std::move(token.drawn_from));
        follower.push(id);
        // Nothing is drafted behind the last node, so only who keeps its logits feeds it.
        if (i + 1 == length && kept_rows == nullptr) break;
        if (auto fed = model.extend(id, stop); !fed) return fed;
        keep();
    }
    return {};
}

}  // namespace quibble
