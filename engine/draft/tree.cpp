// A tree grown where the draft expects most (DySpec, arXiv 2410.11744): every candidate is worth the product of the
// draft's beliefs along its path, and the best `nodes` of them are kept. Grown level by level, one batched pass of the
// draft a level; only nodes that are among the best so far are expanded.
#include <algorithm>
#include <array>
#include <functional>

#include "engine/draft/tree_growth.h"

namespace quibble::draft {

namespace {

constexpr std::array kParams{
    ParamSpec{"nodes", "Tree size", "nodes", 1, 63, 1, 12, "Tokens the target checks in one pass"},
    ParamSpec{"depth", "Greatest depth", "tokens", 1, 16, 1, 6, "Passes of the draft for one tree"},
    ParamSpec{"branch", "Greatest width", "", 1, 8, 1, 4, "Continuations of one node"},
    ParamSpec{"least", "Least worth", "", 0, 1, 0, 0.01,
              "A path that the draft believes in less than this is not followed"},
};

int nodes(const MethodChoice& choice) { return static_cast<int>(choice.value(kParams[0])); }

class Tree final : public Drafter {
public:
    Tree(MethodChoice choice, std::unique_ptr<DraftModel> model)
        : choice_(std::move(choice)), model_(std::move(model)) {}

    Result<DraftTree> propose(const DraftTask& task, const std::stop_token& stop) override {
        DraftTree looked_at;
        const int size = std::min(nodes(choice_), task.max_nodes);
        const int deepest = chainRoom(task, static_cast<int>(choice_.value(kParams[1])), model_->sequence().capacity());
        if (size == 0 || deepest == 0) return looked_at;
        if (auto followed = model_->follow(task.text, stop); !followed) return tl::unexpected(followed.error());
        std::vector<double> worth;
        if (auto grown = grow(task, size, deepest, looked_at, worth, stop); !grown)
            return tl::unexpected(grown.error());
        model_->sequence().keepRows({});
        return best(looked_at, worth, static_cast<std::size_t>(size));
    }
    const Model* model() const override { return &model_->model(); }
    Result<void> setParam(std::string_view key, double value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    Result<void> grow(const DraftTask& task, int size, int deepest, DraftTree& tree, std::vector<double>& worth,
                      const std::stop_token& stop) {
        TreeGrowth growth(*model_, task, tree);
        std::vector<std::int32_t> level{-1};
        for (int depth = 0; depth < deepest && !level.empty(); ++depth) {
            std::vector<std::int32_t> fresh;
            for (const std::int32_t node : level) {
                const double above = node < 0 ? 1 : worth[static_cast<std::size_t>(node)];
                for (const Continuation& token :
                     growth.continuations(node, static_cast<int>(choice_.value(kParams[2])))) {
                    if (above * token.belief < choice_.value(kParams[3])) break;
                    fresh.push_back(growth.add(token, node));
                    worth.push_back(above * token.belief);
                }
            }
            level.clear();
            if (depth + 1 == deepest) break;
            const double bar = barFor(worth, size);
            for (const std::int32_t node : fresh) {
                if (worth[static_cast<std::size_t>(node)] >= bar && static_cast<int>(level.size()) < size)
                    level.push_back(node);
            }
            if (level.empty()) break;
            if (auto expanded = growth.expand(level, stop); !expanded) return expanded;
        }
        return {};
    }

    // The worth of the size-th best node so far: what is below cannot be in the tree, and neither can what continues
    // it.
    static double barFor(std::vector<double> worth, int size) {
        if (worth.size() <= static_cast<std::size_t>(size)) return 0;
        std::nth_element(worth.begin(), worth.begin() + (size - 1), worth.end(), std::greater<>());
        return worth[static_cast<std::size_t>(size) - 1];
    }

    // A node is worth no more than its parent, so the best ones form a tree; ties go to the earlier node, which is
    // never the child.
    static DraftTree best(const DraftTree& tree, const std::vector<double>& worth, std::size_t size) {
        std::vector<std::int32_t> order(tree.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return worth[static_cast<std::size_t>(a)] > worth[static_cast<std::size_t>(b)];
        });
        order.resize(std::min(size, order.size()));
        std::sort(order.begin(), order.end());
        std::vector<std::int32_t> place(tree.size(), -1);
        DraftTree kept;
        for (const std::int32_t node : order) {
            const auto index = static_cast<std::size_t>(node);
            const std::int32_t parent = tree.parents[index];
            place[index] = kept.add(tree.tokens[index], parent < 0 ? -1 : place[static_cast<std::size_t>(parent)],
                                    tree.probs[index]);
        }
        return kept;
    }

    MethodChoice choice_;
    std::unique_ptr<DraftModel> model_;
};

Result<std::unique_ptr<Drafter>> make(const DraftSetup& setup) {
    auto model = DraftModel::create(setup.models.front(), setup);
    if (!model) return tl::unexpected(model.error());
    return std::make_unique<Tree>(setup.choice, std::move(*model));
}

}  // namespace

const DraftMethod kTree{
    {"tree",
     "Tree grown by draft probability",
     "DySpec, arXiv 2410.11744",
     "A smaller model drafts a tree that is widest where it is unsure and deepest where it is sure.",
     kParams,
     true,
     {Need::DraftModel}},
    &nodes,
    &make};

}  // namespace quibble::draft
