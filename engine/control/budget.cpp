// A budget of thinking tokens: when it is used up, the thought is closed for the model. Modes as in llama.cpp and Qwen3
// (a message and the end mark are forced, one token after the other), or at the next end of a sentence. A soft ramp may
// raise the end mark before.
#include <algorithm>
#include <cmath>

#include "engine/control/control_method.h"
#include "engine/control/text_ends.h"

namespace quibble::control {

namespace {

constexpr ParamOption kModes[] = {{"message", "with a message"},
                                  {"hard", "at once, without a message"},
                                  {"sentence", "with a message, at the end of a sentence"}};
constexpr ParamSpec kParams[] = {
    {"tokens", "Budget", "tokens", 0, 1000000, 1, 512, "Sampled tokens of the thought, its opening mark not counted"},
    choiceParam("mode", "The thought ends", kModes, "message", "How it is closed when the budget is used up"),
    {"grace", "Grace", "tokens", 0, 10000, 1, 64, "So many more tokens a sentence may take to come to its end"},
    textParam(
        "message", "Message",
        "\n\nConsidering the limited time by the user, I have to give the solution based on the thinking directly "
        "now.\n",
        "What stands before the end mark; the default is the message of Qwen3"),
    {"ramp", "Ramp", "logits", 0, 100, 0, 0,
     "How far the end mark is raised when the budget is used up; 0: not at all"},
    {"ramp_begin", "Ramp from", "of the budget", 0, 0.99, 0, 0.7, "From here on the end mark rises"},
    {"ramp_power", "Ramp power", "", 0.1, 10, 0, 1, "1: evenly; more: later and steeper"},
    switchParam("ramp_at_ends", "Ramp only at ends of sentences", false,
                "The end mark rises where a sentence or a line ends and nowhere else"),
};

class Budget final : public ControlRule {
public:
    Budget(MethodChoice choice, const Tokenizer& tokenizer, std::vector<TokenId> closing)
        : choice_(std::move(choice)), tokenizer_(&tokenizer), closing_(std::move(closing)) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<Budget>(*this); }

    // The ramp: B max(0, (x - x0) / (1 - x0))^p on the first token of the end mark, with x the used share.
    bool active(const LogitsStep& step) const override {
        return step.thinking && height(step.thought_tokens) != 0 && mayRise();
    }
    void apply(std::span<float> logits, const LogitsStep& step) const override {
        if (active(step))
            logits[static_cast<std::size_t>(closing_.front())] += static_cast<float>(height(step.thought_tokens));
    }

    void push(TokenId id) override {
        if (tail_.size() == kTail) tail_.erase(tail_.begin());
        tail_.push_back(id);
    }
    void rewritten(std::span<const TokenId> reply) override {
        const auto last = reply.last(std::min(reply.size(), kTail));
        tail_.assign(last.begin(), last.end());
    }

    ControlAction decide(const ControlStep& step) override {
        const auto budget = static_cast<std::int64_t>(choice_.value(kParams[0]));
        if (!step.thinking || step.closes_thought || step.thought_tokens < budget) return {};
        if (endsInsideCharacter(*tokenizer_, step.text)) return {};
        const std::string mode = choice_.textOf(kParams[1]);
        const auto grace = static_cast<std::int64_t>(choice_.value(kParams[2]));
        if (mode == "sentence" && step.thought_tokens < budget + grace && budget > 0 &&
            !sentenceEndsBefore(*tokenizer_, step.text, step.candidate)) {
            return {};
        }
        ControlAction action;
        action.kind = ControlAction::Kind::Instead;
        if (mode != "hard") action.tokens = tokenizer_->encode(choice_.textOf(kParams[3]), {.continuation = true});
        action.tokens.insert(action.tokens.end(), closing_.begin(), closing_.end());
        action.why = "the budget of " + paramText(choice_.value(kParams[0])) + " thinking tokens is used up";
        return action;
    }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        return changeParam(choice_, kParams, key, value);
    }

private:
    static constexpr std::size_t kTail = 16;  // tokens that say where a sentence ends

    [[nodiscard]] bool mayRise() const { return !choice_.flag(kParams[7]) || sentenceEnds(*tokenizer_, tail_); }
    [[nodiscard]] double height(std::int64_t used) const {
        const double rise = choice_.value(kParams[4]), budget = choice_.value(kParams[0]);
        if (rise == 0 || budget == 0) return 0;
        const double begin = choice_.value(kParams[5]);
        const double share = (static_cast<double>(used) / budget - begin) / (1 - begin);
        return share <= 0 ? 0 : rise * std::pow(share, choice_.value(kParams[6]));
    }

    MethodChoice choice_;
    const Tokenizer* tokenizer_;
    std::vector<TokenId> closing_;
    std::vector<TokenId> tail_;  // the last of the reply
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) {
    auto closing = closingOfThought(*setup.tokenizer);
    if (!closing) return tl::unexpected(closing.error());
    return std::make_unique<Budget>(setup.choice, *setup.tokenizer, std::move(*closing));
}

}  // namespace

const ControlMethod kBudget{{"budget",
                             "Thinking budget",
                             "Qwen3 and llama.cpp reasoning budget",
                             "When the thought has used up its tokens, it is closed and the answer begins.",
                             kParams,
                             false,
                             {Need::ThoughtMarks}},
                            &make};

}  // namespace quibble::control
