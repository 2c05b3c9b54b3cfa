// DEER (arXiv 2504.15895): where the model turns to another thought ("Wait"), it is made to answer on trial. If it is
// sure of that answer, the thought ends there; else the word is said and the thought goes on. As in the published code
// the word counts anywhere in a token ("Waiting"), and the confidence is the arithmetic mean of the probabilities
// without the first token; its variant for Qwen3 takes the geometric mean and wants the answer closed. Our own choice:
// the trial is greedy, at temperature 1, where the published one draws.
#include <algorithm>

#include "engine/control/early_stop.h"
#include "engine/control/formulas.h"

namespace quibble::control {

namespace {

constexpr ParamOption kMeans[] = {{"arithmetic", "arithmetic, as published"},
                                  {"geometric", "geometric, as published for Qwen3"},
                                  {"minimum", "the least"}};
constexpr ParamSpec kParams[] = {
    {"threshold", "Sure above", "probability", -1, 1, 0, 0.95, "The thought ends when the confidence is greater"},
    {"probes", "Most probes", "", 0, 1000, 1, 10, "After so many the thought is left alone; 0: none is made"},
    {"length", "Probe length", "tokens", 2, 512, 1, 20, "Tokens of an answer on trial, at most"},
    choiceParam("mean", "Mean", kMeans, "arithmetic", "Of the probabilities of the answer's tokens without the first"),
    switchParam("closed", "Answer must close", false,
                "The answer on trial goes on to the closing mark of a thought, and counts for nothing without it; else "
                "it ends at the first closing brace"),
    textParam("word", "Word", "Wait", "Where the model says it, a probe is made"),
    textParam("probe", "Probe", "\n**Final Answer**\n\\boxed", "What makes the model answer on trial"),
    textParam("exit", "Exit", "\n{end}\n\n", kExitHelp),
};

class Deer final : public EarlyStop {
public:
    Deer(const LogitsSetup& setup, std::vector<TokenId> closing) : EarlyStop(setup, kParams, std::move(closing)) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<Deer>(*this); }

    ControlAction decide(const ControlStep& step) override {
        const std::string word = choice_.textOf(kParams[5]);
        if (!mayProbe(step) || made_ >= static_cast<int>(choice_.value(kParams[1])) || word.empty() ||
            tokenizer_->tokenBytes(step.candidate).find(word) == std::string_view::npos) {
            return {};
        }
        const bool closed = choice_.flag(kParams[4]);
        const TokenId mark = closing_.front();
        const auto result = (*step.probe)(
            tokenizer_->encode(choice_.textOf(kParams[6]), {.parse_special = true, .continuation = true}),
            static_cast<int>(choice_.value(kParams[2])), [&](TokenId id) {
                return closed ? id == mark : tokenizer_->tokenBytes(id).find('}') != std::string_view::npos;
            });
        if (!result) return {};
        ++made_;
        const bool counts = !closed || (!result->tokens.empty() && result->tokens.back() == mark);
        const double confidence = counts ? answerConfidence(result->probabilities, mean()) : 0;
        std::string found = "sure " + paramText(std::round(confidence * 1e4) / 1e4);
        if (!(confidence > choice_.value(kParams[0]))) return looked(std::move(found));
        return stopped(kParams[7], found + " of an answer", found);
    }
    void recall(std::string_view /*found*/) override { ++made_; }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        MethodChoice changed = choice_;
        if (auto checked = changeParam(changed, kParams, key, value); !checked) return checked;
        if (auto checked = check(changed, *tokenizer_); !checked) return checked;
        choice_ = std::move(changed);
        return {};
    }
    /// The word must be seen before a part of it stands in the text, so it must stand in one token.
    [[nodiscard]] static Result<void> check(const MethodChoice& choice, const Tokenizer& tokenizer) {
        const std::string word = choice.textOf(kParams[5]);
        for (std::size_t id = 0; id < tokenizer.vocabSize(); ++id) {
            const std::string_view bytes = tokenizer.tokenBytes(static_cast<TokenId>(id));
            if (!word.empty() && bytes.find(word) != std::string_view::npos) return {};
        }
        return fail(ErrorCode::InvalidArgument, "no token of this vocabulary holds the word \"" + word + "\"",
                    "Choose a word that is one token, such as Wait or But");
    }

private:
    [[nodiscard]] ConfidenceMean mean() const {
        const std::string name = choice_.textOf(kParams[3]);
        if (name == kMeans[1].id) return ConfidenceMean::Geometric;
        return name == kMeans[2].id ? ConfidenceMean::Minimum : ConfidenceMean::Arithmetic;
    }

    int made_ = 0;
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) {
    if (auto checked = Deer::check(setup.choice, *setup.tokenizer); !checked) return tl::unexpected(checked.error());
    return makeEarlyStop<Deer>(setup);
}

}  // namespace

const ControlMethod kDeer{{"deer",
                           "Early stop when sure of an answer (DEER)",
                           "arXiv 2504.15895",
                           "At \"Wait\" the model answers on trial; if it is sure of the answer, the thought ends.",
                           kParams,
                           false,
                           {Need::ThoughtMarks}},
                          &make,
                          true};

}  // namespace quibble::control
