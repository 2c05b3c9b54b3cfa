// Keeps the rows of the session browser in step with the store. Rows are read in pages: a session's newest runs when it
// is opened, older ones when they are asked for, and of several pages one in each turn of the event loop.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include <QObject>
#include <QTimer>

#include "data/store/store.h"
#include "views/qt_ids.h"

namespace quibble {

class SessionBrowser;

/// What a search found: runs with those that they hang from, and sessions with these runs or that name.
struct FoundRows {
    QString text;
    std::vector<SessionSummary> sessions;
    std::vector<RunSummary> runs;
};
/// Errors: FileCorrupt, Io. Reads all runs: for a thread that may take its time.
[[nodiscard]] Result<FoundRows> findRows(const Store& store, const QString& text);

class SessionList : public QObject {
    Q_OBJECT
public:
    explicit SessionList(SessionBrowser* browser, QObject* parent = nullptr);

    /// Shows the first sessions of another store, or nothing. The store outlives its use here.
    void setStore(const Store* store);
    /// Reads again what has been read: somebody else has written.
    void refresh();
    void putSession(SessionId session);
    /// The run with what it hangs from, and its session.
    void putRun(RunId run);
    /// Runs of one session that hang from none, and the session: many at a time.
    void putRunsOf(SessionId session, const std::vector<RunId>& runs);
    /// The run where the list has it already.
    void updateRun(RunId run);
    /// The run with all that grew from it.
    void putBranches(RunId run);
    void putFound(const FoundRows& found);
    void remove(SessionId session, RunId run);

    static constexpr int kSessionPage = 100;
    static constexpr int kRunPage = 100;
    static constexpr int kOpenRuns =
        200;  // so many runs are shown at first, those of the sessions behind them when they are opened
    static constexpr int kMostFound = 200;

signals:
    void failed(const quibble::Error& error);

private:
    void readSessions();
    void wantRuns(SessionId session);
    void readNext();
    void readNewest(SessionId session);
    void readEarlier(SessionId session);
    void putNew(SessionId session, const std::vector<RunSummary>& runs);
    void putRuns(const std::vector<RunSummary>& runs, const QString& found = {});
    void showEarlier(SessionId session, std::int64_t count);
    [[nodiscard]] bool saysModel(SessionId session);
    void fillTooltip(SessionId session, RunId run);

    SessionBrowser* browser_;
    const Store* store_ = nullptr;
    std::optional<SessionSummary> last_session_;  // the last that has been read
    std::map<SessionId, RunId> oldest_;  // of a session whose newest runs have been read: the first of its oldest page
    std::map<SessionId, bool> several_models_;
    std::deque<SessionId> wanted_;
    QTimer turn_;
};

}  // namespace quibble
