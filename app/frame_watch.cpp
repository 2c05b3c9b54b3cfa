#include "app/frame_watch.h"

#include <algorithm>

#include <QMetaEnum>
#include <QObject>
#include <QThread>

#include "engine/base/clock.h"
#include "engine/base/log.h"

namespace quibble {

namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kLineEveryNs = 1000 * kMs;

const char* eventName(QEvent::Type type) {
    const char* name = QMetaEnum::fromType<QEvent::Type>().valueToKey(type);
    return name != nullptr ? name : "an event of its own";
}

}  // namespace

FrameWatch::Handling::Handling(FrameWatch& watch, QObject* receiver, QEvent* event)
    : watch_(watch),
      around_(watch.current_),
      receiver_(receiver->metaObject()->className()),
      event_(event->type()),
      loop_(QThread::currentThread()->loopLevel()),
      outermost_(around_ == nullptr || loop_ > around_->loop_),
      began_ns_(nowNs()) {
    if (outermost_ && around_ != nullptr) around_->loop_inside_ = true;
    if (outermost_) watch_.busiest_.clear();
    watch_.current_ = this;
}

FrameWatch::Handling::~Handling() {
    watch_.current_ = around_;
    if (loop_inside_) {
        if (around_ != nullptr && !outermost_) around_->loop_inside_ = true;
        return;
    }
    const std::int64_t took = nowNs() - began_ns_;
    if (took < kSlowMs * kMs / 2) return;
    if (watch_.busiest_.empty()) watch_.busiest_ = std::string(eventName(event_)) + " of " + receiver_;
    if (outermost_ && took > kSlowMs * kMs) watch_.slow(took);
}

void FrameWatch::slow(std::int64_t ns) {
    const std::int64_t now = nowNs();
    if (last_line_ns_ != 0 && now - last_line_ns_ < kLineEveryNs) {
        ++unsaid_;
        worst_unsaid_ns_ = std::max(worst_unsaid_ns_, ns);
        return;
    }
    std::string line = "slow frame: " + std::to_string(ns / kMs) + " ms, " + busiest_;
    if (unsaid_ > 0)
        line += "; before it " + std::to_string(unsaid_) + " more, the slowest " +
                std::to_string(worst_unsaid_ns_ / kMs) + " ms";
    logWarning(line);
    last_line_ns_ = now;
    unsaid_ = worst_unsaid_ns_ = 0;
}

}  // namespace quibble
