// Every turn of the event loop: how long it took, and how many rows the window's own connection read in it.
#pragma once

#include <algorithm>
#include <functional>

#include <QAbstractEventDispatcher>
#include <QElapsedTimer>
#include <QObject>

#include "data/store/store.h"

namespace quibble {

class TurnMeter : public QObject {
public:
    explicit TurnMeter(std::function<const Store*()> store) : store_(std::move(store)) {
        const auto* dispatcher = QAbstractEventDispatcher::instance();
        connect(dispatcher, &QAbstractEventDispatcher::awake, this, [this] { begin(); });
        connect(dispatcher, &QAbstractEventDispatcher::aboutToBlock, this, [this] { end(); });
        begin();
    }
    void end() {
        if (!clock_.isValid()) return;
        ++turns_;
        longest_ms_ = std::max(longest_ms_, static_cast<double>(clock_.nsecsElapsed()) / 1e6);
        const Store* store = store_();
        if (store != nullptr && store == seen_) most_rows_ = std::max(most_rows_, store->rowsRead() - rows_);
        clock_.invalidate();
    }
    [[nodiscard]] double longestMs() const { return longest_ms_; }
    [[nodiscard]] std::int64_t mostRows() const { return most_rows_; }
    [[nodiscard]] int turns() const { return turns_; }
    void restart() {
        longest_ms_ = 0;
        most_rows_ = 0;
        turns_ = 0;
        begin();
    }

private:
    void begin() {
        end();
        seen_ = store_();
        rows_ = seen_ != nullptr ? seen_->rowsRead() : 0;
        clock_.start();
    }
    std::function<const Store*()> store_;
    const Store* seen_ = nullptr;
    std::int64_t rows_ = 0, most_rows_ = 0;
    double longest_ms_ = 0;
    int turns_ = 0;
    QElapsedTimer clock_;
};

}  // namespace quibble
