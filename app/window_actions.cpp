#include "app/window_actions.h"

#include <QAction>
#include <QActionGroup>
#include <QMainWindow>
#include <QMenu>

namespace quibble {

void addMenuActions(QMainWindow* window, QMenu* menu, const std::vector<ActionSpec>& specs) {
    for (const ActionSpec& spec : specs) {
        if (*spec.name == '\0') {
            menu->addSeparator();
            continue;
        }
        auto* action = new QAction(spec.text, window);
        action->setObjectName(QString::fromLatin1(spec.name));
        action->setShortcuts(spec.shortcuts);
        if (!spec.tip.isEmpty()) action->setToolTip(spec.tip);
        QObject::connect(action, &QAction::triggered, window, [act = spec.act] { act(); });
        menu->addAction(action);
        window->addAction(action);
    }
}

QMenu* addMenuChoices(QMainWindow* window, QMenu* menu, const QString& title, const std::vector<ChoiceSpec>& specs) {
    QMenu* submenu = menu->addMenu(title);
    auto* group = new QActionGroup(submenu);
    std::vector<std::pair<QAction*, std::function<bool()>>> marks;
    for (const ChoiceSpec& spec : specs) {
        auto* action = new QAction(spec.text, group);
        action->setObjectName(QString::fromLatin1(spec.name));
        action->setCheckable(true);
        action->setShortcut(spec.shortcut);
        // Out of its menu a choice is named with what it chooses: "Units: Bits".
        action->setProperty("choice_of", QString(title).remove(QLatin1Char('&')));
        QObject::connect(action, &QAction::triggered, window, [choose = spec.choose] { choose(); });
        submenu->addAction(action);
        window->addAction(action);
        marks.emplace_back(action, spec.chosen);
    }
    QObject::connect(submenu, &QMenu::aboutToShow, window, [marks] {
        for (const auto& [action, chosen] : marks) action->setChecked(chosen());
    });
    return submenu;
}

}  // namespace quibble
