// Budget forcing of s1 (arXiv 2501.19393): where the model would close its thought, "Wait" stands instead, so many
// times.
#include "engine/control/control_method.h"

namespace quibble::control {

namespace {

constexpr ParamSpec kParams[] = {
    {"times", "Times", "", 0, 100, 1, 1, "How often the end of the thought is refused"},
    textParam("text", "Text", "Wait", "What stands in its place"),
};

class WaitInjection final : public ControlRule {
public:
    WaitInjection(MethodChoice choice, const Tokenizer& tokenizer)
        : choice_(std::move(choice)), tokenizer_(&tokenizer) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<WaitInjection>(*this); }

    ControlAction decide(const ControlStep& step) override {
        const bool ends = step.thinking && (step.closes_thought || step.ends_turn);
        if (!ends || refused_ >= static_cast<int>(choice_.value(kParams[0]))) return {};
        ControlAction action;
        action.kind = ControlAction::Kind::Instead;
        action.tokens = tokenizer_->encode(choice_.textOf(kParams[1]), {.continuation = true});
        if (action.tokens.empty()) return {};
        ++refused_;
        action.why = "the end of the thought was refused for the " + std::to_string(refused_) +
                     (refused_ == 1   ? "st time"
                      : refused_ == 2 ? "nd time"
                      : refused_ == 3 ? "rd time"
                                      : "th time");
        return action;
    }
    void resume() override { ++refused_; }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    MethodChoice choice_;
    const Tokenizer* tokenizer_;
    int refused_ = 0;
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) {
    return std::make_unique<WaitInjection>(setup.choice, *setup.tokenizer);
}

}  // namespace

const ControlMethod kWaitInjection{
    {"wait_injection", "Inject \"Wait\" at the end of the thought", "s1, arXiv 2501.19393",
     "Where the model would close its thought, it is made to think on.", kParams},
    &make};

}  // namespace quibble::control
