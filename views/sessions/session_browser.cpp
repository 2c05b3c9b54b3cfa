#include "views/sessions/session_browser.h"

#include <functional>
#include <utility>

#include <QHBoxLayout>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QTimer>
#include <QTreeView>
#include <QVBoxLayout>

#include "views/sessions/session_delegate.h"
#include "views/sessions/session_model.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

// Keys mean something only while no name is being edited; then they belong to the editor, whose unused keys come by
// here.
class SessionTree : public QTreeView {
public:
    using QTreeView::QTreeView;
    std::function<bool(const QKeyEvent&)> on_key;
    std::function<void(const QModelIndex&)> on_tooltip;

protected:
    void keyPressEvent(QKeyEvent* event) override {
        if (state() != EditingState && on_key && on_key(*event)) return;
        QTreeView::keyPressEvent(event);
    }
    // Tab keeps a name as Return does; it does not go on to the next row's.
    void closeEditor(QWidget* editor, QAbstractItemDelegate::EndEditHint hint) override {
        const bool goes_on =
            hint == QAbstractItemDelegate::EditNextItem || hint == QAbstractItemDelegate::EditPreviousItem;
        QTreeView::closeEditor(editor, goes_on ? QAbstractItemDelegate::NoHint : hint);
    }
    bool viewportEvent(QEvent* event) override {
        if (event->type() == QEvent::ToolTip && on_tooltip) on_tooltip(indexAt(static_cast<QHelpEvent*>(event)->pos()));
        return QTreeView::viewportEvent(event);
    }
};

SessionBrowser::SessionBrowser(QWidget* parent)
    : View(tr("Sessions"), parent),
      model_(new SessionModel(this)),
      filter_(new QSortFilterProxyModel(this)),
      search_(new QLineEdit(this)),
      tree_(new SessionTree(this)),
      empty_(makeCaption(tr("Runs you start are kept here."), this)),
      undo_bar_(new QWidget(this)),
      undo_label_(new QLabel(undo_bar_)),
      undo_timer_(new QTimer(this)) {
    filter_->setSourceModel(model_);
    filter_->setFilterRole(SessionModel::SearchRole);
    filter_->setFilterCaseSensitivity(Qt::CaseInsensitive);
    filter_->setRecursiveFilteringEnabled(true);
    filter_->setAutoAcceptChildRows(true);
    buildLayout();

    connect(search_, &QLineEdit::textChanged, this, [this](const QString& text) {
        filter_->setFilterFixedString(text);
        openAllRows();
        updateFigures();
        emit searchChanged(text);
    });
    connectTree();
    undo_timer_->setSingleShot(true);
    undo_timer_->setInterval(kUndoMs);
    connect(undo_timer_, &QTimer::timeout, this, &SessionBrowser::dismissUndo);
    updateFigures();
}

SessionBrowser::~SessionBrowser() = default;

void SessionBrowser::connectTree() {
    connect(tree_, &QTreeView::clicked, this, &SessionBrowser::activate);
    connect(tree_, &QTreeView::customContextMenuRequested, this, &SessionBrowser::showMenu);
    connect(model_, &SessionModel::renamed, this, [this](SessionId session, RunId run, const QString& title) {
        if (run == kNoRun)
            emit renameSessionRequested(session, title);
        else
            emit renameRunRequested(run, title);
    });
    connect(tree_, &QTreeView::expanded, this, [this](const QModelIndex& index) {
        const SessionItem* item = model_->item(filter_->mapToSource(index));
        if (item != nullptr && item->run == kNoRun) emit sessionOpened(item->session);
    });
    connect(model_, &QAbstractItemModel::rowsInserted, this, &SessionBrowser::openFirstRows);
    connect(model_, &QAbstractItemModel::rowsMoved, this,
            [this](const QModelIndex&, int first, int last, const QModelIndex& parent) {
                openFirstRows(parent, first, last);
            });
    tree_->on_key = [this](const QKeyEvent& key) { return handleKey(key); };
    tree_->on_tooltip = [this](const QModelIndex& index) {
        const SessionItem* item = model_->item(filter_->mapToSource(index));
        if (item != nullptr && item->tooltip.isEmpty() && !item->earlier) emit detailsWanted(item->session, item->run);
    };
}

QTreeView* SessionBrowser::tree() const { return tree_; }

void SessionBrowser::buildLayout() {
    const Theme& theme = Theme::instance();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(theme.em(0.4), theme.em(0.4), theme.em(0.2), theme.em(0.4));
    column->setSpacing(theme.em(0.3));
    search_->setPlaceholderText(tr("Search"));
    search_->setAccessibleName(tr("Search sessions and runs"));
    search_->setClearButtonEnabled(true);
    search_->addAction(theme.icon(QStringLiteral("search"), theme.colors().muted), QLineEdit::LeadingPosition);
    column->addWidget(search_);
    tree_->setModel(filter_);
    tree_->setItemDelegate(new SessionDelegate(this));
    tree_->setHeaderHidden(true);
    tree_->setRootIsDecorated(false);
    tree_->setIndentation(theme.em(0.7));
    tree_->setUniformRowHeights(false);
    tree_->setMouseTracking(true);
    tree_->setFrameShape(QFrame::NoFrame);
    tree_->setContextMenuPolicy(Qt::CustomContextMenu);
    tree_->setEditTriggers(QAbstractItemView::EditKeyPressed);
    tree_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    tree_->setExpandsOnDoubleClick(false);
    tree_->setAccessibleName(tr("Sessions, runs and branches"));
    column->addWidget(tree_, 1);
    empty_->setAlignment(Qt::AlignCenter);
    column->addWidget(empty_);
    undo_bar_->setObjectName(QStringLiteral("undoBar"));
    undo_bar_->setAttribute(Qt::WA_StyledBackground);
    auto* undo_row = new QHBoxLayout(undo_bar_);
    undo_row->setContentsMargins(theme.em(0.6), theme.em(0.25), theme.em(0.3), theme.em(0.25));
    auto* undo_button = new QPushButton(tr("Undo"), undo_bar_);
    undo_button->setAccessibleName(tr("Undo deletion"));
    undo_label_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    undo_row->addWidget(undo_label_, 1);
    undo_row->addWidget(undo_button);
    connect(undo_button, &QPushButton::clicked, this, &SessionBrowser::undoRequested);
    undo_bar_->setVisible(false);
    column->addWidget(undo_bar_);
    setFocusProxy(tree_);

    header_ = new QWidget(this);
    auto* header_row = new QHBoxLayout(header_);
    header_row->setContentsMargins(0, 0, 0, 0);
    header_row->setSpacing(0);
    auto* add = makeFlatButton(QStringLiteral("new"), tr("New session"), header_);
    auto* open = makeFlatButton(QStringLiteral("open"), tr("Open a session file…"), header_);
    header_row->addWidget(add);
    header_row->addWidget(open);
    connect(add, &QToolButton::clicked, this, &SessionBrowser::newSessionRequested);
    connect(open, &QToolButton::clicked, this, &SessionBrowser::importSessionRequested);
}

QWidget* SessionBrowser::headerWidget() { return header_; }

void SessionBrowser::put(const std::vector<SessionItem>& items) {
    model_->put(items);
    updateFigures();
}

void SessionBrowser::remove(SessionId session, RunId run) {
    model_->remove(session, run);
    updateFigures();
}

void SessionBrowser::setItems(const std::vector<SessionItem>& items) {
    model_->setItems(items);
    updateFigures();
}

void SessionBrowser::setMoreSessions(bool more) {
    model_->setMoreSessions(more);
    updateFigures();
}

// The first rows under a row open it; a row that the user has closed stays closed.
void SessionBrowser::openFirstRows(const QModelIndex& parent, int first, int last) {
    if (parent.isValid() && model_->rowCount(parent) == last - first + 1) tree_->expand(filter_->mapFromSource(parent));
}

// Only what has been read: opening a session reads it.
void SessionBrowser::openAllRows() {
    std::vector<QModelIndex> open{{}};
    while (!open.empty()) {
        const QModelIndex parent = open.back();
        open.pop_back();
        if (parent.isValid()) tree_->expand(parent);
        for (int row = 0; row < filter_->rowCount(parent); ++row) {
            const QModelIndex index = filter_->index(row, 0, parent);
            if (filter_->rowCount(index) > 0) open.push_back(index);
        }
    }
}

void SessionBrowser::setCurrentRun(RunId run) {
    current_run_ = run;
    model_->setCurrentRun(run);
}

void SessionBrowser::select(SessionId session, RunId run) {
    const QModelIndex index =
        filter_->mapFromSource(run == kNoRun ? model_->indexOfSession(session) : model_->indexOfRun(run));
    if (!index.isValid()) return;
    tree_->setCurrentIndex(index);
    tree_->scrollTo(index);
}

const SessionItem* SessionBrowser::selected() const {
    return model_->item(filter_->mapToSource(tree_->currentIndex()));
}
QString SessionBrowser::searched() const { return search_->text().trimmed(); }

void SessionBrowser::activate(const QModelIndex& index) {
    const SessionItem* item = model_->item(filter_->mapToSource(index));
    if (item == nullptr) return;
    const SessionItem row = *item;  // what follows may take it away
    if (row.earlier) {
        emit earlierRunsRequested(row.session);
    } else if (row.run != kNoRun) {
        emit runActivated(row.run);
    } else {
        tree_->setExpanded(index, !tree_->isExpanded(index));
        emit sessionActivated(row.session);
    }
}

void SessionBrowser::showMenu(const QPoint& point) {
    const QModelIndex index = tree_->indexAt(point);
    const SessionItem* item = model_->item(filter_->mapToSource(index));
    QMenu menu(this);
    menu.addAction(tr("New session"), this, &SessionBrowser::newSessionRequested);
    menu.addAction(tr("Open a session file…"), this, &SessionBrowser::importSessionRequested);
    if (item != nullptr && !item->earlier) {
        const SessionItem row = *item;  // the menu may outlive the model row
        menu.addSeparator();
        if (row.run != kNoRun) menu.addAction(tr("Show"), this, [this, row] { emit runActivated(row.run); });
        menu.addAction(tr("Save session as a file…"), this, [this, row] { emit exportSessionRequested(row.session); });
        menu.addAction(tr("Rename"), this, [this, index = QPersistentModelIndex(index)] { tree_->edit(index); })
            ->setShortcut(QKeySequence(Qt::Key_F2));
        menu.addAction(tr("Delete"), this, [this, row] { requestDelete(row.session, row.run); })
            ->setShortcut(QKeySequence::Delete);
    }
    menu.exec(tree_->viewport()->mapToGlobal(point));
}

bool SessionBrowser::handleKey(const QKeyEvent& key) {
    const SessionItem* item = selected();
    if (item == nullptr) return false;
    if (key.key() == Qt::Key_Return || key.key() == Qt::Key_Enter) {
        activate(tree_->currentIndex());
        return true;
    }
    if (key.matches(QKeySequence::Delete) && !item->earlier) {
        requestDelete(item->session, item->run);
        return true;
    }
    return false;
}

void SessionBrowser::requestDelete(SessionId session, RunId run) {
    if (!(run == kNoRun ? model_->indexOfSession(session) : model_->indexOfRun(run)).isValid()) return;
    if (run == kNoRun)
        emit deleteSessionRequested(session);
    else
        emit deleteRunRequested(run);
}

void SessionBrowser::offerUndo(const QString& title) {
    undo_label_->setText(tr("Deleted “%1”").arg(title));
    undo_bar_->setVisible(true);
    undo_timer_->start();
}

void SessionBrowser::dismissUndo() {
    undo_timer_->stop();
    undo_bar_->setVisible(false);
}

void SessionBrowser::updateFigures() {
    const int sessions = model_->sessionCount();
    if (model_->moreSessions())
        setFigures(tr("over %L1").arg(sessions));
    else
        setFigures(sessions > 1 ? tr("%n", nullptr, sessions) : QString());
    empty_->setVisible(filter_->rowCount() == 0);
    empty_->setText(search_->text().isEmpty() ? tr("Runs you start are kept here.")
                                              : tr("Nothing matches “%1”.").arg(search_->text()));
}

}  // namespace quibble
