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
    if (key.starts_with(kRulePrefix)) return changeRule(key.substr(kRulePrefix.size()), change.value);
    const double value = change.number();
    if (!std::holds_alternative<double>(change.value) || !std::isfinite(value))
        return fail(ErrorCode::InvalidArgument, change.key + " is not a number");
    if (key == "penalty") return penalty_->setStrength(value);
    if (key == "penalty.only_thinking") {
        penalty_->setOnlyThinking(value != 0);
        return {};
    }
    if (key.starts_with(kWordPrefix)) return penalty_->setWordEnabled(key.substr(kWordPrefix.size()), value != 0);
    if (key.starts_with(kDraftPrefix)) {
        if (drafter_ == nullptr)
            return fail(ErrorCode::InvalidArgument, "this run has no draft",
                        "Choose a draft method before the run starts");
        return drafter_->setParam(key.substr(kDraftPrefix.size()), value);
    }
    if (key.starts_with(kExpertsPrefix)) {
        if (experts_ == nullptr) return fail(ErrorCode::InvalidArgument, "this model has no experts");
        return experts_->setParam(key.substr(kExpertsPrefix.size()), value);
    }
    if (key == "max_tokens") {
        if (value < 1 || value > 1e9)
            return fail(ErrorCode::InvalidArgument, "the token limit is out of range", "Use 1 or more");
        request_.max_tokens = static_cast<int>(value);
        return {};
    }
    if (key == "temperature")
        sampler.temperature = value;
    else if (key == "top_k")
        sampler.top_k = static_cast<int>(std::clamp(value, -1.0, 1e9));
    else if (key == "top_p")
        sampler.top_p = value;
    else if (key == "min_p")
        sampler.min_p = value;
    else
        return fail(ErrorCode::InvalidArgument, "no control is called \"" + change.key + "\"");
    if (auto checked = checkSampler(sampler); !checked) return checked;
    request_.sampler = sampler;
    return {};
}

// "1:amplitude": a parameter of the second rule of RunProvenance::rules.
Result<void> RunLoop::changeRule(std::string_view key, const ParamValue& value) {
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

Result<void> RunLoop::setControl(std::string_view key, const ParamValue& value, std::vector<RunEvent>& events) {
    ControlChange change{position(), std::string(key), value, rewrites_};
    if (auto applied = applyControl(change); !applied) return applied;
    events.emplace_back(std::move(change));
    return {};
}

Result<void> RunLoop::applyReplayed(Position pos, std::vector<RunEvent>& events) {
    const auto due = [this, pos](const ControlChange& change) {
        return change.rewrites < rewrites_ || (change.rewrites == rewrites_ && change.pos <= pos);
    };
    while (!replayed_.empty() && due(replayed_.front())) {
        if (auto applied = applyControl(replayed_.front()); !applied) return applied;
        events.emplace_back(replayed_.front());
        replayed_.erase(replayed_.begin());
    }
    return {};
}

}  // namespace quibble
