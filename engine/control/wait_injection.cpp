// Budget forcing of s1 (arXiv 2501.19393): where the model would close its thought, "Wait" stands instead, so many
// times. As in the published code, which asks for one token at least behind it, the thought cannot end right behind the
// word.
#include "engine/control/control_method.h"
#include "engine/control/text_ends.h"

namespace quibble::control {

namespace {

constexpr ParamSpec kParams[] = {
    {"times", "Times", "", 0, 100, 1, 1, "How often the end of the thought is refused"},
    textParam("text", "Text", "Wait", "What stands in its place"),
};

class WaitInjection final : public ControlRule {
public:
    WaitInjection(MethodChoice choice, const Tokenizer& tokenizer, TokenId mark)
        : choice_(std::move(choice)), tokenizer_(&tokenizer), mark_(mark) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<WaitInjection>(*this); }

    void push(TokenId /*id*/) override {
        behind_word_ = pending_ == 1;
        if (pending_ > 0) --pending_;
    }
    void rewritten(std::span<const TokenId> /*reply*/) override {
        pending_ = 0;
        behind_word_ = false;
    }
    bool active(const LogitsStep& step) const override { return behind_word_ && step.thinking; }
    void apply(std::span<float> logits, const LogitsStep& /*step*/) const override {
        for (std::size_t i = 0; i < logits.size(); ++i) {
            const auto id = static_cast<TokenId>(i);
            if (id == mark_ || tokenizer_->isEndOfGeneration(id)) logits[i] = kBannedLogit;
        }
    }

    ControlAction decide(const ControlStep& step) override {
        const bool ends = step.thinking && (step.closes_thought || step.ends_turn);
        if (!ends || refused_ >= static_cast<int>(choice_.value(kParams[0]))) return {};
        ControlAction action;
        action.kind = ControlAction::Kind::Instead;
        action.tokens = tokenizer_->encode(choice_.textOf(kParams[1]), {.continuation = true});
        if (action.tokens.empty()) return {};
        ++refused_;
        pending_ = action.tokens.size();
        action.why = "the end of the thought was refused, " + std::to_string(refused_) + " of " +
                     paramText(choice_.value(kParams[0]));
        return action;
    }
    void resume(std::size_t tokens) override {
        ++refused_;
        pending_ = tokens;
    }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    MethodChoice choice_;
    const Tokenizer* tokenizer_;
    TokenId mark_;  // begins the end of a thought
    int refused_ = 0;
    std::size_t pending_ = 0;  // tokens of the word that are still to come
    bool behind_word_ = false;
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) {
    auto closing = closingOfThought(*setup.tokenizer);
    if (!closing) return tl::unexpected(closing.error());
    return std::make_unique<WaitInjection>(setup.choice, *setup.tokenizer, closing->front());
}

}  // namespace

const ControlMethod kWaitInjection{{"wait_injection",
                                    "Inject \"Wait\" at the end of the thought",
                                    "s1, arXiv 2501.19393",
                                    "Where the model would close its thought, it is made to think on.",
                                    kParams,
                                    false,
                                    {Need::ThoughtMarks}},
                                   &make};

}  // namespace quibble::control
