#include "engine/sampler/sampler.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace quibble {

namespace {

// Gumbel noise lies inside (-3.7, 37.5), so a token this far below the largest (in units of temperature) can never win.
constexpr double kNoiseSpan = 42;

TokenId argmax(std::span<const float> logits) {
    return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

double Sampler::filter(std::span<const float> logits, TokenId best, const SamplerSettings& settings) {
    const double largest = static_cast<double>(logits[static_cast<std::size_t>(best)]);
    const auto cut = static_cast<float>(largest - kNoiseSpan * settings.temperature);
    candidates_.clear();
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] >= cut) candidates_.push_back({static_cast<TokenId>(i), logits[i]});
    }
    const auto before = [](const Candidate& a, const Candidate& b) {
        return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
    };
    const auto weight = [&](const Candidate& c) {
        return std::exp((static_cast<double>(c.logit) - largest) / settings.temperature);
    };

    auto kept = candidates_.end();
    if (settings.top_k > 0 && static_cast<std::size_t>(settings.top_k) < candidates_.size()) {
        kept = candidates_.begin() + settings.top_k;
        std::nth_element(candidates_.begin(), kept, candidates_.end(), before);
        // Back to id order, so that the sum below does not depend on how the library partitions.
        std::sort(candidates_.begin(), kept, [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    }
    if (settings.top_p < 1) {
        double total = 0;
        for (auto it = candidates_.begin(); it != kept; ++it) total += weight(*it);
        const auto heap_order = [&](const Candidate& a, const Candidate& b) { return before(b, a); };
        std::make_heap(candidates_.begin(), kept, heap_order);
        double mass = 0;
        auto heap_end = kept;
        while (heap_end != candidates_.begin() && mass < settings.top_p * total) {
            std::pop_heap(candidates_.begin(), heap_end, heap_order);
            --heap_end;
            mass += weight(*heap_end);
        }
        // The nucleus was popped to the back: [heap_end, kept).
        kept = std::move(heap_end, kept, candidates_.begin());
    }
    candidates_.erase(kept, candidates_.end());
    if (settings.min_p > 0) {
        const double least = std::log(settings.min_p);  // relative to the largest, in nats
        std::erase_if(candidates_, [&](const Candidate& c) {
            return (static_cast<double>(c.logit) - largest) / settings.temperature < least;
        });
    }
    return largest;
}

TokenId Sampler::choose(std::span<const float> logits, const SamplerSettings& settings, std::uint64_t seed,
                        Position pos) {
    const TokenId best = argmax(logits);
    if (settings.temperature <= 0 || settings.top_k == 1) return best;
    const double largest = filter(logits, best, settings);
    TokenId winner = best;
    double winner_score = -1e300;
    for (const Candidate& candidate : candidates_) {
        const double scaled = (static_cast<double>(candidate.logit) - largest) / settings.temperature;
        const double u = uniformNoise(seed, pos, candidate.id);
        if (scaled + gumbelCeiling(u) < winner_score) continue;  // nearly always: spares two logarithms
        const double score = scaled + gumbelOf(u);
        if (score > winner_score || (score == winner_score && candidate.id < winner)) {
            winner = candidate.id;
            winner_score = score;
        }
    }
    return winner;
}

TokenDistribution Sampler::distribution(std::span<const float> logits, const SamplerSettings& settings) {
    const TokenId best = argmax(logits);
    if (settings.temperature <= 0 || settings.top_k == 1) return {{best, 1.0}};
    const double largest = filter(logits, best, settings);
    TokenDistribution distribution;
    distribution.reserve(candidates_.size());
    for (const Candidate& candidate : candidates_) {
        distribution.push_back(
            {candidate.id, std::exp((static_cast<double>(candidate.logit) - largest) / settings.temperature)});
    }
    const auto by_id = [](const TokenProbability& a, const TokenProbability& b) { return a.id < b.id; };
    // Only top-p leaves them in another order.
    if (!std::is_sorted(distribution.begin(), distribution.end(), by_id))
        std::sort(distribution.begin(), distribution.end(), by_id);
    double total = 0;
    for (const TokenProbability& token : distribution) total += token.p;
    for (TokenProbability& token : distribution) token.p /= total;
    return distribution;
}

double probabilityOf(const TokenDistribution& distribution, TokenId id) {
    const auto found = std::lower_bound(distribution.begin(), distribution.end(), id,
                                        [](const TokenProbability& t, TokenId key) { return t.id < key; });
    return found != distribution.end() && found->id == id ? found->p : 0.0;
}

TokenId drawToken(const TokenDistribution& distribution, std::uint64_t seed, Position pos, NoiseStream stream) {
    TokenId winner = distribution.front().id;
    double winner_score = -1e300;
    for (const TokenProbability& token : distribution) {
        const double score = std::log(token.p) + gumbelNoise(seed, pos, token.id, stream);
        if (score > winner_score) {
            winner = token.id;
            winner_score = score;
        }
    }
    return winner;
}

Result<void> checkSampler(const SamplerSettings& settings) {
    const auto bad = [](const char* name, const char* range) {
        return fail(ErrorCode::InvalidArgument, std::string(name) + " is out of range", std::string("Use ") + range);
    };
    if (!(settings.temperature >= 0 && settings.temperature <= 100)) return bad("temperature", "0 (greedy) to 100");
    if (settings.top_k < 0) return bad("top-k", "0 (off) or more");
    if (!(settings.top_p > 0 && settings.top_p <= 1)) return bad("top-p", "more than 0, up to 1 (off)");
    if (!(settings.min_p >= 0 && settings.min_p < 1)) return bad("min-p", "0 (off) to less than 1");
    return {};
}

}  // namespace quibble
