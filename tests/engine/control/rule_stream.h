// A reply that is fed to one control rule, token by token, as a run would: the rule is asked about every token that is
// said, and what it answers becomes of the text. Probes are answered by the test.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/control/control_method.h"
#include "engine/text/thinking.h"
#include "engine/values/check.h"

namespace quibble::testing {

struct RuleStream {
    const Tokenizer& tokenizer;
    std::unique_ptr<ControlRule> rule;
    ThinkingTracker tracker;
    std::vector<TokenId> text{};
    std::size_t prompt_tokens = 0;
    std::int64_t thought_tokens = 0;
    std::vector<std::pair<std::string, ControlAction>> acts{};  // the candidate, and what was answered
    int probes = 0;
    std::string probed{};                         // what the last probe appended
    std::function<ProbeResult(int)> answer = {};  // to the n-th probe, from 1
    Prober prober = [this](std::span<const TokenId> appended, int max_new, const std::function<bool(TokenId)>& enough) {
        probed = tokenizer.decode({appended.begin(), appended.end()});
        ProbeResult whole = answer(++probes), told;
        told.entropy = whole.entropy;
        for (std::size_t i = 0; i < whole.tokens.size() && static_cast<int>(i) < max_new; ++i) {
            told.tokens.push_back(whole.tokens[i]);
            told.probabilities.push_back(i < whole.probabilities.size() ? whole.probabilities[i] : 1);
            if (enough && enough(whole.tokens[i])) break;
        }
        return std::optional(told);
    };

    RuleStream(const ControlMethod& method, std::string_view choice, const Tokenizer& of, std::string_view prompt = "")
        : tokenizer(of), tracker(of, true) {
        MethodChoice parsed = normalized(parseMethodChoice(choice).value(), method.params);
        checkParams(parsed, method.params).map_error([](const Error& error) { throw ContractError(error.line()); });
        rule = method.make({std::move(parsed), &of}).value();
        text = tokenizer.encode(prompt);
        prompt_tokens = text.size();
    }
    RuleStream(const RuleStream&) = delete;

    [[nodiscard]] ControlStep stepOf(TokenId candidate) const {
        ControlStep step;
        step.candidate = candidate;
        step.text = text;
        step.generated = static_cast<std::int64_t>(text.size() - prompt_tokens);
        step.thought_tokens = thought_tokens;
        step.thinking = tracker.inside();
        ThinkingTracker behind = tracker;
        step.closes_thought = !behind.push(candidate) && step.thinking;
        step.ends_turn = tokenizer.isEndOfGeneration(candidate);
        step.probe = answer ? &prober : nullptr;
        return step;
    }
    void append(TokenId id) {
        text.push_back(id);
        rule->push(id);
        (void)tracker.push(id);
    }
    /// What the rule answers to the next token, which is carried out.
    ControlAction say(TokenId candidate) {
        using Kind = ControlAction::Kind;
        ControlAction action = rule->decide(stepOf(candidate));
        if (action.kind != Kind::Instead) {
            if (tracker.inside()) ++thought_tokens;
            append(candidate);
        }
        if (action.kind == Kind::Rewrite) {
            text.resize(static_cast<std::size_t>(action.at));
            const auto reply = std::span(text).subspan(prompt_tokens);
            tracker = ThinkingTracker(tokenizer, true);
            for (const TokenId id : reply) (void)tracker.push(id);
            rule->rewritten(reply);
        }
        for (const TokenId id : action.tokens) append(id);
        if (action.kind != Kind::Accept) acts.emplace_back(std::string(tokenizer.tokenBytes(candidate)), action);
        return action;
    }
    /// Says the text up to the first token at which the rule acts, or all of it.
    bool say(std::string_view words) {
        for (const TokenId id : tokenizer.encode(words, {.parse_special = true, .continuation = true})) {
            if (say(id).kind != ControlAction::Kind::Accept) return true;
        }
        return false;
    }
    [[nodiscard]] std::string reply() const {
        return tokenizer.decode({text.begin() + static_cast<std::ptrdiff_t>(prompt_tokens), text.end()});
    }
};

}  // namespace quibble::testing
