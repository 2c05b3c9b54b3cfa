#include "views/sessions/session_browser.h"

#include <set>

#include <QHBoxLayout>
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

SessionBrowser::SessionBrowser(QWidget* parent)
    : View(tr("Sessions"), parent),
      model_(new SessionModel(this)),
      filter_(new QSortFilterProxyModel(this)),
      search_(new QLineEdit(this)),
      tree_(new QTreeView(this)),
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
        tree_->expandAll();
        updateFigures();
    });
    connect(tree_, &QTreeView::clicked, this, &SessionBrowser::activate);
    connect(tree_, &QTreeView::customContextMenuRequested, this, &SessionBrowser::showMenu);
    connect(model_, &SessionModel::renamed, this, [this](SessionId session, RunId run, const QString& title) {
        if (run == kNoRun) emit renameSessionRequested(session, title);
        else emit renameRunRequested(run, title);
    });
    undo_timer_->setSingleShot(true);
    undo_timer_->setInterval(kUndoMs);
    connect(undo_timer_, &QTimer::timeout, this, &SessionBrowser::commitDelete);
    updateFigures();
}

SessionBrowser::~SessionBrowser() = default;

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
    tree_->installEventFilter(this);
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
    connect(undo_button, &QPushButton::clicked, this, &SessionBrowser::undoDelete);
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

void SessionBrowser::setItems(std::vector<SessionItem> items) {
    // Expansion is kept by identity; what is new starts open.
    std::set<std::int64_t> closed;
    for (int row = 0; row < filter_->rowCount(); ++row) {
        const QModelIndex index = filter_->index(row, 0);
        const SessionItem* item = model_->item(filter_->mapToSource(index));
        if (item != nullptr && item->run == kNoRun && !tree_->isExpanded(index)) closed.insert(raw(item->session));
    }
    model_->setItems(std::move(items));
    tree_->expandAll();
    for (int row = 0; row < filter_->rowCount(); ++row) {
        const QModelIndex index = filter_->index(row, 0);
        const SessionItem* item = model_->item(filter_->mapToSource(index));
        if (item != nullptr && item->run == kNoRun && closed.count(raw(item->session)) == 1) tree_->collapse(index);
    }
    selectCurrentRow();
    updateFigures();
}

void SessionBrowser::setCurrentRun(RunId run) {
    current_run_ = run;
    model_->setCurrentRun(run);
    selectCurrentRow();
}

void SessionBrowser::selectCurrentRow() {
    const QModelIndex index = filter_->mapFromSource(model_->indexOfRun(current_run_));
    if (!index.isValid()) return;
    tree_->setCurrentIndex(index);
    tree_->scrollTo(index);
}

void SessionBrowser::activate(const QModelIndex& index) {
    const SessionItem* item = model_->item(filter_->mapToSource(index));
    if (item == nullptr) return;
    if (item->run != kNoRun) {
        emit runActivated(item->run);
    } else {
        tree_->setExpanded(index, !tree_->isExpanded(index));
        emit sessionActivated(item->session);
    }
}

void SessionBrowser::showMenu(const QPoint& point) {
    const QModelIndex index = tree_->indexAt(point);
    const SessionItem* item = model_->item(filter_->mapToSource(index));
    QMenu menu(this);
    menu.addAction(tr("New session"), this, &SessionBrowser::newSessionRequested);
    menu.addAction(tr("Open a session file…"), this, &SessionBrowser::importSessionRequested);
    if (item != nullptr) {
        const SessionItem row = *item;  // the menu may outlive the model row
        menu.addSeparator();
        if (row.run != kNoRun) menu.addAction(tr("Show"), this, [this, row] { emit runActivated(row.run); });
        menu.addAction(tr("Save session as a file…"), this, [this, row] { emit exportSessionRequested(row.session); });
        menu.addAction(tr("Rename"), this, [this, index = QPersistentModelIndex(index)] { tree_->edit(index); })->setShortcut(QKeySequence(Qt::Key_F2));
        menu.addAction(tr("Delete"), this, [this, row] { requestDelete(row.session, row.run); })->setShortcut(QKeySequence::Delete);
    }
    menu.exec(tree_->viewport()->mapToGlobal(point));
}

bool SessionBrowser::eventFilter(QObject* watched, QEvent* event) {
    if (watched == tree_ && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const SessionItem* item = model_->item(filter_->mapToSource(tree_->currentIndex()));
        if (key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) {
            activate(tree_->currentIndex());
            return true;
        }
        if (key->matches(QKeySequence::Delete) && item != nullptr) {
            const SessionItem row = *item;
            requestDelete(row.session, row.run);
            return true;
        }
        if (key->matches(QKeySequence::Undo) && pending_) {
            undoDelete();
            return true;
        }
    }
    return View::eventFilter(watched, event);
}

void SessionBrowser::requestDelete(SessionId session, RunId run) {
    commitDelete();
    const SessionItem* item = model_->item(run == kNoRun ? model_->indexOfSession(session) : model_->indexOfRun(run));
    if (item == nullptr) return;
    undo_label_->setText(tr("Deleted “%1”").arg(item->title));
    pending_ = Pending{session, run};
    model_->setHidden(session, run);
    tree_->expandAll();
    undo_bar_->setVisible(true);
    undo_timer_->start();
    updateFigures();
}

void SessionBrowser::undoDelete() {
    if (!pending_) return;
    pending_.reset();
    undo_timer_->stop();
    undo_bar_->setVisible(false);
    model_->setHidden(kNoSession, kNoRun);
    tree_->expandAll();
    selectCurrentRow();
    updateFigures();
}

void SessionBrowser::commitDelete() {
    if (!pending_) return;
    const Pending pending = *pending_;
    pending_.reset();
    undo_timer_->stop();
    undo_bar_->setVisible(false);
    // The row stays hidden: the controller answers with the rows that are left.
    if (pending.run == kNoRun) emit deleteSessionRequested(pending.session);
    else emit deleteRunRequested(pending.run);
}

void SessionBrowser::updateFigures() {
    const int sessions = model_->sessionCount();
    setFigures(sessions > 1 ? tr("%n", nullptr, sessions) : QString());
    empty_->setVisible(filter_->rowCount() == 0);
    empty_->setText(search_->text().isEmpty() ? tr("Runs you start are kept here.") : tr("Nothing matches “%1”.").arg(search_->text()));
}

}  // namespace quibble
