// What the step loop does for the rules of the slots logits and control.
#include <algorithm>

#include "engine/run/run_loop.h"
#include "engine/sampler/stages.h"

namespace quibble {

Result<void> RunLoop::prepareRules() {
    const Tokenizer& tokenizer = *models_.quantized->tokenizer();
    const auto isPenalty = [](const MethodChoice& choice) { return choice.id == kMarkerPenaltyId; };
    const bool other_rules = !request_.logits.empty() || !request_.control.empty();
    const auto name = [&](std::string text) {
        if (other_rules) provenance_.rules.push_back(std::move(text));
    };
    const auto addPenalty = [&] {
        rule_ids_.emplace_back(kMarkerPenaltyId);
        name(std::string(kMarkerPenaltyId) + ":strength=" + paramText(request_.penalty.strength));
        chain_.add(penalty_->rule());
    };
    const auto penalties = std::count_if(request_.logits.begin(), request_.logits.end(), isPenalty);
    if (penalties > 1) {
        return fail(ErrorCode::InvalidArgument, "the marker penalty stands twice among the rules",
                    "Name marker_penalty once");
    }
    if (penalties == 0) addPenalty();
    for (const MethodChoice& choice : request_.logits) {
        if (isPenalty(choice)) {
            addPenalty();
            continue;
        }
        auto method = findLogitsMethod(choice);
        if (!method) return tl::unexpected(method.error());
        auto rule = (*method)->make({choice, &tokenizer});
        if (!rule) return tl::unexpected(rule.error());
        name(choice.text());
        rule_ids_.push_back(choice.id);
        chain_.add(std::move(*rule));
    }
    for (const MethodChoice& choice : request_.control) {
        auto method = findControlMethod(choice);
        if (!method) return tl::unexpected(method.error());
        auto rule = (*method)->make({choice, &tokenizer});
        if (!rule) return tl::unexpected(rule.error());
        name(choice.text());
        rule_ids_.push_back(choice.id);
        controls_.push_back(rule->get());
        chain_.add(std::move(*rule));
    }
    for (const int index : request_.branch.acted) {
        if (index < 0 || static_cast<std::size_t>(index) >= controls_.size()) {
            return fail(ErrorCode::InvalidArgument, "the branch names a rule that this run does not have",
                        "Branch with the rules of the run that it leaves");
        }
        controls_[static_cast<std::size_t>(index)]->resume();
    }
    return {};
}

LogitsStep RunLoop::logitsStep() const {
    return {position(), static_cast<std::int64_t>(tokens_.size() - prompt_size_), thinking_->inside(),
            thinking_->closedSpans() > 0, thought_tokens_};
}

void RunLoop::pushRules(TokenId id) { chain_.push(id); }

bool RunLoop::control(Round& round, TokenRecord& record, std::span<const float> raw, std::vector<RunEvent>& events) {
    if (controls_.empty() || record.injected) return false;
    ControlStep step;
    step.candidate = record.id;
    step.text = tokens_;
    step.generated = static_cast<std::int64_t>(tokens_.size() - prompt_size_);
    step.thought_tokens = thought_tokens_;
    step.thinking = thinking_->inside();
    ThinkingTracker behind = *thinking_;
    step.closes_thought = !behind.push(record.id) && step.thinking;
    step.ends_turn = models_.quantized->tokenizer()->isEndOfGeneration(record.id);
    for (std::size_t i = 0; i < controls_.size(); ++i) {
        ControlAction action = controls_[i]->decide(step);
        using Kind = ControlAction::Kind;
        if (action.kind == Kind::Accept || (action.kind != Kind::End && action.tokens.empty())) continue;
        RuleAct act;
        act.pos = record.pos + (action.kind == Kind::Then ? 1 : 0);
        act.rule = static_cast<std::int32_t>(chain_.size() - controls_.size() + i);
        act.kind = action.kind == Kind::End ? RuleAct::Kind::Ended : RuleAct::Kind::Injected;
        act.tokens = static_cast<std::int32_t>(action.tokens.size());
        act.why = std::move(action.why);
        events.emplace_back(std::move(act));
        forced_.assign(action.tokens.begin(), action.tokens.end());
        if (action.kind == Kind::Instead) putInPlace(round, record, raw);
        if (action.kind == Kind::End) ended_by_rule_ = true;
        return true;
    }
    return false;
}

// With the same noise, the choice behind the first rules of the chain is looked at one rule after the other: a rule
// turned the choice where it became another token.
void RunLoop::announceTurns(const TokenRecord& record, std::span<const float> raw, std::vector<RunEvent>& events) {
    if (provenance_.rules.empty() || !record.penalized || record.injected || record.without_penalty_id == record.id)
        return;
    const LogitsStep step = logitsStep();
    turned_.assign(raw.begin(), raw.end());
    TokenId before = record.without_penalty_id;
    for (std::size_t i = 0; i < chain_.size(); ++i) {
        if (!chain_.rule(i).active(step)) continue;
        chain_.rule(i).apply(turned_, step);
        const TokenId now = sampler_.choose(turned_, request_.sampler, request_.seed, record.pos);
        if (now != before)
            events.emplace_back(RuleAct{record.pos, static_cast<std::int32_t>(i), RuleAct::Kind::Turned, 0, {}});
        before = now;
    }
}

void RunLoop::announceStages(const TokenRecord& record, std::span<const float> raw, std::vector<RunEvent>& events) {
    if (!shows_stages_) return;
    const int count = request_.top_alternatives;
    const LogitsStep step = logitsStep();
    TokenStages all{record.pos, {stageOf("raw", raw, count)}};
    turned_.assign(raw.begin(), raw.end());
    const auto banned = [&] { return std::count(turned_.begin(), turned_.end(), kBannedLogit); };
    for (std::size_t i = 0; i < chain_.size(); ++i) {
        if (!chain_.rule(i).active(step)) continue;
        const auto before = banned();
        chain_.rule(i).apply(turned_, step);
        all.stages.push_back(stageOf(rule_ids_[i], turned_, count));
        all.stages.back().dropped = std::max<std::int64_t>(0, banned() - before);
    }
    for (TokenStage& stage : samplerStages(sampler_, turned_, request_.sampler, record.id, count))
        all.stages.push_back(std::move(stage));
    for (const TokenStage& stage : all.stages) announce(stage.candidates, events);
    events.emplace_back(std::move(all));
}

}  // namespace quibble
