#include "app/file_work.h"

#include <algorithm>
#include <utility>

#include <QAction>

#include "app/run_actions.h"

namespace quibble {

FileWork::FileWork(QObject* parent) : QObject(parent), cancel_(new QAction(tr("&Cancel Export or Import"), this)) {
    cancel_->setObjectName(QStringLiteral("cancelFileWork"));
    connect(cancel_, &QAction::triggered, this, [this] {
        if (const Entry* going = file()) cancel(going->number);
    });
    refresh();
}

int FileWork::startOn(Worker& worker, const Task& task) {
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
    entries_.push_back({.number = number,
                        .doing = task.doing,
                        .figures = {},
                        .tip = {},
                        .keeps = task.keeps,
                        .stop = std::move(stop)});
    if (&worker != &worker_) connect(&worker, &QObject::destroyed, this, [this, number] { finish(number); });
    refresh();
    return number;
}

const FileWork::Entry* FileWork::file() const {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return !entry.keeps; });
    return found != entries_.end() ? &*found : nullptr;
}

const FileWork::Entry& FileWork::shown() const {
    const Entry* going = file();
    return going != nullptr ? *going : entries_.front();
}

FileWork::Entry* FileWork::entry(int number) {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [number](const Entry& entry) { return entry.number == number; });
    return found != entries_.end() ? &*found : nullptr;
}

void FileWork::setFigures(int task, const QString& figures, const QString& tip) {
    Entry* found = entry(task);
    if (found == nullptr) return;
    found->figures = figures;
    found->tip = tip;
    emit changed();
}

void FileWork::cancel(int task) {
    if (Entry* found = entry(task)) found->stop.request_stop();
}

void FileWork::finish(int number) {
    if (std::erase_if(entries_, [number](const Entry& entry) { return entry.number == number; }) == 0) return;
    refresh();
}

void FileWork::cancelShown() {
    if (busy()) cancel(shown().number);
}

void FileWork::cancelAll() {
    for (Entry& entry : entries_) entry.stop.request_stop();
}

void FileWork::refresh() {
    const Entry* going = file();
    explainAction(
        cancel_,
        going != nullptr ? tr("%1: cancel it").arg(going->doing) : tr("Cancel the export or import that is going on"),
        going != nullptr ? QString() : tr("Nothing is exported or imported"));
    emit changed();
}

}  // namespace quibble
