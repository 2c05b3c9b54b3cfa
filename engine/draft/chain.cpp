// A smaller model of the same tokenizer drafts a chain (Leviathan et al., arXiv 2211.17192). With a confidence above 0
// the length adapts: drafting stops where the draft itself is unsure.
#include <array>

#include "engine/draft/draft_model.h"

namespace quibble::draft {

namespace {

constexpr std::array kParams{
    ParamSpec{"length", "Draft length", "tokens", 1, 32, 1, 4, "Tokens drafted before the target checks them"},
    kStopBelow,
};

class Chain final : public Drafter {
public:
    Chain(MethodChoice choice, std::unique_ptr<DraftModel> model)
        : choice_(std::move(choice)), model_(std::move(model)) {}

    Result<DraftTree> propose(const DraftTask& task, const std::stop_token& stop) override {
        DraftTree tree;
        const int length = chainRoom(task, static_cast<int>(choice_.value(kParams[0])), model_->sequence().capacity());
        if (length == 0) return tree;
        if (auto followed = model_->follow(task.text, stop); !followed) return tl::unexpected(followed.error());
        if (auto drafted = draftChain(*model_, task, length, choice_.value(kParams[1]), tree, stop); !drafted)
            return tl::unexpected(drafted.error());
        return tree;
    }
    const Model* model() const override { return &model_->model(); }
    Result<void> setParam(std::string_view key, double value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    MethodChoice choice_;
    std::unique_ptr<DraftModel> model_;
};

int nodes(const MethodChoice& choice) { return static_cast<int>(choice.value(kParams[0])); }

Result<std::unique_ptr<Drafter>> make(const DraftSetup& setup) {
    auto model = DraftModel::create(setup.models.front(), setup);
    if (!model) return tl::unexpected(model.error());
    return std::make_unique<Chain>(setup.choice, std::move(*model));
}

}  // namespace

const DraftMethod kChain{{"chain",
                          "Chain from a small model",
                          "arXiv 2211.17192",
                          "A smaller model of the same tokenizer drafts a few tokens ahead.",
                          kParams,
                          true,
                          {Need::DraftModel}},
                         &nodes,
                         &make};

}  // namespace quibble::draft
