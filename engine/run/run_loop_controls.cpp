// Live controls of a run: changes that take effect at the next token and are recorded with their position.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/run/run_loop.h"

namespace quibble {

namespace {

constexpr std::string_view kWordPrefix = "word:";
constexpr std::string_view kDraftPrefix = "draft:";
constexpr std::string_view kExpertsPrefix = "experts:";
constexpr std::string_view kRulePrefix = "rule:";

}  // namespace

Result<void> RunLoop::applyControl(const ControlChange& change) {
    SamplerSettings sampler = request_.sampler;
    const std::string_view key = change.key;
    if (!std::isfinite(change.value)) return fail(ErrorCode::InvalidArgument, change.key + " is not a number");
    if (key == "penalty") return penalty_->setStrength(change.value);
    if (key == "penalty.only_thinking") {
        penalty_->setOnlyThinking(change.value != 0);
        return {};
    }
    if (key.substr(0, kWordPrefix.size()) == kWordPrefix)
        return penalty_->setWordEnabled(key.substr(kWordPrefix.size()), change.value != 0);
    if (key.substr(0, kDraftPrefix.size()) == kDraftPrefix) {
        if (drafter_ == nullptr)
            return fail(ErrorCode::InvalidArgument, "this run has no draft",
                        "Choose a draft method before the run starts");
        return drafter_->setParam(key.substr(kDraftPrefix.size()), change.value);
    }
    if (key.substr(0, kExpertsPrefix.size()) == kExpertsPrefix) {
        if (experts_ == nullptr) return fail(ErrorCode::InvalidArgument, "this model has no experts");
        return experts_->setParam(key.substr(kExpertsPrefix.size()), change.value);
    }
    if (const std::string_view rule_key = key.substr(0, kRulePrefix.size()); rule_key == kRulePrefix)
        return changeRule(key.substr(kRulePrefix.size()), change.value);
    if (key == "max_tokens") {
        if (change.value < 1 || change.value > 1e9)
            return fail(ErrorCode::InvalidArgument, "the token limit is out of range", "Use 1 or more");
        request_.max_tokens = static_cast<int>(change.value);
        return {};
    }
    if (key == "temperature")
        sampler.temperature = change.value;
    else if (key == "top_k")
        sampler.top_k = static_cast<int>(std::clamp(change.value, -1.0, 1e9));
    else if (key == "top_p")
        sampler.top_p = change.value;
    else if (key == "min_p")
        sampler.min_p = change.value;
    else
        return fail(ErrorCode::InvalidArgument, "no control is called \"" + change.key + "\"");
    if (auto checked = checkSampler(sampler); !checked) return checked;
    request_.sampler = sampler;
    return {};
}

// "1:amplitude": a parameter of the second rule of RunProvenance::rules.
Result<void> RunLoop::changeRule(std::string_view key, double value) {
    const std::size_t colon = key.find(':');
    std::size_t index = 0;
    const auto [end, fault] = std::from_chars(key.data(), key.data() + std::min(colon, key.size()), index);
    if (colon == std::string_view::npos || fault != std::errc{} || end != key.data() + colon ||
        index >= provenance_.rules.size()) {
        return fail(ErrorCode::InvalidArgument, "this run has no rule \"" + std::string(key) + "\"",
                    "Write rule:NUMBER:PARAMETER; the first rule has the number 0");
    }
    return chain_.rule(index).setParam(key.substr(colon + 1), value);
}

Result<void> RunLoop::setControl(std::string_view key, double value, std::vector<RunEvent>& events) {
    ControlChange change{position(), std::string(key), value};
    if (auto applied = applyControl(change); !applied) return applied;
    events.emplace_back(std::move(change));
    return {};
}

Result<void> RunLoop::applyReplayed(std::vector<RunEvent>& events) {
    while (!replayed_.empty() && replayed_.front().pos <= position()) {
        if (auto applied = applyControl(replayed_.front()); !applied) return applied;
        events.emplace_back(replayed_.front());
        replayed_.erase(replayed_.begin());
    }
    return {};
}

}  // namespace quibble
