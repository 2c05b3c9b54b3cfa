#include "engine/run/distribution.h"

#include <algorithm>
#include <cmath>

namespace quibble {

std::vector<Alternative> topAlternatives(std::span<const float> logits, double log_sum_exp, int count) {
    struct Entry {
        float logit;
        TokenId id;
    };
    const auto before = [](const Entry& a, const Entry& b) {
        return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
    };
    std::vector<Entry> best;  // a heap whose front is the least of the kept
    const auto wanted = static_cast<std::size_t>(std::max(0, count));
    best.reserve(wanted);
    for (std::size_t i = 0; i < logits.size() && wanted > 0; ++i) {
        const Entry entry{logits[i], static_cast<TokenId>(i)};
        if (best.size() < wanted) {
            best.push_back(entry);
            std::push_heap(best.begin(), best.end(), before);
        } else if (before(entry, best.front())) {
            std::pop_heap(best.begin(), best.end(), before);
            best.back() = entry;
            std::push_heap(best.begin(), best.end(), before);
        }
    }
    std::sort_heap(best.begin(), best.end(), before);
    std::vector<Alternative> top;
    top.reserve(best.size());
    for (const Entry& entry : best)
        top.push_back({entry.id, static_cast<float>(static_cast<double>(entry.logit) - log_sum_exp)});
    return top;
}

std::int32_t rankOf(std::span<const float> logits, TokenId id) {
    const float own = logits[static_cast<std::size_t>(id)];
    return 1 +
           static_cast<std::int32_t>(std::count_if(logits.begin(), logits.end(), [own](float z) { return z > own; }));
}

double massOf(std::span<const float> logits, double log_sum_exp, std::span<const TokenId> ids) {
    double mass = 0;
    for (const TokenId id : ids)
        mass += std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]) - log_sum_exp);
    return mass;
}

}  // namespace quibble
