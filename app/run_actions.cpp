#include "app/run_actions.h"

#include <QAction>
#include <QKeySequence>

#include "views/theme.h"

namespace quibble {

void explainAction(QAction* action, const QString& what, const QString& blocked) {
    action->setEnabled(blocked.isEmpty());
    const QString keys = action->shortcut().toString(QKeySequence::NativeText);
    QString tip = keys.isEmpty() ? what : QStringLiteral("%1 (%2)").arg(what, keys);
    if (!blocked.isEmpty()) tip += QLatin1Char('\n') + blocked;
    action->setToolTip(tip);
}

RunActions::RunActions(QObject* parent)
    : QObject(parent),
      run_(new QAction(tr("&Run"), this)),
      pause_(new QAction(tr("&Pause"), this)),
      step_(new QAction(tr("S&tep"), this)),
      stop_(new QAction(tr("&Stop"), this)) {
    run_->setObjectName(QStringLiteral("run"));
    run_->setShortcuts({QKeySequence(Qt::Key_F5), QKeySequence(Qt::CTRL | Qt::Key_R)});
    pause_->setObjectName(QStringLiteral("pause"));
    pause_->setShortcut(QKeySequence(Qt::Key_F6));
    step_->setObjectName(QStringLiteral("step"));
    step_->setShortcut(QKeySequence(Qt::Key_F10));
    stop_->setObjectName(QStringLiteral("stop"));
    stop_->setShortcuts({QKeySequence(Qt::SHIFT | Qt::Key_F5), QKeySequence(Qt::CTRL | Qt::Key_Period)});
    const auto icons = [this] {
        const Theme& theme = Theme::instance();
        QIcon run = theme.icon(QStringLiteral("run"), theme.colors().accent_text);
        // Disabled it stands on the window, not on the accent.
        run.addPixmap(theme.icon(QStringLiteral("run"), theme.colors().muted).pixmap(theme.em(4)), QIcon::Disabled);
        run_->setIcon(run);
        pause_->setIcon(theme.icon(QStringLiteral("pause")));
        step_->setIcon(theme.icon(QStringLiteral("step")));
        stop_->setIcon(theme.icon(QStringLiteral("stop")));
    };
    icons();
    connect(&Theme::instance(), &Theme::changed, this, icons);
    update(RunState::Idle, {});
}

void RunActions::update(RunState state, const QString& blocked) {
    const bool live = state != RunState::Idle && state != RunState::Finished;
    const bool paused = state == RunState::Paused;
    run_->setText(paused ? tr("&Resume") : tr("&Run"));
    if (paused)
        explainAction(run_, tr("Go on with the run"), {});
    else
        explainAction(run_, tr("Start a run"), live ? tr("A run is going on: pause or stop it first") : blocked);
    explainAction(pause_, tr("Pause after the token that is being made"),
                  paused ? tr("The run is paused already")
                  : live ? QString()
                         : tr("Nothing is running"));
    explainAction(step_, live ? tr("Make one token and pause") : tr("Start a run with one token and pause"),
                  live ? QString() : blocked);
    explainAction(stop_, tr("End the run; what was generated is kept"), live ? QString() : tr("Nothing is running"));
}

}  // namespace quibble
