// A chain of three (SpecMQuant, arXiv 2505.22179, hierarchical framework): a tiny model drafts for a small one, whose
// checked tokens are the draft for the target. The small model accepts by matching its own choice, so the result is the
// chain that it would have drafted alone, for fewer passes.
#include <array>

#include "engine/draft/draft_model.h"

namespace quibble::draft {

namespace {

constexpr std::array kParams{
    ParamSpec{"length", "Draft length", "tokens", 1, 32, 1, 8, "Tokens handed to the target at once"},
    ParamSpec{"inner", "Inner length", "tokens", 1, 16, 1, 3, "Tokens the tiny model drafts for the small one"},
};

class Cascade final : public Drafter {
public:
    Cascade(MethodChoice choice, std::unique_ptr<DraftModel> small, std::unique_ptr<DraftModel> tiny)
        : choice_(std::move(choice)), small_(std::move(small)), tiny_(std::move(tiny)) {}

    Result<DraftTree> propose(const DraftTask& task, const std::stop_token& stop) override {
        DraftTree tree;
        const int length = chainRoom(task, static_cast<int>(choice_.value(kParams[0])),
                                     std::min(small_->sequence().capacity(), tiny_->sequence().capacity()));
        if (length == 0) return tree;
        text_.assign(task.text.begin(), task.text.end());
        ThinkingTracker thinking = *task.rules.thinking;
        if (auto followed = small_->follow(task.text, stop); !followed) return tl::unexpected(followed.error());
        std::int32_t parent = -1;
        while (static_cast<int>(tree.size()) < length) {
            // The tokens that both agree on so far are text for the next inner draft.
            DraftTask inner = task;
            inner.text = text_;
            inner.rules.thinking = &thinking;
            inner.max_nodes = inner.max_depth = length - static_cast<int>(tree.size()) - 1;
            if (auto grown = grow(inner, tree, parent, thinking, length, stop); !grown)
                return tl::unexpected(grown.error());
        }
        return tree;
    }
    const Model* model() const override { return &small_->model(); }
    Result<void> setParam(std::string_view key, double value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    // One inner round: at least one token is added.
    Result<void> grow(const DraftTask& inner, DraftTree& tree, std::int32_t& parent, ThinkingTracker& thinking,
                      int length, const std::stop_token& stop) {
        DraftTree guesses;
        const int room = chainRoom(inner, static_cast<int>(choice_.value(kParams[1])), tiny_->sequence().capacity());
        if (room > 0) {
            if (auto followed = tiny_->follow(inner.text, stop); !followed) return followed;
            if (auto drafted = draftChain(*tiny_, inner, room, 0, guesses, stop); !drafted) return drafted;
        }
        const std::size_t begin = text_.size();
        RuleFollower follower(inner.rules);
        const std::vector<float> first(small_->logits().begin(), small_->logits().end());
        if (guesses.size() > 0) {
            if (auto fed = small_->extend(guesses.tokens, static_cast<std::int64_t>(guesses.size()), stop); !fed)
                return fed;
        }
        for (std::size_t i = 0; i <= guesses.size() && static_cast<int>(tree.size()) < length; ++i) {
            const std::span<const float> raw =
                i == 0 ? std::span<const float>(first) : small_->row(static_cast<std::int64_t>(i) - 1);
            DraftedToken token = small_->pick(raw, inner.rules, follower, static_cast<Position>(begin + i));
            const TokenId id = token.id;
            parent = tree.add(id, parent, token.prob, std::move(token.drawn_from));
            follower.push(id);
            text_.push_back(id);
            if (i < guesses.size() && guesses.tokens[i] != id) break;
        }
        for (std::size_t i = begin; i < text_.size(); ++i) (void)thinking.push(text_[i]);
        if (static_cast<int>(tree.size()) == length) return {};
        return small_->follow(text_, stop);
    }

    MethodChoice choice_;
    std::unique_ptr<DraftModel> small_, tiny_;
    std::vector<TokenId> text_;
};

int nodes(const MethodChoice& choice) { return static_cast<int>(choice.value(kParams[0])); }

Result<std::unique_ptr<Drafter>> make(const DraftSetup& setup) {
    auto small = DraftModel::create(setup.models[0], setup);
    if (!small) return tl::unexpected(small.error());
    auto tiny = DraftModel::create(setup.models[1], setup);
    if (!tiny) return tl::unexpected(tiny.error());
    return std::make_unique<Cascade>(setup.choice, std::move(*small), std::move(*tiny));
}

}  // namespace

const DraftMethod kCascade{
    {"cascade",
     "Chain of three models",
     "SpecMQuant, arXiv 2505.22179",
     "A tiny model drafts for a small one, and what the small one makes of it is the draft for the target.",
     kParams,
     true,
     {Need::DraftModel, Need::SecondDraftModel}},
    &nodes,
    &make};

}  // namespace quibble::draft
