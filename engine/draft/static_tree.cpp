// A tree whose widths are given: so many continuations of the text, so many of each of those, and so on (SpecInfer,
// arXiv 2305.09781).
#include <algorithm>
#include <array>

#include "engine/draft/tree_growth.h"

namespace quibble::draft {

namespace {

constexpr std::array kParams{
    ParamSpec{"first", "Width at depth 1", "", 1, 8, 1, 2, "Continuations of the text"},
    ParamSpec{"second", "Width at depth 2", "", 0, 8, 1, 1, "Continuations of each of those"},
    ParamSpec{"third", "Width at depth 3", "", 0, 4, 1, 1, "0: the tree ends here"},
    ParamSpec{"fourth", "Width at depth 4", "", 0, 4, 1, 1, "0: the tree ends here"},
};

int nodes(const MethodChoice& choice) {
    int total = 0, level = 1;
    for (const ParamSpec& spec : kParams) {
        level *= static_cast<int>(choice.value(spec));
        total += level;
    }
    return total;
}

class StaticTree final : public Drafter {
public:
    StaticTree(MethodChoice choice, std::unique_ptr<DraftModel> model)
        : choice_(std::move(choice)), model_(std::move(model)) {}

    Result<DraftTree> propose(const DraftTask& task, const std::stop_token& stop) override {
        DraftTree tree;
        const int deepest = chainRoom(task, static_cast<int>(kParams.size()), model_->sequence().capacity());
        if (deepest == 0) return tree;
        if (auto followed = model_->follow(task.text, stop); !followed) return tl::unexpected(followed.error());
        TreeGrowth growth(*model_, task, tree);
        std::vector<std::int32_t> level{-1};
        for (int depth = 0; depth < deepest && !level.empty(); ++depth) {
            const int width = static_cast<int>(choice_.value(kParams[static_cast<std::size_t>(depth)]));
            std::vector<std::int32_t> next;
            for (const std::int32_t node : level) {
                for (const Continuation& token : growth.continuations(node, width)) {
                    if (static_cast<int>(tree.size()) < task.max_nodes) next.push_back(growth.add(token, node));
                }
            }
            const bool goes_on = depth + 1 < deepest && choice_.value(kParams[static_cast<std::size_t>(depth) + 1]) > 0;
            if (!goes_on || next.empty()) break;
            if (auto expanded = growth.expand(next, stop); !expanded) return tl::unexpected(expanded.error());
            level = std::move(next);
        }
        model_->sequence().keepRows({});
        return tree;
    }
    const Model* model() const override { return &model_->model(); }
    Result<void> setParam(std::string_view key, double value) override {
        MethodChoice changed = choice_;
        if (auto checked = changeParam(changed, kParams, key, value); !checked) return checked;
        if (nodes(changed) >= Sequence::kMaxRows) {
            return fail(ErrorCode::InvalidArgument,
                        "these widths make a tree of " + std::to_string(nodes(changed)) + " nodes",
                        "A verify pass takes " + std::to_string(Sequence::kMaxRows - 1));
        }
        choice_ = std::move(changed);
        return {};
    }

private:
    MethodChoice choice_;
    std::unique_ptr<DraftModel> model_;
};

Result<std::unique_ptr<Drafter>> make(const DraftSetup& setup) {
    auto model = DraftModel::create(setup.models.front(), setup);
    if (!model) return tl::unexpected(model.error());
    return std::make_unique<StaticTree>(setup.choice, std::move(*model));
}

}  // namespace

const DraftMethod kStaticTree{{"static_tree",
                               "Static tree",
                               "SpecInfer, arXiv 2305.09781",
                               "A tree of fixed widths, drafted by a smaller model.",
                               kParams,
                               true,
                               {Need::DraftModel}},
                              &nodes,
                              &make};

}  // namespace quibble::draft
