// Sessions, their runs and the branches of the runs: search, open, rename in place, delete with undo.
#pragma once

#include <vector>

#include "views/sessions/session_items.h"
#include "views/view.h"

class QKeyEvent;
class QLabel;
class QLineEdit;
class QModelIndex;
class QSortFilterProxyModel;
class QTimer;
class QTreeView;

namespace quibble {

class SessionModel;
class SessionTree;

class SessionBrowser : public View {
    Q_OBJECT
public:
    explicit SessionBrowser(QWidget* parent = nullptr);
    ~SessionBrowser() override;

    /// Rows come, change and go one by one: what is open, selected or being edited stays so (SessionModel).
    void put(const std::vector<SessionItem>& items);
    void remove(SessionId session, RunId run);
    void setItems(const std::vector<SessionItem>& items);
    void setMoreSessions(bool more);
    /// The run that the window shows. It is marked; what is selected stays.
    void setCurrentRun(RunId run);
    /// Makes a row the one that keys act on, and shows it; kNoRun: the session's.
    void select(SessionId session, RunId run);
    [[nodiscard]] RunId currentRun() const { return current_run_; }
    [[nodiscard]] QWidget* headerWidget() override;
    [[nodiscard]] QTreeView* tree() const;
    [[nodiscard]] QLineEdit* searchBox() const { return search_; }
    [[nodiscard]] SessionModel* model() const { return model_; }

    /// The row that Delete and F2 act on; nullptr: none.
    [[nodiscard]] const SessionItem* selected() const;
    /// What was typed into the search box.
    [[nodiscard]] QString searched() const;

    /// Emits deleteRunRequested or deleteSessionRequested, if there is such a row.
    void requestDelete(SessionId session, RunId run);
    /// What was deleted can be brought back: a bar says so for `kUndoMs`.
    void offerUndo(const QString& title);
    void dismissUndo();
    static constexpr int kUndoMs = 8000;

signals:
    void runActivated(quibble::RunId run);
    void sessionActivated(quibble::SessionId session);
    void renameRunRequested(quibble::RunId run, const QString& title);
    void renameSessionRequested(quibble::SessionId session, const QString& title);
    void deleteRunRequested(quibble::RunId run);  // with its branches
    void deleteSessionRequested(quibble::SessionId session);
    void newSessionRequested();
    void exportSessionRequested(quibble::SessionId session);
    void importSessionRequested();
    void undoRequested();
    void sessionOpened(quibble::SessionId session);  // its rows are in sight
    void earlierRunsRequested(quibble::SessionId session);
    /// The tooltip of a row is to be shown and is not known: whoever hears it gives it to model()->setTooltip at once.
    void detailsWanted(quibble::SessionId session, quibble::RunId run);
    void searchChanged(const QString& text);

private:
    void buildLayout();
    void connectTree();
    void activate(const QModelIndex& index);
    [[nodiscard]] bool handleKey(const QKeyEvent& key);
    void showMenu(const QPoint& point);
    void openFirstRows(const QModelIndex& parent, int first, int last);
    void openAllRows();
    void updateFigures();

    SessionModel* model_;
    QSortFilterProxyModel* filter_;
    QLineEdit* search_;
    SessionTree* tree_;
    QLabel* empty_;
    QWidget* undo_bar_;
    QLabel* undo_label_;
    QTimer* undo_timer_;
    QWidget* header_ = nullptr;
    RunId current_run_ = kNoRun;
};

}  // namespace quibble
