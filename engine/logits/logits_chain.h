// The rules of a run in the order in which they act.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/logits/logits_method.h"

namespace quibble {

class LogitsChain {
public:
    LogitsChain() = default;
    LogitsChain(LogitsChain&&) = default;
    LogitsChain& operator=(LogitsChain&&) = default;

    void add(std::unique_ptr<LogitsRule> rule) { rules_.push_back(std::move(rule)); }
    [[nodiscard]] std::size_t size() const { return rules_.size(); }
    [[nodiscard]] LogitsRule& rule(std::size_t index) { return *rules_[index]; }
    [[nodiscard]] const LogitsRule& rule(std::size_t index) const { return *rules_[index]; }

    /// For another continuation.
    [[nodiscard]] LogitsChain clone() const;
    void push(TokenId id);
    /// The reply was taken back to these tokens.
    void rewritten(std::span<const TokenId> reply);
    [[nodiscard]] bool active(const LogitsStep& step) const;
    /// Lets the first `count` rules change the logits.
    void apply(std::span<float> logits, const LogitsStep& step, std::size_t count) const;
    void apply(std::span<float> logits, const LogitsStep& step) const { apply(logits, step, rules_.size()); }
    /// Logits behind all rules; `storage` keeps them when a rule changes anything.
    [[nodiscard]] std::span<const float> applied(std::span<const float> raw, const LogitsStep& step,
                                                 std::vector<float>& storage) const;

private:
    std::vector<std::unique_ptr<LogitsRule>> rules_;
};

}  // namespace quibble
