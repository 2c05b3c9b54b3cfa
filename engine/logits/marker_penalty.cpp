#include "engine/logits/marker_penalty.h"

#include <algorithm>
#include <cmath>

namespace quibble {

namespace {

constexpr double kMaxStrength = 100;
constexpr std::size_t kMostNamed = 8;

Result<MarkerSet> markerSetOf(const PenaltySettings& settings) {
    if (!settings.words.empty()) {
        MarkerSet set;
        set.name = settings.set_name;
        set.words = settings.words;
        return set;
    }
    std::string known;
    for (MarkerSet& set : builtinMarkerSets()) {
        if (set.name == settings.set_name) return std::move(set);
        known += (known.empty() ? "" : ", ") + set.name;
    }
    return fail(ErrorCode::NotFound, "no marker set is called \"" + settings.set_name + "\"", "Built in are: " + known);
}

}  // namespace

Result<MarkerPenalty> MarkerPenalty::create(const PenaltySettings& settings, const Tokenizer& tokenizer) {
    auto set = markerSetOf(settings);
    if (!set) return tl::unexpected(set.error());
    MarkerPenalty penalty;
    penalty.words_ = set->words;
    penalty.resolved_ = resolveMarkers(*set, tokenizer);
    penalty.member_.resize(tokenizer.vocabSize());
    for (const TokenId id : penalty.resolved_.ids) penalty.member_[static_cast<std::size_t>(id)] = true;
    penalty.only_thinking_ = settings.only_thinking;
    penalty.set_name_ = set->name;
    for (const std::string& word : settings.disabled_words) {
        auto entry = findMarkerEntry(penalty.words_, word);
        if (!entry) return tl::unexpected(entry.error());
        penalty.disabled_.push_back(std::move(*entry));
    }
    if (auto strength = penalty.setStrength(settings.strength); !strength) return tl::unexpected(strength.error());
    penalty.rebuild();
    return penalty;
}

void MarkerPenalty::rebuild() {
    penalized_.clear();
    for (const auto& [word, id] : resolved_.entries) {
        if (std::find(disabled_.begin(), disabled_.end(), word) == disabled_.end()) penalized_.push_back(id);
    }
    std::sort(penalized_.begin(), penalized_.end());
    penalized_.erase(std::unique(penalized_.begin(), penalized_.end()), penalized_.end());
}

void MarkerPenalty::apply(std::span<float> logits) const {
    const auto lambda = static_cast<float>(strength_);
    for (const TokenId id : penalized_) logits[static_cast<std::size_t>(id)] -= lambda;
}

namespace {

class PenaltyRule final : public LogitsRule {
public:
    explicit PenaltyRule(const MarkerPenalty& penalty) : penalty_(&penalty) {}
    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<PenaltyRule>(*this); }
    bool active(const LogitsStep& step) const override { return penalty_->active(step.thinking); }
    void apply(std::span<float> logits, const LogitsStep& /*step*/) const override { penalty_->apply(logits); }
    Result<void> setParam(std::string_view key, const ParamValue& /*value*/) override {
        return fail(ErrorCode::InvalidArgument, "the penalty has a control of its own for " + std::string(key),
                    "Use penalty, penalty.only_thinking and word:<entry>");
    }

private:
    const MarkerPenalty* penalty_;
};

}  // namespace

std::unique_ptr<LogitsRule> MarkerPenalty::rule() const { return std::make_unique<PenaltyRule>(*this); }

std::string MarkerPenalty::note() const {
    if (strength_ == 0 || resolved_.dropped.empty()) return {};
    if (resolved_.entries.empty())
        return "the penalty changes nothing: no entry of " + set_name_ + " is one token of this vocabulary";
    std::string text = "without effect of the " + std::to_string(words_.size()) + " entries of " + set_name_ + ": ";
    for (std::size_t i = 0; i < std::min(resolved_.dropped.size(), kMostNamed); ++i)
        text += (i == 0 ? "" : "; ") + resolved_.dropped[i];
    if (resolved_.dropped.size() > kMostNamed)
        text += "; and " + std::to_string(resolved_.dropped.size() - kMostNamed) + " more";
    return text;
}

Result<void> MarkerPenalty::setStrength(double strength) {
    if (!(std::abs(strength) <= kMaxStrength)) {
        return fail(ErrorCode::InvalidArgument, "penalty " + std::to_string(strength) + " is out of range",
                    "Use -100 to 100 logits; -2 to 8 is usual");
    }
    strength_ = strength;
    return {};
}

Result<void> MarkerPenalty::setWordEnabled(std::string_view word, bool enabled) {
    auto entry = findMarkerEntry(words_, word);
    if (!entry) return tl::unexpected(entry.error());
    std::erase(disabled_, *entry);
    if (!enabled) disabled_.push_back(std::move(*entry));
    rebuild();
    return {};
}

}  // namespace quibble
