// Run, Pause, Step, Stop as one state machine over the state of the run. An action that is disabled says why in its
// tool tip.
#pragma once

#include <QObject>
#include <QString>

#include "engine/values/run_event.h"

class QAction;

namespace quibble {

class RunActions : public QObject {
    Q_OBJECT
public:
    explicit RunActions(QObject* parent = nullptr);

    /// `blocked`: why no run can start ("Open a model first"); empty: one can.
    void update(RunState state, const QString& blocked);

    [[nodiscard]] QAction* run() const { return run_; }
    [[nodiscard]] QAction* pause() const { return pause_; }
    [[nodiscard]] QAction* step() const { return step_; }
    [[nodiscard]] QAction* stop() const { return stop_; }

private:
    QAction* run_;
    QAction* pause_;
    QAction* step_;
    QAction* stop_;
};

/// Tool tip of an action: what it does, its shortcut, and why it is disabled (empty: it is not).
void explainAction(QAction* action, const QString& what, const QString& blocked);

}  // namespace quibble
