#include "views/shortcut_sheet.h"

#include <QAction>
#include <QHeaderView>
#include <QLineEdit>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "views/actions.h"
#include "views/theme.h"

namespace quibble {

namespace {

struct Gesture {
    const char* keys;
    const char* what;
};

const Gesture kStreamKeys[] = {
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Left, Right"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Previous, next token")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Shift+arrows, drag"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Select a range")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Ctrl+Left, Ctrl+Right"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Previous, next sentence")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Home, End"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "First token, live end")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "N, P"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Next, previous marker")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "U, Shift+U"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Next, previous uncertain token (entropy from ln 2 nat)")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "I, Shift+I"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Next, previous intervention of the penalty")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Enter, double click"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Inspect the token")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Ctrl+F, F3"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Find, find next")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Ctrl+C, Ctrl+Shift+C"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Copy text, copy with numbers")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Esc"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Clear the selection")},
};

const Gesture kPlotKeys[] = {
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Wheel, + and −"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Zoom")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Drag, Shift+wheel, Page Up and Down"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Pan")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Double click, F"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Fit everything")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Click, Left, Right"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Choose a token")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Shift+drag"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Select a range")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "End"), QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Jump to live")},
};

const Gesture kOtherKeys[] = {
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Up, Down, Enter"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Inspector: choose an alternative, branch from it")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "F2, Del, Ctrl+Z"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Sessions: rename, delete, undo")},
    {QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Ctrl+Enter"),
     QT_TRANSLATE_NOOP("quibble::ShortcutSheet", "Prompt: run")},
};

}  // namespace

ShortcutSheet::ShortcutSheet(QWidget* window)
    : QDialog(window), window_(window), edit_(new QLineEdit(this)), tree_(new QTreeWidget(this)) {
    setWindowTitle(tr("Keyboard and mouse"));
    auto* column = new QVBoxLayout(this);
    edit_->setPlaceholderText(tr("Search"));
    edit_->setAccessibleName(tr("Search shortcuts"));
    edit_->setClearButtonEnabled(true);
    column->addWidget(edit_);
    tree_->setColumnCount(2);
    tree_->setHeaderLabels({tr("Command"), tr("Keys")});
    tree_->setRootIsDecorated(false);
    tree_->setAccessibleName(tr("Shortcuts"));
    tree_->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    tree_->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    tree_->header()->setStretchLastSection(false);
    column->addWidget(tree_);
    connect(edit_, &QLineEdit::textChanged, this, &ShortcutSheet::filter);
    resize(Theme::instance().em(36), Theme::instance().em(30));
}

void ShortcutSheet::open() {
    collect();
    edit_->clear();
    QDialog::open();
    edit_->setFocus();
}

void ShortcutSheet::collect() {
    tree_->clear();
    const auto section = [this](const QString& title) {
        auto* item = new QTreeWidgetItem(tree_, {title});
        item->setFont(0, Theme::instance().titleFont());
        item->setForeground(0, Theme::instance().colors().muted);
        item->setFirstColumnSpanned(true);
        item->setFlags(Qt::ItemIsEnabled);
        return item;
    };
    auto* window = section(tr("Window"));
    for (const QAction* action : windowActions(window_)) {
        QStringList keys;
        for (const QKeySequence& sequence : action->shortcuts()) keys << sequence.toString(QKeySequence::NativeText);
        if (!keys.isEmpty()) new QTreeWidgetItem(window, {actionText(action), keys.join(QStringLiteral(", "))});
    }
    const auto gestures = [&](const QString& title, const auto& table) {
        auto* parent = section(title);
        for (const Gesture& gesture : table) new QTreeWidgetItem(parent, {tr(gesture.what), tr(gesture.keys)});
    };
    gestures(tr("Token stream"), kStreamKeys);
    gestures(tr("Traces"), kPlotKeys);
    gestures(tr("Other panels"), kOtherKeys);
    tree_->expandAll();
}

void ShortcutSheet::filter(const QString& text) {
    for (int i = 0; i < tree_->topLevelItemCount(); ++i) {
        QTreeWidgetItem* section = tree_->topLevelItem(i);
        bool any = false;
        for (int j = 0; j < section->childCount(); ++j) {
            QTreeWidgetItem* row = section->child(j);
            const bool matches =
                row->text(0).contains(text, Qt::CaseInsensitive) || row->text(1).contains(text, Qt::CaseInsensitive);
            row->setHidden(!matches);
            any = any || matches;
        }
        section->setHidden(!any);
    }
}

}  // namespace quibble
