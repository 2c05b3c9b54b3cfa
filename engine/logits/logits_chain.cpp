#include "engine/logits/logits_chain.h"

#include <algorithm>

namespace quibble {

LogitsChain LogitsChain::clone() const {
    LogitsChain copy;
    for (const auto& rule : rules_) copy.add(rule->clone());
    return copy;
}

void LogitsChain::push(TokenId id) {
    for (const auto& rule : rules_) rule->push(id);
}

void LogitsChain::rewritten(std::span<const TokenId> reply) {
    for (const auto& rule : rules_) rule->rewritten(reply);
}

bool LogitsChain::active(const LogitsStep& step) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const auto& rule) { return rule->active(step); });
}

void LogitsChain::apply(std::span<float> logits, const LogitsStep& step, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
        if (rules_[i]->active(step)) rules_[i]->apply(logits, step);
    }
}

std::span<const float> LogitsChain::applied(std::span<const float> raw, const LogitsStep& step,
                                            std::vector<float>& storage) const {
    if (!active(step)) return raw;
    storage.assign(raw.begin(), raw.end());
    apply(storage, step);
    return storage;
}

}  // namespace quibble
