#include "app/file_work.h"

#include <algorithm>
#include <utility>

#include <QAction>

#include "app/run_actions.h"

namespace quibble {

FileWork::FileWork(QObject* parent) : QObject(parent), cancel_(new QAction(tr("&Cancel Export or Import"), this)) {
    cancel_->setObjectName(QStringLiteral("cancelFileWork"));
    connect(cancel_, &QAction::triggered, this, [this] {
        if (busy()) entries_.front().stop.request_stop();
    });
    refresh();
}

void FileWork::startOn(Worker& worker, const Task& task) {
    const int number = ++last_number_;
    std::stop_source stop = worker.ask(
        [this, number, job = task.job](const std::stop_token& wanted) -> Worker::Answer {
            return [this, number, answer = job(wanted)] {
                if (answer) answer();
                finish(number);
            };
        },
        [this, number, broken = task.broken](const Error& error) {
            if (broken) broken(error);
            finish(number);
        });
    entries_.push_back({number, task.doing, std::move(stop)});
    if (&worker != &worker_) connect(&worker, &QObject::destroyed, this, [this, number] { finish(number); });
    refresh();
}

void FileWork::finish(int number) {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [number](const Entry& entry) { return entry.number == number; });
    if (found == entries_.end()) return;
    entries_.erase(found);
    refresh();
}

void FileWork::cancelAll() {
    for (Entry& entry : entries_) entry.stop.request_stop();
}

void FileWork::refresh() {
    explainAction(cancel_,
                  busy() ? tr("%1: cancel it").arg(doing()) : tr("Cancel the export or import that is going on"),
                  busy() ? QString() : tr("Nothing is exported or imported"));
    emit changed();
}

}  // namespace quibble
