#include "views/command_palette.h"

#include <QAction>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMenu>
#include <QPainter>
#include <QPointer>
#include <QSortFilterProxyModel>
#include <QStandardItemModel>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include "views/actions.h"
#include "views/text_shaping.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

enum Role { ActionRole = Qt::UserRole + 1, KeysRole };

// Every word that was typed must occur, in any order.
class WordFilter : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;
    void setWords(const QString& text) {
        words_ = text.split(QLatin1Char(' '), Qt::SkipEmptyParts);
        invalidateFilter();
    }

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override {
        const QString text = sourceModel()->index(row, 0, parent).data().toString();
        return std::all_of(words_.begin(), words_.end(),
                           [&text](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
    }

private:
    QStringList words_;
};

class CommandDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {Theme::instance().em(10), Theme::instance().em(1.7)};
    }
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
        const Theme& theme = Theme::instance();
        const bool enabled = index.flags() & Qt::ItemIsEnabled;
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        if (option.state & QStyle::State_Selected) {
            painter->setPen(Qt::NoPen);
            painter->setBrush(theme.colors().accent_soft);
            painter->drawRoundedRect(option.rect.adjusted(2, 1, -2, -1), 4, 4);
        }
        const QRect text = option.rect.adjusted(theme.em(0.6), 0, -theme.em(0.6), 0);
        const QString name = index.data().toString();
        painter->setFont(asItIs(theme.uiFont(), name));
        painter->setPen(enabled ? theme.colors().text : theme.colors().muted);
        painter->drawText(text, Qt::AlignVCenter | Qt::AlignLeft, name);
        painter->setFont(theme.smallFont());
        painter->setPen(theme.colors().muted);
        painter->drawText(text, Qt::AlignVCenter | Qt::AlignRight,
                          enabled ? index.data(KeysRole).toString() : CommandPalette::tr("not available now"));
        painter->restore();
    }
};

}  // namespace

std::vector<QAction*> windowActions(const QWidget* window) {
    std::vector<QAction*> actions;
    QStringList seen;
    for (QAction* action : window->findChildren<QAction*>()) {
        const QString text = actionText(action);
        // Actions without a text are separators; those of line edits and of menus that pop up inside views are not
        // commands.
        const bool of_field = qobject_cast<QLineEdit*>(action->parent()) != nullptr;
        if (text.isEmpty() || action->isSeparator() || action->menu() != nullptr || of_field || !action->isVisible())
            continue;
        const QString key = text + action->shortcut().toString();
        if (seen.contains(key)) continue;
        seen << key;
        actions.push_back(action);
    }
    return actions;
}

QString actionText(const QAction* action) {
    QString text = action->text();
    text.remove(QLatin1Char('&'));
    const QString choice_of = action->property("choice_of").toString();  // "Units" of "Bits"
    return choice_of.isEmpty() ? text.trimmed() : QStringLiteral("%1: %2").arg(choice_of, text.trimmed());
}

CommandPalette::CommandPalette(QWidget* window)
    : QDialog(window, Qt::Popup | Qt::FramelessWindowHint),
      window_(window),
      edit_(new QLineEdit(this)),
      list_(new QListView(this)),
      model_(new QStandardItemModel(this)),
      filter_(new WordFilter(this)) {
    setObjectName(QStringLiteral("popup"));
    setAccessibleName(tr("Command palette"));
    const Theme& theme = Theme::instance();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(theme.em(0.5), theme.em(0.5), theme.em(0.5), theme.em(0.5));
    edit_->setPlaceholderText(tr("Type a command"));
    edit_->setAccessibleName(tr("Command"));
    column->addWidget(edit_);
    list_->setFrameShape(QFrame::NoFrame);
    list_->setUniformItemSizes(true);
    list_->setItemDelegate(new CommandDelegate(this));
    list_->setAccessibleName(tr("Commands"));
    list_->setFocusPolicy(Qt::NoFocus);
    column->addWidget(list_);
    filter_->setSourceModel(model_);
    list_->setModel(filter_);
    connect(edit_, &QLineEdit::textChanged, this, [this](const QString& text) {
        static_cast<WordFilter*>(filter_)->setWords(text);
        list_->setCurrentIndex(filter_->index(0, 0));
    });
    connect(list_, &QListView::clicked, this, &CommandPalette::trigger);
    edit_->installEventFilter(this);
}

void CommandPalette::collect() {
    model_->clear();
    std::vector<QStandardItem*> disabled;
    for (QAction* action : windowActions(window_)) {
        auto* item = new QStandardItem(actionText(action));
        item->setData(QVariant::fromValue(QPointer<QAction>(action)), ActionRole);
        item->setData(action->shortcut().toString(QKeySequence::NativeText), KeysRole);
        item->setEditable(false);
        item->setEnabled(action->isEnabled());
        item->setToolTip(action->toolTip());
        if (action->isEnabled())
            model_->appendRow(item);
        else
            disabled.push_back(item);
    }
    for (QStandardItem* item : disabled) model_->appendRow(item);
}

void CommandPalette::open() {
    collect();
    edit_->clear();
    static_cast<WordFilter*>(filter_)->setWords({});
    list_->setCurrentIndex(filter_->index(0, 0));
    const Theme& theme = Theme::instance();
    resize(std::min(theme.em(34), std::max(window_->width() - 40, theme.em(16))), theme.em(20));
    move(window_->mapToGlobal(QPoint((window_->width() - width()) / 2, theme.em(3))));
    show();
    edit_->setFocus();
}

int CommandPalette::count() const { return filter_->rowCount(); }
QString CommandPalette::textOf(int row) const { return filter_->index(row, 0).data().toString(); }

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
    if (watched == edit_ && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        const int row = list_->currentIndex().row();
        const int step = key == Qt::Key_Down       ? 1
                         : key == Qt::Key_Up       ? -1
                         : key == Qt::Key_PageDown ? 8
                         : key == Qt::Key_PageUp   ? -8
                                                   : 0;
        if (step != 0 && count() > 0) {
            list_->setCurrentIndex(filter_->index(std::clamp(row + step, 0, count() - 1), 0));
            return true;
        }
        if (key == Qt::Key_Return || key == Qt::Key_Enter) {
            trigger();
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

void CommandPalette::trigger() {
    const QModelIndex index = list_->currentIndex();
    if (!index.isValid() || !(index.flags() & Qt::ItemIsEnabled)) return;
    const auto action = index.data(ActionRole).value<QPointer<QAction>>();
    hide();
    if (action) action->trigger();
}

}  // namespace quibble
