// A run as everybody reads it: events applied in order. The window, the command line, the export and the replay use
// this one container, whether the events come live from the engine or from the store.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/values/run_event.h"
#include "engine/values/run_request.h"

namespace quibble {

/// A generated token with both measurements; `reference.kl` is NaN until the reference has been there.
struct TracePoint {
    TokenRecord token;
    ReferenceRecord reference;
    [[nodiscard]] bool hasReference() const { return reference.rank > 0; }
};

/// Of a trace: how much of it a branch took over from its parent, from the beginning of each list on. Everything behind
/// it is the run's own. Speed, cost and counts of work are made from what is its own; figures of the text from all of
/// it.
struct InheritedParts {
    std::size_t points = 0, rounds = 0, passes = 0;
    bool operator==(const InheritedParts&) const = default;
};

class RunTrace {
public:
    RunTrace() = default;
    explicit RunTrace(RunRequest request) : request_(std::move(request)) {}

    void apply(const RunEvent& event) {
        std::visit([this](const auto& value) { applyOne(value); }, event);
    }

    /// Makes this the beginning of a branch: what `parent` says of the positions below `end`, and all of its texts.
    /// Controls are not inherited: the request of the branch says what holds from there on.
    void inherit(const RunTrace& parent, Position end) {
        provenance_ = parent.provenance_;
        texts_ = parent.texts_;
        for (const TracePoint& point : parent.points_) {
            if (point.token.pos >= end) break;
            points_.push_back(point);
            if (point.hasReference()) referenced_ = points_.size();
        }
        for (const RuleAct& act : parent.rule_acts_) {
            if (act.pos < end) rule_acts_.push_back(act);
        }
        for (const DraftRound& round : parent.draft_rounds_) {
            if (round.pos < end) draft_rounds_.push_back(beginningOf(round, end));
        }
        for (const ExpertPass& pass : parent.expert_passes_) {
            if (pass.pos < end) expert_passes_.push_back(pass);
        }
        const auto experts =
            std::min(parent.token_experts_.size(), static_cast<std::size_t>(std::max<Position>(0, end)));
        token_experts_.assign(parent.token_experts_.begin(),
                              parent.token_experts_.begin() + static_cast<std::ptrdiff_t>(experts));
        closeInherited();
    }
    /// Everything that has been applied so far came from the parent of a branch; what follows is the run's own.
    void closeInherited() { inherited_ = {points_.size(), draft_rounds_.size(), expert_passes_.size()}; }

    [[nodiscard]] const RunRequest& request() const { return request_; }
    [[nodiscard]] const RunProvenance& provenance() const { return provenance_; }
    [[nodiscard]] RunState state() const { return state_; }
    [[nodiscard]] const Progress& progress() const { return progress_; }
    [[nodiscard]] const std::vector<TracePoint>& points() const { return points_; }
    [[nodiscard]] const InheritedParts& inherited() const { return inherited_; }
    [[nodiscard]] std::span<const TracePoint> ownPoints() const {
        return std::span(points_).subspan(inherited_.points);
    }
    [[nodiscard]] std::span<const DraftRound> ownRounds() const {
        return std::span(draft_rounds_).subspan(inherited_.rounds);
    }
    [[nodiscard]] std::span<const ExpertPass> ownPasses() const {
        return std::span(expert_passes_).subspan(inherited_.passes);
    }
    [[nodiscard]] const std::vector<ControlChange>& controls() const { return controls_; }
    [[nodiscard]] const std::vector<RuleAct>& ruleActs() const { return rule_acts_; }  // by rising pos
    /// The stages of the token at `pos`; nullptr where nobody asked for them.
    [[nodiscard]] const TokenStages* stagesAt(Position pos) const {
        const auto found = std::lower_bound(stages_.begin(), stages_.end(), pos,
                                            [](const TokenStages& stages, Position at) { return stages.pos < at; });
        return found == stages_.end() || found->pos != pos ? nullptr : &*found;
    }
    [[nodiscard]] const std::vector<DraftRound>& draftRounds() const { return draft_rounds_; }  // by rising pos
    [[nodiscard]] const std::vector<ExpertPass>& expertPasses() const { return expert_passes_; }
    /// The experts of the row at `pos`, prompt included; nullptr when none were recorded.
    [[nodiscard]] const TokenExperts* expertsAt(Position pos) const {
        const auto index = static_cast<std::size_t>(pos);
        return pos < 0 || index >= token_experts_.size() || token_experts_[index].layers == 0 ? nullptr
                                                                                              : &token_experts_[index];
    }
    [[nodiscard]] const std::vector<TokenExperts>& tokenExperts() const {
        return token_experts_;
    }  // by position; layers == 0: none
    /// The round that made the token at `pos`; nullptr for a token of the prompt or of a run without a draft.
    [[nodiscard]] const DraftRound* roundAt(Position pos) const {
        auto after = std::upper_bound(draft_rounds_.begin(), draft_rounds_.end(), pos,
                                      [](Position p, const DraftRound& r) { return p < r.pos; });
        if (after == draft_rounds_.begin()) return nullptr;
        const DraftRound& round = *std::prev(after);
        return pos < round.pos + round.tokens() ? &round : nullptr;
    }
    [[nodiscard]] TokenOrigin originAt(Position pos) const {
        const DraftRound* round = roundAt(pos);
        if (round == nullptr) return TokenOrigin::Decoded;
        if (pos < round->pos + round->accepted()) return TokenOrigin::Accepted;
        return round->corrected       ? TokenOrigin::Corrected
               : round->nodes.empty() ? TokenOrigin::Decoded
                                      : TokenOrigin::Bonus;
    }
    [[nodiscard]] const std::optional<RunFinished>& finished() const { return finished_; }
    [[nodiscard]] std::size_t referenced() const {
        return referenced_;
    }  // points up to the last one that the reference has scored; a parent that was stopped leaves a hole before a
       // branch

    /// Raw bytes of a token; empty when the id has not been named in this run.
    [[nodiscard]] std::string_view text(TokenId id) const {
        const auto found = texts_.find(id);
        return found == texts_.end() ? std::string_view{} : std::string_view(found->second);
    }
    [[nodiscard]] const std::unordered_map<TokenId, std::string>& texts() const { return texts_; }
    [[nodiscard]] Position firstPosition() const { return static_cast<Position>(provenance_.prompt_tokens.size()); }

private:
    void applyOne(const RunProvenance& value) { provenance_ = value; }
    void applyOne(const StateChanged& value) { state_ = value.state; }
    void applyOne(const Progress& value) { progress_ = value; }
    void applyOne(const TokenText& value) { texts_[value.id] = value.bytes; }
    void applyOne(const TokenRecord& value) { points_.push_back({value, {}}); }
    void applyOne(const ControlChange& value) { controls_.push_back(value); }
    void applyOne(const TokenStages& value) { stages_.push_back(value); }
    void applyOne(const RuleAct& value) { rule_acts_.push_back(value); }
    /// What the text no longer has goes. What a rule found on trial stays: the rule still knows it.
    void applyOne(const TakenBack& value) {
        const auto gone = [&](Position pos) { return pos >= value.size; };
        std::erase_if(points_, [&](const TracePoint& point) { return gone(point.token.pos); });
        std::erase_if(rule_acts_,
                      [&](const RuleAct& act) { return act.kind != RuleAct::Kind::Looked && gone(act.pos); });
        std::erase_if(stages_, [&](const TokenStages& stages) { return gone(stages.pos); });
        if (static_cast<Position>(token_experts_.size()) > std::max<Position>(0, value.size))
            token_experts_.resize(static_cast<std::size_t>(std::max<Position>(0, value.size)));
        referenced_ = std::min(referenced_, points_.size());
        inherited_.points = std::min(inherited_.points, points_.size());
    }
    void applyOne(const DraftRound& value) { draft_rounds_.push_back(value); }
    void applyOne(const ExpertPass& value) { expert_passes_.push_back(value); }
    void applyOne(const TokenExperts& value) {
        if (value.pos < 0 || value.pos > kFarthest) return;
        const auto index = static_cast<std::size_t>(value.pos);
        if (token_experts_.size() <= index) token_experts_.resize(index + 1);
        token_experts_[index] = value;
    }
    void applyOne(const RunFinished& value) {
        finished_ = value;
        state_ = RunState::Finished;
    }
    void applyOne(const ReferenceRecord& value) {
        if (points_.empty() || value.pos < points_.front().token.pos) return;
        const auto index = static_cast<std::size_t>(value.pos - points_.front().token.pos);
        if (index >= points_.size()) return;
        points_[index].reference = value;
        referenced_ = std::max(referenced_, index + 1);
    }

    static constexpr Position kFarthest =
        1 << 24;  // no model has a context like that: a record beyond it comes from a damaged file

    RunRequest request_;
    RunProvenance provenance_;
    std::vector<RuleAct> rule_acts_;
    std::vector<TokenStages> stages_;  // by rising pos
    std::vector<DraftRound> draft_rounds_;
    std::vector<ExpertPass> expert_passes_;
    std::vector<TokenExperts> token_experts_;
    RunState state_ = RunState::Idle;
    Progress progress_;
    std::vector<TracePoint> points_;
    std::vector<ControlChange> controls_;
    std::unordered_map<TokenId, std::string> texts_;
    std::optional<RunFinished> finished_;
    std::size_t referenced_ = 0;
    InheritedParts inherited_;
};

}  // namespace quibble
