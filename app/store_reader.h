// Reads a session database on a thread of its own, with a connection of its own: what may take longer than a frame (a
// long run, a search, a copy) is asked here, and the answer is carried out on the window's thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include <QObject>

#include "app/worker.h"
#include "data/store/store.h"

namespace quibble {

class StoreReader : public QObject {
    Q_OBJECT
public:
    using Answer = Worker::Answer;
    /// Runs on the reader's thread, one after the other.
    using Question = std::function<Answer(const Store& store, const std::stop_token& stop)>;

    /// `failed` hears, on the window's thread, why the file cannot be read; every question is then dropped.
    StoreReader(std::filesystem::path path, std::function<void(const Error&)> failed, QObject* parent);

    void ask(const Question& question) { worker_.ask(jobFor(question), failed_); }
    /// The question as a job of worker(), for somebody who wants to follow it. It has no answer when the file cannot be
    /// read.
    [[nodiscard]] Worker::Job jobFor(const Question& question);
    [[nodiscard]] Worker& worker() { return worker_; }

private:
    std::function<void(const Error&)> failed_;
    std::unique_ptr<Store> store_;  // reader's thread
    Worker worker_;                 // last: it ends before what it uses
};

}  // namespace quibble
