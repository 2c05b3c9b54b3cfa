// Sees when the window's thread was busy with one event for longer than a person notices, and says so in the log: which
// event, of what, how long. At most one line a second; what comes in between is counted in the next.
#pragma once

#include <cstdint>
#include <string>

#include <QEvent>

class QObject;

namespace quibble {

class FrameWatch {
public:
    static constexpr std::int64_t kSlowMs = 50;

    /// The handling of one event, from its making to its end. Events are handled inside of others, and loops run inside
    /// of events (a menu): an event counts if its loop handed it out, and not if a loop ran inside of it.
    class Handling {
    public:
        Handling(FrameWatch& watch, QObject* receiver, QEvent* event);
        ~Handling();
        Handling(const Handling&) = delete;
        Handling& operator=(const Handling&) = delete;

    private:
        FrameWatch& watch_;
        Handling* around_;
        const char* receiver_;
        QEvent::Type event_;
        int loop_;
        bool outermost_;
        bool loop_inside_ = false;
        std::int64_t began_ns_;
    };

private:
    void slow(std::int64_t ns);

    Handling* current_ = nullptr;
    std::string busiest_;  // the innermost part that took half of kSlowMs, of the event that is handled
    std::int64_t last_line_ns_ = 0;
    std::int64_t unsaid_ = 0, worst_unsaid_ns_ = 0;
};

}  // namespace quibble
