// Finds out whether a text goes in circles: the same stretch of tokens several times in a row.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/values/ids.h"
#include "engine/values/param_spec.h"

namespace quibble {

class LoopFinder {
public:
    /// Stretches of `shortest` to `longest` tokens count as a loop when they stand `times` times in a row, 2 or more.
    LoopFinder(int shortest, int longest, int times)
        : shortest_(shortest), longest_(longest), times_(times), same_(static_cast<std::size_t>(longest) + 1) {}

    /// Other limits for the same text: what was counted holds for every stretch, so nothing is read again.
    void setLimits(int shortest, int times) {
        shortest_ = shortest;
        times_ = times;
    }

    void push(TokenId id) {
        const std::size_t n = text_.size();
        for (std::size_t period = 1; period < same_.size(); ++period)
            same_[period] = period <= n && text_[n - period] == id ? same_[period] + 1 : 0;
        text_.push_back(id);
        // Only the last stretch is looked back at.
        const auto keep = static_cast<std::size_t>(longest_);
        if (text_.size() > 2 * keep + 64) text_.erase(text_.begin(), text_.end() - static_cast<std::ptrdiff_t>(keep));
    }

    /// Tokens of the shortest stretch that the text repeats now; 0: it goes in no circle.
    [[nodiscard]] int period() const {
        for (int period = shortest_; period <= longest_; ++period) {
            if (repeats(period)) return period;
        }
        return 0;
    }
    /// The tokens that would go on with a loop; without duplicates where the periods are multiples of one another.
    [[nodiscard]] std::vector<TokenId> continuations() const {
        std::vector<TokenId> ids;
        for (int period = shortest_; period <= longest_; ++period) {
            if (!repeats(period)) continue;
            const TokenId id = text_[text_.size() - static_cast<std::size_t>(period)];
            bool known = false;
            for (const TokenId other : ids) known = known || other == id;
            if (!known) ids.push_back(id);
        }
        return ids;
    }

private:
    [[nodiscard]] bool repeats(int period) const {
        return same_[static_cast<std::size_t>(period)] >= static_cast<std::int64_t>(period) * (times_ - 1);
    }

    int shortest_, longest_, times_;
    std::vector<TokenId> text_;       // its end
    std::vector<std::int64_t> same_;  // by period: how many of the last tokens equal the one that many before
};

/// What a rule about loops is told: how often a stretch must stand, and how long it is at least.
[[nodiscard]] constexpr std::array<ParamSpec, 2> loopParams(int usual_times) {
    return {ParamSpec{"times", "Repetitions", "", 2, 20, 1, static_cast<double>(usual_times),
                      "So many times in a row a stretch must stand to be a loop"},
            ParamSpec{"length", "Shortest stretch", "tokens", 1, 256, 1, 8, "Shorter repetitions may stay"}};
}

/// The finder that `choice` asks for with loopParams().
[[nodiscard]] inline LoopFinder loopFinderOf(const MethodChoice& choice, const std::array<ParamSpec, 2>& params) {
    return {static_cast<int>(choice.value(params[1])), static_cast<int>(params[1].high),
            static_cast<int>(choice.value(params[0]))};
}

}  // namespace quibble
