// The run's quantized model drafts for its own reference (SpecMQuant, arXiv 2505.22179, section 3 measures such pairs):
// the text is the reference's own, and since both models have seen every position, the KL curve comes with it.
#include <array>

#include "engine/draft/draft_model.h"

namespace quibble::draft {

namespace {

constexpr std::array kParams{
    ParamSpec{"length", "Draft length", "tokens", 1, 32, 1, 6,
              "Tokens the quantized model drafts before the reference checks them"},
    kStopBelow,
};

class Self final : public Drafter {
public:
    Self(MethodChoice choice, std::unique_ptr<DraftModel> model)
        : choice_(std::move(choice)), model_(std::move(model)) {}

    Result<DraftTree> propose(const DraftTask& task, const std::stop_token& stop) override {
        DraftTree tree;
        rows_.clear();
        // Every node is fed, the last one too.
        const int length = chainRoom(task, static_cast<int>(choice_.value(kParams[0])), model_->sequence().capacity());
        if (auto followed = model_->follow(task.text, stop); !followed) return tl::unexpected(followed.error());
        if (auto drafted = draftChain(*model_, task, length, choice_.value(kParams[1]), tree, stop, &rows_); !drafted) {
            return tl::unexpected(drafted.error());
        }
        return tree;
    }
    const Model* model() const override { return &model_->model(); }
    std::span<const float> rawLogits(std::int32_t node) const override {
        const auto vocab = static_cast<std::size_t>(model_->model().config().vocab_size);
        return {rows_.data() + static_cast<std::size_t>(node + 1) * vocab, vocab};
    }
    Result<void> setParam(std::string_view key, double value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    MethodChoice choice_;
    std::unique_ptr<DraftModel> model_;
    std::vector<float> rows_;  // behind the text, then behind each node
};

int nodes(const MethodChoice& choice) { return static_cast<int>(choice.value(kParams[0])); }

Result<std::unique_ptr<Drafter>> make(const DraftSetup& setup) {
    auto model = DraftModel::create(setup.models.front(), setup);
    if (!model) return tl::unexpected(model.error());
    return std::make_unique<Self>(setup.choice, std::move(*model));
}

}  // namespace

const DraftMethod kSelf{{"self",
                         "The quantized model for its reference",
                         "SpecMQuant, arXiv 2505.22179",
                         "The quantized model drafts, its reference decides: the text is the reference's own, and the "
                         "KL curve comes with it.",
                         kParams,
                         true,
                         {Need::Reference}},
                        &nodes,
                        &make};

}  // namespace quibble::draft
