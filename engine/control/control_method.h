// Slot control: asked about each token before it is appended, and answers with what becomes of the text: it goes on,
// goes on with tokens that nobody sampled, or ends. A method is one file; its stem is its id.
//
// A control rule is a logits rule as well, so that a budget may raise the end of the thought before it forces it. It
// acts on the logits behind the rules of the slot logits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/logits/logits_method.h"
#include "engine/values/token_record.h"

namespace quibble {

/// What a throw-away continuation said.
struct ProbeResult {
    std::vector<TokenId> tokens{};        // generated, greedily; an end of generation is the last
    std::vector<double> probabilities{};  // of each at temperature 1
    double entropy = 0;                   // of the distribution behind the appended tokens at temperature 1, nats
};

/// Reads `appended` behind the text as it stands before the candidate, and continues greedily, on a copy: the run, its
/// caches and its noise are as if it had not been. At most `max_new` tokens are generated, and fewer where the context
/// ends; `enough`, where it is given, is told of each and ends the probe when it returns true. Nothing: the context has
/// no room for `appended`, the engine failed or the run was stopped. The rule is then as if it had not been asked, and
/// accepts; whoever gave the prober knows why.
using Prober = std::function<std::optional<ProbeResult>(std::span<const TokenId> appended, int max_new,
                                                        const std::function<bool(TokenId)>& enough)>;

/// A token that is about to be appended.
struct ControlStep {
    TokenId candidate = kNoToken;
    std::span<const TokenId> text{};  // prompt and everything appended before it
    Position fixed = 0;               // tokens that no rule takes back: the prompt, and what a branch took over
    std::int64_t generated = 0;       // tokens of the text behind the prompt
    std::int64_t thought_tokens = 0;  // sampled tokens inside reasoning spans so far, the opening mark not counted
    bool thinking = false;            // the text ends inside a reasoning span
    bool closes_thought = false;      // the candidate closes it
    bool ends_turn = false;           // the candidate is an end of generation
    const Prober* probe = nullptr;    // for methods that ask for one
};

struct ControlAction {
    enum class Kind {
        Accept,   // the candidate is appended
        Instead,  // `tokens` are appended in its place
        Then,     // the candidate is appended, and `tokens` behind it
        End,      // the candidate is appended, and the run ends
        Rewrite,  // the candidate is appended; then the text is taken back to `at`, and `tokens` are appended
    };
    Kind kind = Kind::Accept;
    std::vector<TokenId> tokens{};  // marked as injected, never counted as sampled
    std::string why{};              // for people: "the budget of 200 tokens is used up"
    Position at = 0;                // of Rewrite: how much of the text stays; behind the prompt
    std::size_t kept = 0;           // of Rewrite: so many tokens at the end stood there before and are what they were
    /// What the rule has found by looking at the text here, where that changes what it does later: "sure 0.83". It is
    /// recorded, and told to the rule of a branch (recall()).
    std::string found{};
};

class ControlRule : public LogitsRule {
public:
    [[nodiscard]] bool active(const LogitsStep& /*step*/) const override { return false; }
    void apply(std::span<float> /*logits*/, const LogitsStep& /*step*/) const override {}
    /// The text that a branch took over holds so many tokens that this rule once put there, and they are pushed next:
    /// it goes on as one that has acted. 0: nobody knows how many, or where.
    virtual void resume(std::size_t /*tokens*/) {}
    /// The text that a branch took over goes on with a token at which this rule once found this (ControlAction::found).
    /// Called before that token is pushed.
    virtual void recall(std::string_view /*found*/) {}
    /// Asked once about each sampled token, in the order of the text; push() follows for what is appended. The rules
    /// are asked in the order of the request, and the first that does not accept decides.
    [[nodiscard]] virtual ControlAction decide(const ControlStep& step) = 0;
};

struct ControlMethod : MethodHead {
    /// Errors: InvalidArgument when the rule can do nothing with this vocabulary.
    Result<std::unique_ptr<ControlRule>> (*make)(const LogitsSetup& setup);
    bool probes = false;    // calls ControlStep::probe
    bool rewrites = false;  // answers with Rewrite
};

[[nodiscard]] std::span<const ControlMethod* const> controlMethods();
/// Errors: InvalidArgument for an unknown id (lists the known) or parameters out of range.
[[nodiscard]] Result<const ControlMethod*> findControlMethod(const MethodChoice& choice);

namespace control {
extern const ControlMethod kBudget;
extern const ControlMethod kConciseHint;
extern const ControlMethod kDeer;
extern const ControlMethod kEat;
extern const ControlMethod kForceAnswer;
extern const ControlMethod kKStable;
extern const ControlMethod kLoopEnd;
extern const ControlMethod kWaitInjection;
}  // namespace control

}  // namespace quibble
