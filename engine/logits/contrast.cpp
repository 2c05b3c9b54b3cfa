// Context-aware decoding (CAD): z = (1 + alpha) z_with - alpha z_without on the logits, before temperature. z_with are
// those of the run, z_without the raw ones of the same reply behind another prompt, so both read the same new tokens.
// Behind other rules z_with is what they made of it.
#include "engine/logits/logits_method.h"

namespace quibble::logits {

namespace {

constexpr ParamSpec kParams[] = {
    {"alpha", "Alpha", "", 0, 10, 0, 0.5,
     "How far away from the second prompt; published: 0.5 for summaries, 1 for questions; 0: not at all"},
    neededText(
        "prompt", "Second prompt",
        "The same question without what the answer should rest on; what only this prompt would say is played down"),
};

class Contrast final : public LogitsRule {
public:
    explicit Contrast(MethodChoice choice) : choice_(std::move(choice)), alpha_(choice_.value(kParams[0])) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<Contrast>(*this); }
    bool active(const LogitsStep& step) const override { return alpha_ != 0 && !step.second.empty(); }
    void apply(std::span<float> logits, const LogitsStep& step) const override {
        if (step.second.size() != logits.size()) return;
        for (std::size_t i = 0; i < logits.size(); ++i) {
            // The same formula, so written that equal logits stay as they are to the bit, and that a banned token,
            // which need not be unlikely behind the second prompt, stays banned.
            const double with = static_cast<double>(logits[i]), without = static_cast<double>(step.second[i]);
            if (logits[i] > kBannedLogit) logits[i] = static_cast<float>(with + alpha_ * (with - without));
        }
    }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        MethodChoice changed = choice_;
        if (auto checked = changeParam(changed, kParams, key, value); !checked) return checked;
        if (key == kParams[1].key) {
            return fail(ErrorCode::InvalidArgument, "the second prompt is read before the run starts",
                        "Start another run with it");
        }
        choice_ = std::move(changed);
        alpha_ = choice_.value(kParams[0]);
        return {};
    }

private:
    MethodChoice choice_;
    double alpha_;
};

Result<std::unique_ptr<LogitsRule>> make(const LogitsSetup& setup) {
    if (setup.choice.textOf(kParams[1]).find_first_not_of(" \t\r\n") == std::string::npos) {
        return fail(ErrorCode::InvalidArgument, "the contrast of two prompts has no second prompt",
                    "Write the question without its context as the parameter prompt");
    }
    return std::make_unique<Contrast>(setup.choice);
}

}  // namespace

const LogitsMethod kContrast{
    {"contrast", "Contrast of two prompts (CAD)", "Context-aware decoding, arXiv 2305.14739",
     "Tokens that the prompt makes likelier than a second prompt does are made likelier still.", kParams},
    &make,
    &kParams[1]};

}  // namespace quibble::logits
