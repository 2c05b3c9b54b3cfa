// What a branch takes over: the text of its parent up to the token that it replaces, and what rules and counters have
// of that text.
#include <algorithm>

#include "engine/run/run_loop.h"

namespace quibble {

Result<void> RunLoop::checkBranch() const {
    const BranchPoint& branch = request_.branch;
    const auto there = [this](int index) { return index >= 0 && static_cast<std::size_t>(index) < controls_.size(); };
    const auto looked = [&](const std::string& text) {
        const auto look = RuleLook::parse(text);
        return look && there(look->rule);
    };
    if (!std::all_of(branch.acted.begin(), branch.acted.end(), there) ||
        !std::all_of(branch.looks.begin(), branch.looks.end(), looked)) {
        return fail(ErrorCode::InvalidArgument, "the branch names a rule that this run does not have",
                    "Branch with the rules of the run that it leaves");
    }
    const auto known = [&](TokenId id) { return id >= 0 && id < models_.quantized->config().vocab_size; };
    if (!std::all_of(branch.prefix.begin(), branch.prefix.end(), known)) {
        return fail(ErrorCode::InvalidArgument, "the branch holds a token that this model does not have",
                    "Branch with the model that made the run");
    }
    return {};
}

void RunLoop::takeOverBranch() {
    const std::vector<TokenId>& prefix = request_.branch.prefix;
    if (prefix.empty()) return;
    tokens_.insert(tokens_.end(), prefix.begin(), prefix.end() - 1);
    if (second_prompt_size_ > 0) second_text_.insert(second_text_.end(), prefix.begin(), prefix.end() - 1);
    forced_.push_back({prefix.back()});
}

// Earlier versions did not store where an act began: such a rule is told in front of the whole text.
void RunLoop::resumeRules(Position pos, bool first) {
    const BranchPoint& branch = request_.branch;
    const bool placed = branch.acted_at.size() == branch.acted.size();
    if (!placed && !first) return;
    for (std::size_t i = 0; i < branch.acted.size(); ++i) {
        if (placed && branch.acted_at[i] != pos) continue;
        const Position next = placed && i + 1 < branch.acted.size() ? branch.acted_at[i + 1] : branch.pos;
        Position end = pos;
        while (placed && end < next && std::binary_search(branch.injected.begin(), branch.injected.end(), end)) ++end;
        controls_[static_cast<std::size_t>(branch.acted[i])]->resume(static_cast<std::size_t>(end - pos));
    }
}

// Every rule sees the text in the order in which its parent saw it, with what it found there, and so do the live
// controls that a repetition brings.
Result<void> RunLoop::followPrefix() {
    const BranchPoint& branch = request_.branch;
    std::vector<RunEvent> of_the_parent;
    auto next = branch.looks.begin();
    const auto recall = [&](Position pos) {
        for (; next != branch.looks.end(); ++next) {
            const auto look = RuleLook::parse(*next).value_or(RuleLook{});
            if (look.pos > pos) break;
            controls_[static_cast<std::size_t>(look.rule)]->recall(look.found);
        }
    };
    for (std::size_t i = prompt_size_; i < tokens_.size(); ++i) {
        const auto pos = static_cast<Position>(i);
        if (auto applied = applyReplayed(pos, of_the_parent); !applied) return applied;
        resumeRules(pos, i == prompt_size_);
        recall(pos);
        followReply(tokens_[i], !std::binary_search(branch.injected.begin(), branch.injected.end(), pos));
        pushRules(tokens_[i]);
    }
    recall(position());
    return {};
}

}  // namespace quibble
