// What the methods share that end a thought early, because a probe says that the answer is there.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/control/control_method.h"
#include "engine/control/text_ends.h"

namespace quibble::control {

inline constexpr std::string_view kExitHelp =
    "What is put into the text when the thought is ended; {end} is the closing mark of the model";

class EarlyStop : public ControlRule {
public:
    /// Takes a changed parameter from the next probe on.
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        return changeParam(choice_, specs_, key, value);
    }

protected:
    EarlyStop(const LogitsSetup& setup, std::span<const ParamSpec> specs, std::vector<TokenId> closing)
        : choice_(setup.choice), tokenizer_(setup.tokenizer), closing_(std::move(closing)), specs_(specs) {}

    /// Whether a probe may stand here: in a thought that the candidate does not end by itself.
    [[nodiscard]] bool mayProbe(const ControlStep& step) const {
        return step.probe != nullptr && step.thinking && !step.closes_thought && !step.ends_turn &&
               !endsInsideCharacter(*tokenizer_, step.text);
    }
    [[nodiscard]] std::vector<TokenId> encoded(const ParamSpec& text) const {
        return encodeWithEnd(*tokenizer_, choice_.textOf(text), closing_);
    }
    /// The thought ends here, in place of the candidate.
    [[nodiscard]] ControlAction stopped(const ParamSpec& exit, std::string why, std::string found) const {
        ControlAction action{ControlAction::Kind::Instead, encoded(exit), std::move(why)};
        action.found = std::move(found);
        return action;
    }
    /// The thought goes on.
    [[nodiscard]] static ControlAction looked(std::string found) {
        ControlAction action;
        action.found = std::move(found);
        return action;
    }

    MethodChoice choice_;
    const Tokenizer* tokenizer_;
    std::vector<TokenId> closing_;

private:
    std::span<const ParamSpec> specs_;
};

/// Errors: Unsupported where the model marks no end of a thought.
template <typename Rule>
[[nodiscard]] Result<std::unique_ptr<ControlRule>> makeEarlyStop(const LogitsSetup& setup) {
    auto closing = closingOfThought(*setup.tokenizer);
    if (!closing) return tl::unexpected(closing.error());
    return std::make_unique<Rule>(setup, std::move(*closing));
}

}  // namespace quibble::control
