// Speed of a live run over the last second.
#pragma once

#include <chrono>
#include <deque>
#include <utility>

namespace quibble {

class RunMeter {
public:
    using Clock = std::chrono::steady_clock;

    void restart() { *this = RunMeter{}; }
    void addTokens(int count, Clock::time_point now = Clock::now()) {
        window_.emplace_back(now, count);
        while (now - window_.front().first > std::chrono::seconds(1)) {
            in_window_ -= window_.front().second;
            window_.pop_front();
        }
        in_window_ += count;
    }
    /// 0 before the second report.
    [[nodiscard]] double tokensPerSecond() const {
        if (window_.size() < 2) return 0;
        const std::chrono::duration<double> span = window_.back().first - window_.front().first;
        // The first report says how many came before its time, so it does not count.
        return span.count() > 0 ? (in_window_ - window_.front().second) / span.count() : 0;
    }

private:
    std::deque<std::pair<Clock::time_point, int>> window_;
    int in_window_ = 0;
};

}  // namespace quibble
