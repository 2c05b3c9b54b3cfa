// The database behind the session browser: opens it, loads, renames, deletes with undo, exports and imports. One
// connection, used on the UI thread only and for what is quickly read; what may take longer is read by StoreReader,
// files are written and taken in by FileWork, and the rows are SessionList's. Writing runs is StoreWriter's. Once a
// second it looks at the file: whether it is still there, and whether the other window that writes it is gone.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <QObject>
#include <QTimer>

#include "data/store/store.h"
#include "views/qt_ids.h"

class QAction;

namespace quibble {

class FileWork;
class SessionBrowser;
class SessionList;
class StoreReader;

class SessionController : public QObject {
    Q_OBJECT
public:
    SessionController(SessionBrowser* browser, FileWork* work, QObject* parent = nullptr);
    ~SessionController() override;

    /// Opens a database; one that another window writes is opened for reading, and blocked() says so.
    void open(const std::filesystem::path& path);
    [[nodiscard]] const Store* store() const { return store_.get(); }
    /// Why no run can be kept, and what to do about it; empty: they can.
    [[nodiscard]] QString blocked() const { return blocked_; }
    [[nodiscard]] QString blockedHint() const { return blocked_hint_; }
    /// The open file was moved, replaced or removed; what is written goes on into it, wherever it is. New runs are
    /// blocked.
    [[nodiscard]] bool displaced() const { return displaced_; }
    [[nodiscard]] SessionId currentSession() const { return current_; }
    /// Where a run goes. A branch goes to its parent's session. Other runs go to the current session, but a session
    /// that carries the name of its prompt holds the runs of that prompt only: another prompt begins a session of its
    /// own. Errors: those of the store; Cancelled where blocked() says why already.
    [[nodiscard]] Result<SessionId> sessionFor(const RunRequest& request);
    void nameRun(RunId run, const QString& title);
    /// A run that sessionFor() made a session for did not begin: a session without runs that was made for it goes.
    void dropSession(SessionId session);

    /// The session that was used last, with its newest run: what that run was asked for. Empty: the database has no
    /// run.
    std::optional<RunRequest> openLast();
    /// Shows a run: a short one at once, a long one when it has been read.
    void openRun(RunId run);
    /// What the list says of a run is not up to date any more.
    void runChanged(RunId run);
    void runRegraded(RunId run);
    /// Runs of a session that are made beside the one that the window follows have begun or ended.
    void runsWritten(SessionId session, const std::vector<RunId>& runs);
    /// The run the window shows and the one that is going on.
    void setShownRun(RunId run);
    void setLiveRun(RunId run);

    /// exported() or exportFailed() follows.
    void exportSession(SessionId session, const std::filesystem::path& path);
    /// imported() or failed() follows. The session is shown unless the user has asked for something else meanwhile.
    void importSession(const std::filesystem::path& path);
    /// A session is being taken in: the database stays open until that is over.
    [[nodiscard]] bool importing() const { return imports_ > 0; }
    /// Everything as a new database file: copySaved() or exportFailed() follows.
    void saveCopy(const std::filesystem::path& path);
    [[nodiscard]] QAction* undoAction() const { return undo_; }
    [[nodiscard]] QString sessionName(SessionId session) const;

public slots:
    void newSession();
    void undoDelete();

signals:
    void opened();  // blocked() says whether runs can be kept; also when that changes by itself
    void displacedChanged();
    void recovered(
        const std::vector<quibble::RecoveredRun>& runs);  // an earlier process was killed while it wrote them
    void exported(const QString& path);
    void exportFailed(const quibble::Error& error);
    void copySaved(const QString& path);
    void runLoaded(const std::shared_ptr<const quibble::RunTrace>& trace, quibble::RunId run);
    void runReloaded(const std::shared_ptr<const quibble::RunTrace>& trace,
                     quibble::RunId run);  // the shown run, which another process has ended
    void liveRunWanted();
    void shownRunDeleted();
    void exportWanted(quibble::SessionId session);
    void importWanted();
    void imported(const QString& name);
    void failed(const quibble::Error& error);

private:
    struct Deleted {
        SessionId session = kNoSession;
        RunId run = kNoRun;    // kNoRun: the session
        RunId shown = kNoRun;  // the window showed this one, which went with it
    };
    void connectBrowser(SessionBrowser* browser);
    void openSession(SessionId session);
    void deleteRun(RunId run);
    void deleteSession(SessionId session);
    void makeCurrent(SessionId session);
    void adopt(std::unique_ptr<Store> store);
    void look();
    void search();
    void show(const std::shared_ptr<const RunTrace>& trace, RunId run);
    void showImported(SessionId session, bool open);
    void reloadShown();
    using OnTrace = std::function<void(const Result<std::shared_ptr<const RunTrace>>& trace)>;
    void readTrace(RunId run, OnTrace read);
    RunId forgetShown();
    /// Emits failed() and gives false on an error.
    bool ok(const Result<void>& result);
    void updateUndo();

    SessionBrowser* browser_;
    FileWork* work_;
    SessionList* list_;
    QAction* undo_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<StoreReader> reader_;  // of the same file
    QTimer look_timer_, search_timer_;
    QString blocked_, blocked_hint_;
    bool writer_elsewhere_ = false;  // another window writes the file
    bool displaced_ = false;
    std::int64_t seen_version_ = 0;  // of the data, as another process changes them
    SessionId current_ = kNoSession;
    std::pair<SessionId, std::string> made_;  // the session that was made last, and the prompt that it was made for
    RunId shown_ = kNoRun;
    bool shown_running_ = false;  // when it was read, somebody else than the window's runner was writing it
    RunId live_ = kNoRun;
    std::uint64_t wanted_ = 0;  // number of the last call of openRun
    std::vector<Deleted> deleted_;
    int imports_ = 0;  // that are going on
};

}  // namespace quibble
