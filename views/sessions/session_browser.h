// Sessions, their runs and the branches of the runs: search, open, rename in place, delete with undo.
#pragma once

#include <optional>
#include <vector>

#include "views/sessions/session_items.h"
#include "views/view.h"

class QLabel;
class QLineEdit;
class QModelIndex;
class QSortFilterProxyModel;
class QTimer;
class QTreeView;

namespace quibble {

class SessionModel;

class SessionBrowser : public View {
    Q_OBJECT
public:
    explicit SessionBrowser(QWidget* parent = nullptr);
    ~SessionBrowser() override;

    /// Replaces the rows; what was open, selected and pending deletion stays so.
    void setItems(std::vector<SessionItem> items);
    /// The run that the window shows.
    void setCurrentRun(RunId run);
    [[nodiscard]] RunId currentRun() const { return current_run_; }
    [[nodiscard]] QWidget* headerWidget() override;
    [[nodiscard]] QTreeView* tree() const { return tree_; }
    [[nodiscard]] QLineEdit* searchBox() const { return search_; }
    [[nodiscard]] SessionModel* model() const { return model_; }

    /// Delete is asked for: the row hides, an undo bar shows for `kUndoMs`, then deleteRunRequested is emitted.
    void requestDelete(SessionId session, RunId run);
    static constexpr int kUndoMs = 8000;

public slots:
    void undoDelete();
    /// Emits the pending deletion now; call it before the window closes.
    void commitDelete();

signals:
    void runActivated(quibble::RunId run);
    void sessionActivated(quibble::SessionId session);
    void renameRunRequested(quibble::RunId run, const QString& title);
    void renameSessionRequested(quibble::SessionId session, const QString& title);
    void deleteRunRequested(quibble::RunId run);          // with its branches
    void deleteSessionRequested(quibble::SessionId session);
    void newSessionRequested();
    void exportSessionRequested(quibble::SessionId session);
    void importSessionRequested();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void buildLayout();
    void activate(const QModelIndex& index);
    void showMenu(const QPoint& point);
    void selectCurrentRow();
    void updateFigures();

    SessionModel* model_;
    QSortFilterProxyModel* filter_;
    QLineEdit* search_;
    QTreeView* tree_;
    QLabel* empty_;
    QWidget* undo_bar_;
    QLabel* undo_label_;
    QTimer* undo_timer_;
    QWidget* header_ = nullptr;
    RunId current_run_ = kNoRun;
    struct Pending {
        SessionId session = kNoSession;
        RunId run = kNoRun;
    };
    std::optional<Pending> pending_;
};

}  // namespace quibble
