#include "app/worker.h"

#include <new>
#include <utility>

#include <QMetaObject>

#include "engine/values/check.h"

namespace quibble {

Worker::Worker(QObject* parent) : QObject(parent), thread_([this](const std::stop_token& quit) { loop(quit); }) {}

Worker::~Worker() {
    dropAll();
    thread_.request_stop();
    asked_.notify_all();
    thread_.join();
}

std::stop_source Worker::ask(Job job, OnBroken broken) {
    std::stop_source stop;
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back({std::move(job), std::move(broken), stop, ++last_number_});
    }
    asked_.notify_all();
    return stop;
}

void Worker::askOnly(Job job, OnBroken broken) {
    dropAll();
    ask(std::move(job), std::move(broken));
}

void Worker::dropAll() {
    std::deque<Task> dropped;  // what they hold may be large, and goes when the lock has been given back
    {
        const std::lock_guard lock(mutex_);
        dropped.swap(tasks_);
        current_.request_stop();
    }
    first_wanted_ = last_number_ + 1;
}

Worker::Answer Worker::answerTo(const Task& task) {
    Error error;
    try {
        return task.job(task.stop.get_token());
    } catch (const ContractError& broken) {
        error = {ErrorCode::InvalidArgument, std::string("internal error: ") + broken.what(),
                 "Please report this message"};
    } catch (const std::bad_alloc&) {
        error = {ErrorCode::OutOfMemory, "out of memory", ""};
    }
    return [broken = task.broken, error] {
        if (broken) broken(error);
    };
}

void Worker::loop(const std::stop_token& quit) {
    while (true) {
        Task task;
        {
            std::unique_lock lock(mutex_);
            if (!asked_.wait(lock, quit, [this] { return !tasks_.empty(); }) || quit.stop_requested()) return;
            task = std::move(tasks_.front());
            tasks_.pop_front();
            current_ = task.stop;
        }
        // Queued to this object, so that an answer goes when the worker goes.
        QMetaObject::invokeMethod(
            this,
            [this, number = task.number, act = answerTo(task)] {
                if (number >= first_wanted_ && act) act();
            },
            Qt::QueuedConnection);
    }
}

}  // namespace quibble
