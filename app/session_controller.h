// The database behind the session browser: opens it, lists, loads, renames, deletes with undo, exports and imports. One connection,
// used on the UI thread only; writing runs is StoreWriter's.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <QObject>

#include "data/store/store.h"
#include "views/qt_ids.h"

class QAction;

namespace quibble {

class SessionBrowser;

class SessionController : public QObject {
    Q_OBJECT
public:
    explicit SessionController(SessionBrowser* browser, QObject* parent = nullptr);
    ~SessionController() override;

    /// Opens a database; one that another window writes is opened for reading, and blocked() says so.
    void open(const std::filesystem::path& path);
    [[nodiscard]] const Store* store() const { return store_.get(); }
    /// Why nothing can be written; empty: it can.
    [[nodiscard]] QString blocked() const { return blocked_; }
    [[nodiscard]] SessionId currentSession() const { return current_; }
    /// Where a run goes. A branch goes to its parent's session. Other runs go to the current session, but a session that carries the
    /// name of its prompt holds the runs of that prompt only: another prompt begins a session of its own.
    [[nodiscard]] Result<SessionId> sessionFor(const RunRequest& request);
    void nameRun(RunId run, const QString& title);

    /// The session that was used last, with its newest run. False: the database has no run.
    bool openLast();
    void openRun(RunId run);
    void refresh();
    /// The run the window shows and the one that is going on.
    void setShownRun(RunId run);
    void setLiveRun(RunId run);

    [[nodiscard]] Result<void> exportSession(SessionId session, const std::filesystem::path& path);
    void importSession(const std::filesystem::path& path);
    [[nodiscard]] QAction* undoAction() const { return undo_; }
    [[nodiscard]] QString sessionName(SessionId session) const;

public slots:
    void newSession();
    void undoDelete();

signals:
    void opened();  // blocked() says whether runs can be kept
    void runLoaded(const quibble::RunTrace& trace, quibble::RunId run);
    void liveRunWanted();
    void shownRunDeleted();
    void exportWanted(quibble::SessionId session);
    void importWanted();
    void imported(const QString& name);
    void failed(const quibble::Error& error);

private:
    struct Deleted {
        SessionId session = kNoSession;
        RunId run = kNoRun;
    };
    void connectBrowser(SessionBrowser* browser);
    void openSession(SessionId session);
    void deleteRun(RunId run);
    void deleteSession(SessionId session);
    void makeCurrent(SessionId session);
    /// Emits failed() and gives false on an error.
    bool ok(const Result<void>& result);
    void updateUndo();

    SessionBrowser* browser_;
    QAction* undo_;
    std::unique_ptr<Store> store_;
    QString blocked_;
    SessionId current_ = kNoSession;
    RunId shown_ = kNoRun;
    RunId live_ = kNoRun;
    std::vector<Deleted> deleted_;
};

}  // namespace quibble
