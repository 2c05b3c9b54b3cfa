// One thread beside the window's: it does jobs one after the other, and what comes of a job is carried out on the
// window's thread. Whatever may take longer than a frame (reading a database, a prompt or a model's tokenizer, writing
// a file) is such a job.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include <QObject>

#include "engine/values/result.h"

namespace quibble {

class Worker : public QObject {
    Q_OBJECT
public:
    /// What is done with the result, on the window's thread.
    using Answer = std::function<void()>;
    /// Runs on the thread of the worker. `stop` says that nobody wants the result any more.
    using Job = std::function<Answer(const std::stop_token& stop)>;
    /// Hears, on the window's thread, that a job gave no answer: a contract of ours is broken, or memory ran out.
    using OnBroken = std::function<void(const Error& error)>;

    explicit Worker(QObject* parent = nullptr);
    /// Asks the job that is done to stop and waits for it; the others, and all answers under way, are dropped.
    ~Worker() override;

    /// Does the job behind those that wait. The stop source tells this one job to stop; its answer comes all the same.
    std::stop_source ask(Job job, OnBroken broken);
    /// As dropAll(), then ask(): the last question wins.
    void askOnly(Job job, OnBroken broken);
    /// Drops the jobs that wait, and the answers of all that was asked so far.
    void dropAll();

private:
    struct Task {
        Job job;
        OnBroken broken;
        std::stop_source stop;
        std::uint64_t number = 0;
    };
    void loop(const std::stop_token& quit);
    [[nodiscard]] static Answer answerTo(const Task& task);

    std::uint64_t last_number_ = 0;   // window's thread
    std::uint64_t first_wanted_ = 0;  // window's thread: answers of tasks before this one are dropped
    std::mutex mutex_;
    std::condition_variable_any asked_;
    std::deque<Task> tasks_;
    std::stop_source current_{std::nostopstate};  // of the task that is done
    std::jthread thread_;                         // last: it ends before what it uses
};

}  // namespace quibble
