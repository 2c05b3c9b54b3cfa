// Batches on their way from the engine thread to the window. The engine never waits for the window; the window takes
// what fits in a frame and the rest in the next one.
#pragma once

#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/values/run_event.h"

namespace quibble {

class EventQueue {
public:
    /// Any thread.
    void push(EventBatchPtr batch) {
        const std::lock_guard lock(mutex_);
        batches_.push_back(std::move(batch));
    }
    /// Whole batches of one run, the first of them always, until `most_events` are gathered. Any thread.
    [[nodiscard]] std::vector<EventBatchPtr> take(std::size_t most_events) {
        const std::lock_guard lock(mutex_);
        std::vector<EventBatchPtr> taken;
        std::size_t events = 0;
        while (!batches_.empty() && (taken.empty() || (batches_.front()->run == taken.front()->run &&
                                                       events + batches_.front()->events.size() <= most_events))) {
            events += batches_.front()->events.size();
            taken.push_back(std::move(batches_.front()));
            batches_.pop_front();
        }
        return taken;
    }
    [[nodiscard]] bool empty() const {
        const std::lock_guard lock(mutex_);
        return batches_.empty();
    }

private:
    mutable std::mutex mutex_;
    std::deque<EventBatchPtr> batches_;
};

/// One batch in place of several, so that the views hear one signal a frame. Precondition: not empty, all of one run.
[[nodiscard]] inline EventBatchPtr mergeBatches(std::vector<EventBatchPtr> batches) {
    if (batches.size() == 1) return std::move(batches.front());
    auto merged = std::make_shared<EventBatch>();
    merged->run = batches.front()->run;
    for (const EventBatchPtr& batch : batches)
        merged->events.insert(merged->events.end(), batch->events.begin(), batch->events.end());
    return merged;
}

}  // namespace quibble
