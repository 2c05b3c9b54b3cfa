// Ends a run that goes in circles. Our own method; loop_stop of the slot logits breaks the circle instead.
#include <array>

#include "engine/control/control_method.h"
#include "engine/logits/loop_finder.h"

namespace quibble::control {

namespace {

constexpr std::array kParams = loopParams(4);

class LoopEnd final : public ControlRule {
public:
    explicit LoopEnd(MethodChoice choice) : choice_(std::move(choice)), finder_(loopFinderOf(choice_, kParams)) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<LoopEnd>(*this); }
    void push(TokenId id) override { finder_.push(id); }
    void rewritten(std::span<const TokenId> reply) override {
        finder_ = loopFinderOf(choice_, kParams);
        for (const TokenId id : reply) finder_.push(id);
    }
    ControlAction decide(const ControlStep& step) override {
        LoopFinder behind = finder_;
        behind.push(step.candidate);
        const int period = behind.period();
        if (period == 0) return {};
        ControlAction action;
        action.kind = ControlAction::Kind::End;
        action.why = "the text repeats its last " + std::to_string(period) + " tokens over and over";
        return action;
    }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        if (auto changed = changeParam(choice_, kParams, key, value); !changed) return changed;
        finder_.setLimits(static_cast<int>(choice_.value(kParams[1])), static_cast<int>(choice_.value(kParams[0])));
        return {};
    }

private:
    MethodChoice choice_;
    LoopFinder finder_;
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) { return std::make_unique<LoopEnd>(setup.choice); }

}  // namespace

const ControlMethod kLoopEnd{{"loop_end", "End a loop", "Our own",
                              "Ends the run when a stretch of tokens stands several times in a row.", kParams},
                             &make};

}  // namespace quibble::control
