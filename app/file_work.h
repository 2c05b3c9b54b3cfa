// Exports and imports that may take longer than a frame: done on another thread while the user goes on working, shown
// in the status bar, and ended by one action. A file is written whole or not at all, so that whoever cancels finds what
// was there before.
#pragma once

#include <deque>
#include <stop_token>

#include <QObject>

#include "app/worker.h"

class QAction;

namespace quibble {

class FileWork : public QObject {
    Q_OBJECT
public:
    struct Task {
        QString doing;  // "Exporting run.csv"
        Worker::Job job;
        Worker::OnBroken broken;
    };
    explicit FileWork(QObject* parent = nullptr);

    /// Done behind what was started before it. Its answer comes also when it was cancelled.
    void start(const Task& task) { startOn(worker_, task); }
    /// As a job of somebody else's worker, who holds what the task needs. The task ends with its worker.
    void startOn(Worker& worker, const Task& task);
    [[nodiscard]] bool busy() const { return !entries_.empty(); }
    /// The first of what is going on; empty: nothing.
    [[nodiscard]] QString doing() const { return busy() ? entries_.front().doing : QString(); }
    /// Ends what doing() names.
    [[nodiscard]] QAction* cancelAction() const { return cancel_; }
    void cancelAll();

signals:
    void changed();

private:
    struct Entry {
        int number = 0;
        QString doing;
        std::stop_source stop;
    };
    void finish(int number);
    void refresh();

    QAction* cancel_;
    std::deque<Entry> entries_;
    int last_number_ = 0;
    Worker worker_;
};

}  // namespace quibble
