// What happens between two moments on the UI thread: how many events were delivered, and how often each widget was
// painted. Counts, because the time of a turn says how busy the machine was.
#pragma once

#include <algorithm>
#include <map>

#include <QCoreApplication>
#include <QEvent>
#include <QObject>

namespace quibble::testing {

class TurnCounter : public QObject {
public:
    TurnCounter() { QCoreApplication::instance()->installEventFilter(this); }

    void restart() {
        events_ = 0;
        paints_.clear();
    }
    [[nodiscard]] int events() const { return events_; }
    /// How often the most painted object was painted.
    [[nodiscard]] int mostPaints() const {
        int most = 0;
        for (const auto& [object, count] : paints_) most = std::max(most, count);
        return most;
    }
    [[nodiscard]] int paintsOf(const QObject* object) const {
        const auto found = paints_.find(object);
        return found == paints_.end() ? 0 : found->second;
    }

protected:
    bool eventFilter(QObject* object, QEvent* event) override {
        ++events_;
        if (event->type() == QEvent::Paint) ++paints_[object];
        return false;
    }

private:
    int events_ = 0;
    std::map<const QObject*, int> paints_;
};

}  // namespace quibble::testing
