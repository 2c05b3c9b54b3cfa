// Slot logits: what a rule does to the raw logits before temperature, filters and noise. Several rules act one after
// the other, in the order of the request. A rule keeps its state along one text; whoever follows another continuation
// (a drafted path, a branch) clones it. A method is one file; its stem is its id.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/text/tokenizer.h"
#include "engine/values/ids.h"
#include "engine/values/method_head.h"
#include "engine/values/result.h"

namespace quibble {

/// Where the text stands when the logits of its next token are there.
struct LogitsStep {
    Position pos = 0;            // of the token that is to be chosen
    std::int64_t generated = 0;  // tokens behind the prompt so far; 0 at the first
    bool thinking = false;       // inside the reasoning span
    bool thought = false;        // a reasoning span was closed before
    /// Sampled tokens inside reasoning spans so far, the opening mark not counted; on a drafted path all count as
    /// sampled.
    std::int64_t thought_tokens = 0;
    /// Raw logits at this place behind the second prompt, for rules that ask for one; empty where there are none (on a
    /// drafted path), and then such a rule changes nothing.
    std::span<const float> second = {};
};

/// The logit of a token that must not come: far below every other, and still a number.
inline constexpr float kBannedLogit = -1e9F;

class LogitsRule {
public:
    virtual ~LogitsRule() = default;
    LogitsRule& operator=(const LogitsRule&) = delete;

    /// The same rule in the same state, for another continuation. What does not change while a run goes on is shared.
    [[nodiscard]] virtual std::unique_ptr<LogitsRule> clone() const = 0;
    /// The text goes on with this token, whether it was sampled, injected or read from a parent.
    virtual void push(TokenId /*id*/) {}
    /// The reply was taken back to these tokens; what is appended behind them is pushed as ever.
    virtual void rewritten(std::span<const TokenId> /*reply*/) {}
    /// Whether apply() would change a logit at this step. A rule at strength 0 never does, and then no bit of the run
    /// differs from one without it.
    [[nodiscard]] virtual bool active(const LogitsStep& step) const = 0;
    /// Changes the logits, [vocab_size].
    virtual void apply(std::span<float> logits, const LogitsStep& step) const = 0;
    /// Takes a changed parameter from the next token on. Errors: InvalidArgument (unknown, range).
    [[nodiscard]] virtual Result<void> setParam(std::string_view key, const ParamValue& value) = 0;
    /// What the user should know of the rule with this vocabulary, a sentence; empty: nothing.
    [[nodiscard]] virtual std::string note() const { return {}; }

protected:
    LogitsRule() = default;
    LogitsRule(const LogitsRule&) = default;
};

/// What a rule is made from.
struct LogitsSetup {
    MethodChoice choice;
    const Tokenizer* tokenizer = nullptr;  // outlives the rule
};

struct LogitsMethod : MethodHead {
    /// Errors: InvalidArgument when the rule can do nothing with this vocabulary.
    Result<std::unique_ptr<LogitsRule>> (*make)(const LogitsSetup& setup);
    /// Reads LogitsStep::second: the tokens of the run are fed behind the prompt that this parameter holds as well.
    const ParamSpec* second_prompt = nullptr;
};

/// All methods but the marker penalty, which every run has (marker_penalty.h).
[[nodiscard]] std::span<const LogitsMethod* const> logitsMethods();
/// Errors: InvalidArgument for an unknown id (lists the known) or parameters out of range.
[[nodiscard]] Result<const LogitsMethod*> findLogitsMethod(const MethodChoice& choice);

namespace logits {
extern const LogitsMethod kBan;
extern const LogitsMethod kContrast;
extern const LogitsMethod kCyclic;
extern const LogitsMethod kLoopStop;
}  // namespace logits

}  // namespace quibble
