#include "app/store_reader.h"

#include <utility>

namespace quibble {

StoreReader::StoreReader(std::filesystem::path path, std::function<void(const Error&)> failed, QObject* parent)
    : QObject(parent), failed_(std::move(failed)) {
    worker_.ask(
        [this, path = std::move(path)](const std::stop_token&) -> Answer {
            auto store = Store::open(path, OpenMode::ReadOnly);
            if (!store) return [this, error = store.error()] { failed_(error); };
            store_ = std::move(*store);
            return {};
        },
        failed_);
}

Worker::Job StoreReader::jobFor(const Question& question) {
    return [this, question](const std::stop_token& stop) {
        return store_ != nullptr ? question(*store_, stop) : Answer();
    };
}

}  // namespace quibble
