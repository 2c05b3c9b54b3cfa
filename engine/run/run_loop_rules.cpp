// What the step loop does for the rules of the slots logits and control.
#include <algorithm>

#include "engine/base/clock.h"
#include "engine/run/prompt.h"
#include "engine/run/run_loop.h"
#include "engine/run/run_loop_round.h"
#include "engine/sampler/stage_table.h"

namespace quibble {

namespace {

// The rule of a method that was found, where the run has what the method needs. `what`: for messages.
template <typename Method>
auto makeRule(const Result<const Method*>& method, std::string_view what, const MethodChoice& choice,
              const RunModels& models) -> decltype((*method)->make({})) {
    if (!method) return tl::unexpected(method.error());
    if (auto met = checkNeeds(**method, what, traitsOf(models)); !met) return tl::unexpected(met.error());
    return (*method)->make({choice, &*models.quantized->tokenizer()});
}

}  // namespace

Result<void> RunLoop::prepareRules() {
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
        if (auto added = addLogitsRule(choice); !added) return added;
        name(choice.text());
    }
    for (const MethodChoice& choice : request_.control) {
        if (auto added = addControlRule(choice); !added) return added;
        name(choice.text());
    }
    return {};
}

Result<void> RunLoop::addLogitsRule(const MethodChoice& choice) {
    auto method = findLogitsMethod(choice);
    auto rule = makeRule(method, "logits method", choice, models_);
    if (!rule) return tl::unexpected(rule.error());
    rule_ids_.push_back(choice.id);
    chain_.add(std::move(*rule));
    const ParamSpec* second = (*method)->second_prompt;
    return second == nullptr ? Result<void>{} : readSecondPrompt(choice.textOf(*second));
}

Result<void> RunLoop::readSecondPrompt(const std::string& text) {
    if (!second_text_.empty()) {
        return fail(ErrorCode::InvalidArgument, "two rules ask for a second prompt",
                    "Keep one of them: the reply can be read behind one other prompt");
    }
    RunRequest second = request_;
    second.prompt = text;
    second.recorded_prompt = {request_.recorded_prompt.second, provenance_.thinking_open, provenance_.clock};
    if (provenance_.clock) second.clock = provenance_.clock;  // one run has one time
    auto prompt = buildPrompt(second, *models_.quantized->tokenizer(), localPromptClock());
    if (!prompt) return tl::unexpected(prompt.error());
    provenance_.second_prompt_tokens = second_text_ = std::move(prompt->ids);
    second_prompt_size_ = second_text_.size();
    return {};
}

Result<void> RunLoop::addControlRule(const MethodChoice& choice) {
    auto method = findControlMethod(choice);
    auto rule = makeRule(method, "control method", choice, models_);
    if (!rule) return tl::unexpected(rule.error());
    rule_ids_.push_back(choice.id);
    probes_ = probes_ || (*method)->probes;
    rewrites_text_ = rewrites_text_ || (*method)->rewrites;
    if (probes_ && rewrites_text_) {
        return fail(ErrorCode::InvalidArgument,
                    "a rule that takes text back and one that lets the model answer on trial do not go together",
                    "Leave one of them out");
    }
    controls_.push_back(rule->get());
    chain_.add(std::move(*rule));
    return {};
}

LogitsStep RunLoop::logitsStep() const {
    return {position(),          static_cast<std::int64_t>(tokens_.size() - prompt_size_),
            thinking_->inside(), thinking_->closedSpans() > 0,
            thought_tokens_,     second_here_};
}

void RunLoop::pushRules(TokenId id) { chain_.push(id); }

ControlStep RunLoop::controlStep(TokenId candidate) const {
    ControlStep step;
    step.candidate = candidate;
    step.text = tokens_;
    step.fixed = request_.branch.prefix.empty() ? static_cast<Position>(prompt_size_) : request_.branch.pos + 1;
    step.generated = static_cast<std::int64_t>(tokens_.size() - prompt_size_);
    step.thought_tokens = thought_tokens_;
    step.thinking = thinking_->inside();
    ThinkingTracker behind = *thinking_;
    step.closes_thought = !behind.push(candidate) && step.thinking;
    step.ends_turn = models_.quantized->tokenizer()->isEndOfGeneration(candidate);
    return step;
}

Result<void> RunLoop::control(Round& round, TokenRecord& record, std::span<const float> raw,
                              std::vector<RunEvent>& events, const std::stop_token& stop) {
    if (controls_.empty() || round.forced) return {};
    std::int32_t read = 0;
    std::optional<Error> trouble;
    const Prober prober = [&](std::span<const TokenId> appended, int max_new,
                              const std::function<bool(TokenId)>& enough) -> std::optional<ProbeResult> {
        auto result = probe(round, raw, {appended, max_new, enough}, read, stop);
        if (result) return std::move(*result);
        trouble = std::move(result.error());
        return std::nullopt;
    };
    ControlStep step = controlStep(record.id);
    step.probe = probes_ ? &prober : nullptr;
    std::optional<LogitsChain> before;
    if (probes_) before = chain_.clone();
    const auto first_event = static_cast<std::ptrdiff_t>(events.size());
    for (std::size_t i = 0; i < controls_.size(); ++i) {
        read = 0;
        ControlAction action = controls_[i]->decide(step);
        if (trouble) {
            // Whoever was asked before is asked again about the next candidate.
            chain_ = std::move(*before);
            for (std::size_t k = 0; k < controls_.size(); ++k)
                controls_[k] = static_cast<ControlRule*>(&chain_.rule(firstControl() + k));
            events.erase(events.begin() + first_event, events.end());
            return tl::unexpected(std::move(*trouble));
        }
        if (carryOut(i, std::move(action), read, round, record, raw, events)) break;
    }
    return {};
}

bool RunLoop::carryOut(std::size_t index, ControlAction action, std::int32_t read, Round& round, TokenRecord& record,
                       std::span<const float> raw, std::vector<RunEvent>& events) {
    using Kind = ControlAction::Kind;
    RuleAct act;
    act.pos = record.pos;
    act.rule = static_cast<std::int32_t>(firstControl() + index);
    if (action.kind == Kind::Rewrite) {
        round.ended = true;
        round.rewrite = std::move(action);
        round.rewriter = act.rule;
        return true;
    }
    if (!action.found.empty()) {
        act.kind = RuleAct::Kind::Looked;
        act.tokens = read;
        act.why = std::move(action.found);
        events.emplace_back(act);
    }
    if (action.kind == Kind::Accept || (action.kind != Kind::End && action.tokens.empty())) return false;
    if (action.kind == Kind::Then) ++act.pos;
    act.kind = action.kind == Kind::End ? RuleAct::Kind::Ended : RuleAct::Kind::Injected;
    act.tokens = static_cast<std::int32_t>(action.tokens.size());
    act.why = std::move(action.why);
    events.emplace_back(std::move(act));
    force(action);
    if (action.kind == Kind::Instead) putInPlace(round, record, raw);
    if (action.kind == Kind::End) ended_by_rule_ = true;
    round.ended = true;
    return true;
}

void RunLoop::force(const ControlAction& action) {
    forced_.clear();
    for (std::size_t i = 0; i < action.tokens.size(); ++i)
        forced_.push_back({action.tokens[i], i + action.kept < action.tokens.size()});
}

void RunLoop::followReply(TokenId id, bool sampled) {
    const bool was_inside = thinking_->inside();
    if (thinking_->push(id) && was_inside && sampled) ++thought_tokens_;
    sampled_.push_back(sampled);
}

// The row of the text's end is passed again, for its logits: so much less stays in the caches.
void RunLoop::takeBack(const Round& round, std::vector<RunEvent>& events) {
    const ControlAction& action = *round.rewrite;
    const auto size = static_cast<std::size_t>(action.at);
    QUIBBLE_CHECK(size >= prompt_size_ && size <= tokens_.size(), "a rule takes back what stands behind the prompt");
    tokens_.resize(size);
    sequence_->truncate(std::min(sequence_->size(), position() - 1));
    if (second_ != nullptr) second_->truncate(std::min(second_->size(), secondPosition() - 1));
    if (scorer_) scorer_->takeBack(tokens_);
    const std::vector<bool> sampled = std::exchange(sampled_, {});
    thinking_.emplace(*models_.quantized->tokenizer(), provenance_.thinking_open);
    thought_tokens_ = 0;
    const auto reply = std::span(tokens_).subspan(prompt_size_);
    for (std::size_t i = 0; i < reply.size(); ++i) followReply(reply[i], sampled[i]);
    chain_.rewritten(reply);
    force(action);
    ++rewrites_;
    events.emplace_back(TakenBack{position()});
    if (!action.found.empty())
        events.emplace_back(RuleAct{position(), round.rewriter, RuleAct::Kind::Looked, 0, action.found});
    events.emplace_back(RuleAct{position(), round.rewriter, RuleAct::Kind::Injected,
                                static_cast<std::int32_t>(action.tokens.size() - action.kept), action.why});
}

// A recorded change takes effect between two rounds, so none may stand within this one.
void RunLoop::chainForced(Round& round, std::int64_t room) const {
    std::int64_t most = std::min<std::int64_t>({std::ssize(forced_), Sequence::kMaxRows - 1, room - 1});
    if (!replayed_.empty() && replayed_.front().rewrites == rewrites_)
        most = std::min<std::int64_t>(most, replayed_.front().pos - position() - 1);
    for (std::int64_t i = 0; i < most; ++i) {
        round.tree.tokens.push_back(forced_[static_cast<std::size_t>(i)].id);
        round.tree.parents.push_back(static_cast<std::int32_t>(i) - 1);
    }
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

// Of the rules those are seen that act here.
TokenStage RunLoop::seeStages(std::span<const float> raw, TokenId chosen, const SeeStage& see) {
    const LogitsStep step = logitsStep();
    see(StageView("raw", raw));
    turned_.assign(raw.begin(), raw.end());
    const auto banned = [&] { return std::count(turned_.begin(), turned_.end(), kBannedLogit); };
    for (std::size_t i = 0; i < chain_.size(); ++i) {
        if (!chain_.rule(i).active(step)) continue;
        const auto before = banned();
        chain_.rule(i).apply(turned_, step);
        StageView stage(rule_ids_[i], turned_);
        stage.rule = static_cast<int>(i);
        stage.dropped = std::max<std::int64_t>(0, banned() - before);
        see(stage);
    }
    return chosenStage(seeSamplerStages(sampler_, turned_, request_.sampler, see), chosen);
}

void RunLoop::announceStages(const TokenRecord& record, std::span<const float> raw, std::vector<RunEvent>& events) {
    if (!shows_stages_) return;
    TokenStages all{record.pos, {}};
    if (table_ != nullptr) beginTable(record);
    const auto see = [&](const StageView& stage) {
        all.stages.push_back(stage.list(request_.top_alternatives));
        if (table_ != nullptr) table_->see(stage);
    };
    TokenStage last = seeStages(raw, record.id, see);
    all.stages.push_back(std::move(last));
    for (const TokenStage& stage : all.stages) announce(stage.candidates, events);
    events.emplace_back(std::move(all));
}

void RunLoop::beginTable(const TokenRecord& record) {
    table_->begin(record.pos, record.id, request_.sampler, request_.seed, rule_ids_);
    const LogitsStep step = logitsStep();
    const std::size_t of_logits = chain_.size() - controls_.size();
    for (std::size_t i = 0; i < of_logits; ++i) {
        const bool off = rule_ids_[i] == kMarkerPenaltyId && penalty_->strength() == 0;
        if (!off && !chain_.rule(i).active(step)) table_->unchanged(static_cast<int>(i));
    }
}

}  // namespace quibble
