// Menus and their actions, from tables. What an action does is a call that the window gives; what is not done is not in
// a menu.
#pragma once

#include <functional>
#include <vector>

#include <QKeySequence>
#include <QObject>
#include <QString>

class QAction;
class QActionGroup;
class QMainWindow;
class QMenu;

namespace quibble {

struct ActionSpec {
    const char* name = "";  // objectName; empty: a separator
    QString text;
    QList<QKeySequence> shortcuts;
    std::function<void()> act;
    QString tip;  // empty: the text
};

/// Makes the actions, adds them to the menu and to the window, so that their shortcuts work everywhere in it.
void addMenuActions(QMainWindow* window, QMenu* menu, const std::vector<ActionSpec>& specs);

struct ChoiceSpec {
    const char* name = "";
    QString text;
    std::function<bool()> chosen;  // asked when the menu opens
    std::function<void()> choose;
    QKeySequence shortcut;
};

/// A submenu of checkable actions of which one is on.
QMenu* addMenuChoices(QMainWindow* window, QMenu* menu, const QString& title, const std::vector<ChoiceSpec>& specs);

}  // namespace quibble
