// CyclicReflex (arXiv 2506.11077): a triangular wave over the generated tokens is added to the logits of reflection
// words, so that the model reflects more and less in turns. The wave starts upward, at 0.
#include <cmath>
#include <vector>

#include "engine/logits/logits_method.h"

namespace quibble::logits {

namespace {

constexpr ParamOption kForms[] = {{"published", "bare words, as published"}, {"spaced", "with a leading space too"}};
constexpr ParamSpec kParams[] = {
    {"amplitude", "Amplitude", "logits", -20, 20, 0, 1, "How far the words are pushed at the crest of the wave"},
    {"period", "Period", "tokens", 4, 100000, 1, 600, "Generated tokens from one crest to the next"},
    {"phase", "Phase", "periods", 0, 1, 0, 0, "Where in the wave the first token stands"},
    {"begin", "From token", "", 0, 1000000, 1, 0, "The first generated token that the wave acts on"},
    {"end", "Up to token", "", 0, 1000000, 1, 8192, "It acts before this one"},
    choiceParam("words", "Words", kForms, "published",
                "wait, Wait, but, But, Alternatively; the published method knows them without a space in front alone"),
};
constexpr std::string_view kWords[] = {"wait", "Wait", "but", "But", "Alternatively"};

class Cyclic final : public LogitsRule {
public:
    Cyclic(MethodChoice choice, const Tokenizer& tokenizer) : choice_(std::move(choice)), tokenizer_(&tokenizer) {
        resolve();
    }

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<Cyclic>(*this); }

    bool active(const LogitsStep& step) const override {
        return !step.thought && !ids_.empty() && height(step.generated) != 0;
    }
    void apply(std::span<float> logits, const LogitsStep& step) const override {
        const auto d = static_cast<float>(height(step.generated));
        for (const TokenId id : ids_) logits[static_cast<std::size_t>(id)] += d;
    }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        if (auto changed = changeParam(choice_, kParams, key, value); !changed) return changed;
        resolve();
        return {};
    }
    std::string note() const override {
        return ids_.empty() ? "CyclicReflex changes nothing: none of its words is one token of this vocabulary" : "";
    }

private:
    /// With t generated tokens, A, C and s: u = ((t + s C) mod C) / C; 4 A u up to 0.25, A (2 - 4 u) up to 0.75, then
    /// A (4 u - 4).
    [[nodiscard]] double height(std::int64_t t) const {
        const auto at = static_cast<double>(t);
        if (at < choice_.value(kParams[3]) || at >= choice_.value(kParams[4])) return 0;
        const double amplitude = choice_.value(kParams[0]), period = choice_.value(kParams[1]);
        const double u = std::fmod(at + choice_.value(kParams[2]) * period, period) / period;
        if (u <= 0.25) return 4 * amplitude * u;
        return u <= 0.75 ? amplitude * (2 - 4 * u) : amplitude * (4 * u - 4);
    }
    void resolve() {
        ids_.clear();
        const bool spaced = choice_.textOf(kParams[5]) == "spaced";
        for (const std::string_view word : kWords) {
            if (const auto id = tokenizer_->idOf(word)) ids_.push_back(*id);
            if (!spaced) continue;
            if (const auto id = tokenizer_->idOf(" " + std::string(word))) ids_.push_back(*id);
        }
    }

    MethodChoice choice_;
    const Tokenizer* tokenizer_;
    std::vector<TokenId> ids_;  // a handful
};

Result<std::unique_ptr<LogitsRule>> make(const LogitsSetup& setup) {
    return std::make_unique<Cyclic>(setup.choice, *setup.tokenizer);
}

}  // namespace

const LogitsMethod kCyclic{
    {"cyclic", "CyclicReflex", "arXiv 2506.11077",
     "Pushes reflection words up and down in a wave over the generated tokens, until the thought ends.", kParams},
    &make};

}  // namespace quibble::logits
