// Looks the last tokens up in the prompt and the text so far and proposes what followed them there (prompt look-up
// decoding). Costs no model; gains where a text repeats itself, as a chain of thought that checks its own steps does.
#include <algorithm>
#include <array>

#include "engine/draft/draft_model.h"

namespace quibble::draft {

namespace {

constexpr std::array kParams{
    ParamSpec{"length", "Draft length", "tokens", 1, 32, 1, 4, "Tokens copied from behind the match"},
    ParamSpec{"longest", "Longest match", "tokens", 1, 16, 1, 4, "Tried first"},
    ParamSpec{"shortest", "Shortest match", "tokens", 1, 16, 1, 3, "Below this nothing is proposed"},
};

// Where the most recent earlier occurrence of the last n tokens ends; 0: nowhere.
std::size_t endOfMatch(std::span<const TokenId> text, std::size_t n) {
    const auto tail = text.last(n);
    for (std::size_t end = text.size() - 1; end >= n; --end) {
        if (std::equal(tail.begin(), tail.end(), text.begin() + static_cast<std::ptrdiff_t>(end - n))) return end;
    }
    return 0;
}

class Ngram final : public Drafter {
public:
    explicit Ngram(MethodChoice choice) : choice_(std::move(choice)) {}

    Result<DraftTree> propose(const DraftTask& task, const std::stop_token&) override {
        DraftTree tree;
        const auto wanted = static_cast<std::size_t>(
            std::max(0, std::min({static_cast<int>(choice_.value(kParams[0])), task.max_nodes, task.max_depth})));
        const auto shortest = static_cast<std::size_t>(choice_.value(kParams[2]));
        for (auto n = static_cast<std::size_t>(choice_.value(kParams[1])); n >= shortest && n > 0 && tree.size() == 0;
             --n) {
            if (n >= task.text.size()) continue;
            const std::size_t end = endOfMatch(task.text, n);
            if (end == 0) continue;
            std::int32_t parent = -1;
            for (std::size_t i = end; i < task.text.size() && tree.size() < wanted; ++i)
                parent = tree.add(task.text[i], parent, kNotMeasured);
        }
        return tree;
    }
    Result<void> setParam(std::string_view key, double value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    MethodChoice choice_;
};

int nodes(const MethodChoice& choice) { return static_cast<int>(choice.value(kParams[0])); }

Result<std::unique_ptr<Drafter>> make(const DraftSetup& setup) { return std::make_unique<Ngram>(setup.choice); }

}  // namespace

const DraftMethod kNgram{
    {"ngram", "Look-up in the text", "prompt look-up decoding",
     "Proposes what followed the last few tokens the last time they stood in the prompt or the text.", kParams, true},
    &nodes,
    &make};

}  // namespace quibble::draft
