// Reads a session database on a thread of its own, with a connection of its own: what may take longer than a frame (a long run, a search,
// a copy) is asked here, and the answer is carried out on the window's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include <QObject>

#include "data/store/store.h"

namespace quibble {

class StoreReader : public QObject {
    Q_OBJECT
public:
    /// What is done with the answer, on the window's thread.
    using Answer = std::function<void()>;
    /// Runs on the reader's thread, one after the other.
    using Question = std::function<Answer(const Store& store)>;

    /// `failed` hears, on the window's thread, why the file cannot be read; every question is then dropped.
    StoreReader(std::filesystem::path path, std::function<void(const Error&)> failed, QObject* parent);
    /// Waits for the question that is being answered; the others, and all answers under way, are dropped.
    ~StoreReader() override;

    void ask(Question question);

private:
    void loop(const std::stop_token& quit);
    void answer(Answer act);

    std::filesystem::path path_;
    std::function<void(const Error&)> failed_;
    std::mutex mutex_;
    std::condition_variable_any asked_;
    std::deque<Question> questions_;
    std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace quibble
