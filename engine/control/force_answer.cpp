// Forces the answer: at a given token the thought is closed, and the first words of an answer are put behind it (s1,
// arXiv 2501.19393: the end of the thought and "Final Answer:").
#include "engine/control/control_method.h"
#include "engine/control/text_ends.h"

namespace quibble::control {

namespace {

constexpr ParamSpec kParams[] = {
    {"at", "At token", "", 0, 1000000, 1, 256, "The generated token in whose place the answer is forced"},
    textParam("text", "Answer begins", "\nFinal Answer:", "What is put behind the end of the thought"),
};

class ForceAnswer final : public ControlRule {
public:
    ForceAnswer(MethodChoice choice, const Tokenizer& tokenizer, std::vector<TokenId> closing)
        : choice_(std::move(choice)), tokenizer_(&tokenizer), closing_(std::move(closing)) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<ForceAnswer>(*this); }

    ControlAction decide(const ControlStep& step) override {
        if (done_ || step.generated < static_cast<std::int64_t>(choice_.value(kParams[0]))) return {};
        if (endsInsideCharacter(*tokenizer_, step.text)) return {};
        done_ = true;
        if (!step.thinking) return {};  // it answers already
        ControlAction action;
        action.kind = ControlAction::Kind::Instead;
        const bool line_ends = !step.text.empty() && tokenizer_->tokenBytes(step.text.back()).ends_with('\n');
        if (!line_ends) action.tokens = tokenizer_->encode("\n", {.continuation = true});
        action.tokens.insert(action.tokens.end(), closing_.begin(), closing_.end());
        const auto words = tokenizer_->encode(choice_.textOf(kParams[1]), {.continuation = true});
        action.tokens.insert(action.tokens.end(), words.begin(), words.end());
        action.why = "the answer was forced";
        return action;
    }
    void resume(std::size_t /*tokens*/) override { done_ = true; }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    MethodChoice choice_;
    const Tokenizer* tokenizer_;
    std::vector<TokenId> closing_;
    bool done_ = false;
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) {
    auto closing = closingOfThought(*setup.tokenizer);
    if (!closing) return tl::unexpected(closing.error());
    return std::make_unique<ForceAnswer>(setup.choice, *setup.tokenizer, std::move(*closing));
}

}  // namespace

const ControlMethod kForceAnswer{{"force_answer",
                                  "Force the answer",
                                  "s1, arXiv 2501.19393",
                                  "At a given token the thought is closed and the answer begins.",
                                  kParams,
                                  false,
                                  {Need::ThoughtMarks}},
                                 &make};

}  // namespace quibble::control
