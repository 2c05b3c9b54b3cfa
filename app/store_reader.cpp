#include "app/store_reader.h"

#include <utility>

#include <QMetaObject>

namespace quibble {

StoreReader::StoreReader(std::filesystem::path path, std::function<void(const Error&)> failed, QObject* parent)
    : QObject(parent), path_(std::move(path)), failed_(std::move(failed)), thread_([this](const std::stop_token& quit) { loop(quit); }) {}

StoreReader::~StoreReader() {
    thread_.request_stop();
    asked_.notify_all();
    thread_.join();
}

void StoreReader::ask(Question question) {
    {
        const std::lock_guard lock(mutex_);
        questions_.push_back(std::move(question));
    }
    asked_.notify_all();
}

// Queued to this object, so that it goes when the reader goes.
void StoreReader::answer(Answer act) {
    if (act) QMetaObject::invokeMethod(this, std::move(act), Qt::QueuedConnection);
}

void StoreReader::loop(const std::stop_token& quit) {
    const auto store = Store::open(path_, OpenMode::ReadOnly);
    if (!store) answer([this, error = store.error()] { failed_(error); });
    while (!quit.stop_requested()) {
        Question question;
        {
            std::unique_lock lock(mutex_);
            asked_.wait(lock, quit, [this] { return !questions_.empty(); });
            if (quit.stop_requested()) return;
            question = std::move(questions_.front());
            questions_.pop_front();
        }
        if (store) answer(question(**store));
    }
}

}  // namespace quibble
