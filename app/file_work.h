// Exports, imports and problem sets: done on another thread while the user goes on working, shown in the status bar,
// and ended by one action. A file is written whole or not at all, so that whoever cancels finds what was there before.
// Of a problem set what is done is kept.
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
        bool keeps = false;  // what is done until it is cancelled stays
    };
    explicit FileWork(QObject* parent = nullptr);

    /// Done behind what was started before it. Its answer comes also when it was cancelled.
    void start(const Task& task) { startOn(worker_, task); }
    /// As a job of somebody else's worker, who holds what the task needs. The task ends with its worker.
    int startOn(Worker& worker, const Task& task);
    /// How far the task is of which startOn() gave the number: for the line in the status bar, and more for its tool
    /// tip.
    void setFigures(int task, const QString& figures, const QString& tip);
    void cancel(int task);
    [[nodiscard]] bool busy() const { return !entries_.empty(); }
    /// What the status bar names: the first that is written or read, else the first that keeps what is done, because
    /// that goes on for long. Empty: nothing goes on.
    [[nodiscard]] QString doing() const { return busy() ? shown().doing : QString(); }
    [[nodiscard]] QString figures() const { return busy() ? shown().figures : QString(); }
    [[nodiscard]] QString tip() const { return busy() ? shown().tip : QString(); }
    [[nodiscard]] bool keeps() const { return busy() && shown().keeps; }
    /// Ends what doing() names.
    void cancelShown();
    /// Ends the export or import that goes on.
    [[nodiscard]] QAction* cancelAction() const { return cancel_; }
    void cancelAll();

signals:
    void changed();

private:
    struct Entry {
        int number = 0;
        QString doing, figures, tip;
        bool keeps = false;
        std::stop_source stop;
    };
    [[nodiscard]] const Entry* file() const;   // that is written or read; nullptr: none
    [[nodiscard]] const Entry& shown() const;  // precondition: busy()
    [[nodiscard]] Entry* entry(int number);
    void finish(int number);
    void refresh();

    QAction* cancel_;
    std::deque<Entry> entries_;
    int last_number_ = 0;
    Worker worker_;
};

}  // namespace quibble
