#include "app/session_controller.h"

#include <algorithm>

#include <QAction>
#include <QKeySequence>

#include "app/app_paths.h"
#include "app/database_log.h"
#include "app/run_actions.h"
#include "app/session_rows.h"
#include "views/sessions/session_browser.h"

namespace quibble {

namespace {

constexpr qsizetype kTitleLength = 44;

QString newSessionName() { return SessionController::tr("New session"); }

// The first line of a prompt, cut between words.
QString promptTitle(const std::string& prompt) {
    const QString line = QString::fromStdString(prompt).simplified();
    if (line.size() <= kTitleLength) return line;
    const qsizetype blank = line.lastIndexOf(QLatin1Char(' '), kTitleLength);
    return line.left(blank > kTitleLength / 2 ? blank : kTitleLength) + QStringLiteral("…");
}

}  // namespace

SessionController::SessionController(SessionBrowser* browser, QObject* parent)
    : QObject(parent), browser_(browser), undo_(new QAction(tr("&Undo Delete"), this)), blocked_(tr("No database is open")) {
    undo_->setObjectName(QStringLiteral("undoDelete"));
    undo_->setShortcut(QKeySequence::Undo);
    connect(undo_, &QAction::triggered, this, &SessionController::undoDelete);
    connectBrowser(browser);
    updateUndo();
}

SessionController::~SessionController() = default;

void SessionController::connectBrowser(SessionBrowser* browser) {
    connect(browser, &SessionBrowser::runActivated, this, &SessionController::openRun);
    connect(browser, &SessionBrowser::sessionActivated, this, &SessionController::openSession);
    connect(browser, &SessionBrowser::newSessionRequested, this, &SessionController::newSession);
    connect(browser, &SessionBrowser::deleteRunRequested, this, &SessionController::deleteRun);
    connect(browser, &SessionBrowser::deleteSessionRequested, this, &SessionController::deleteSession);
    connect(browser, &SessionBrowser::exportSessionRequested, this, &SessionController::exportWanted);
    connect(browser, &SessionBrowser::importSessionRequested, this, &SessionController::importWanted);
    connect(browser, &SessionBrowser::renameRunRequested, this, [this](RunId run, const QString& title) {
        if (store_ != nullptr) ok(store_->renameRun(run, title.toStdString()));
        refresh();
    });
    connect(browser, &SessionBrowser::renameSessionRequested, this, [this](SessionId session, const QString& title) {
        if (store_ != nullptr) ok(store_->renameSession(session, title.toStdString()));
        refresh();
    });
}

bool SessionController::ok(const Result<void>& result) {
    if (!result) emit failed(result.error());
    return result.has_value();
}

void SessionController::open(const std::filesystem::path& path) {
    auto store = Store::open(path);
    blocked_.clear();
    if (!store && store.error().code == ErrorCode::Busy) {
        blocked_ = tr("Another window writes this database: runs can be read here, not made");
        store = Store::open(path, OpenMode::ReadOnly);
    }
    if (!store) {
        blocked_ = tr("The database could not be opened: %1").arg(QString::fromStdString(store.error().what));
        store_.reset();
        emit failed(store.error());
    } else {
        store_ = std::move(*store);
        logOpened(*store_);
    }
    current_ = kNoSession;
    deleted_.clear();
    updateUndo();
    refresh();
    emit opened();
}

Result<SessionId> SessionController::sessionFor(const RunRequest& request) {
    if (store_ == nullptr) return fail(ErrorCode::NotFound, blocked_.toStdString());
    if (request.branch.parent != kNoRun) {
        auto summary = store_->runSummary(request.branch.parent);
        if (!summary) return tl::unexpected(summary.error());
        return summary->session;
    }
    const std::string name = promptTitle(request.prompt).toStdString();
    if (current_ != kNoSession) {
        const auto runs = store_->listRuns(current_);
        if (!runs) return tl::unexpected(runs.error());
        const std::string now = sessionName(current_).toStdString();
        if (runs->empty() && now == newSessionName().toStdString()) {
            if (auto renamed = store_->renameSession(current_, name); !renamed) return tl::unexpected(renamed.error());
        }
        const auto same = [&](const RunSummary& run) { return run.prompt == request.prompt; };
        const bool of_one_prompt = !runs->empty() && now == promptTitle(runs->front().prompt).toStdString();
        if (!of_one_prompt || std::any_of(runs->begin(), runs->end(), same)) return current_;
    }
    auto made = store_->createSession(name);
    if (made) current_ = *made;
    return made;
}

void SessionController::nameRun(RunId run, const QString& title) {
    if (store_ != nullptr) ok(store_->renameRun(run, title.toStdString()));
}

void SessionController::makeCurrent(SessionId session) {
    if (session == current_ || store_ == nullptr) return;
    current_ = session;
    if (!store_->readOnly()) ok(store_->markOpened(session));
}

bool SessionController::openLast() {
    if (store_ == nullptr) return false;
    const auto session = store_->lastSession();
    if (!session || *session == kNoSession) return false;
    current_ = *session;
    const auto runs = store_->listRuns(*session);
    if (!runs || runs->empty()) return false;
    openRun(runs->back().id);
    return true;
}

void SessionController::openSession(SessionId session) {
    if (store_ == nullptr) return;
    makeCurrent(session);
    const auto runs = store_->listRuns(session);
    if (runs && !runs->empty()) openRun(runs->back().id);
}

void SessionController::openRun(RunId run) {
    if (store_ == nullptr || run == kNoRun) return;
    if (const auto summary = store_->runSummary(run)) makeCurrent(summary->session);
    if (run == live_) return emit liveRunWanted();
    auto trace = store_->loadRun(run);
    if (!trace) return emit failed(trace.error());
    emit runLoaded(*trace, run);
}

void SessionController::refresh() {
    std::vector<SessionItem> items;
    if (store_ != nullptr) {
        const auto sessions = store_->listSessions();
        if (!sessions) return emit failed(sessions.error());
        for (const SessionSummary& session : *sessions) {
            const auto runs = store_->listRuns(session.id);
            if (!runs) return emit failed(runs.error());
            for (SessionItem& item : sessionRows(session, *runs)) items.push_back(std::move(item));
        }
    }
    browser_->setItems(std::move(items));
    browser_->setCurrentRun(shown_);
}

void SessionController::setShownRun(RunId run) {
    shown_ = run;
    browser_->setCurrentRun(run);
}

void SessionController::setLiveRun(RunId run) {
    live_ = run;
    refresh();
}

void SessionController::newSession() {
    if (store_ == nullptr || store_->readOnly()) return emit failed({ErrorCode::Busy, blocked_.toStdString(), {}});
    const auto made = store_->createSession(newSessionName().toStdString());
    if (!made) return emit failed(made.error());
    current_ = *made;
    refresh();
}

void SessionController::deleteRun(RunId run) {
    if (store_ == nullptr || !ok(store_->deleteRun(run))) return refresh();
    deleted_.push_back({kNoSession, run});
    updateUndo();
    refresh();
    // The shown run may have gone as a branch of the deleted one.
    if (shown_ != kNoRun) {
        const auto summary = store_->runSummary(shown_);
        const auto live = summary ? store_->listRuns(summary->session) : Result<std::vector<RunSummary>>(tl::unexpected(summary.error()));
        if (!live || std::none_of(live->begin(), live->end(), [this](const RunSummary& row) { return row.id == shown_; })) emit shownRunDeleted();
    }
}

void SessionController::deleteSession(SessionId session) {
    if (store_ == nullptr) return;
    const auto runs = store_->listRuns(session);
    const bool shown = runs && std::any_of(runs->begin(), runs->end(), [this](const RunSummary& row) { return row.id == shown_; });
    if (!ok(store_->deleteSession(session))) return refresh();
    deleted_.push_back({session, kNoRun});
    if (session == current_) current_ = kNoSession;
    updateUndo();
    refresh();
    if (shown) emit shownRunDeleted();
}

void SessionController::undoDelete() {
    browser_->commitDelete();  // what its undo bar still holds back is the last deletion
    if (store_ == nullptr || deleted_.empty()) return refresh();
    const Deleted last = deleted_.back();
    if (!ok(last.run != kNoRun ? store_->restoreRun(last.run) : store_->restoreSession(last.session))) return;
    deleted_.pop_back();
    updateUndo();
    refresh();
    if (last.run != kNoRun) openRun(last.run);
}

void SessionController::updateUndo() { explainAction(undo_, tr("Bring back what was deleted last"), blocked_); }

QString SessionController::sessionName(SessionId session) const {
    if (store_ == nullptr) return {};
    const auto sessions = store_->listSessions();
    if (!sessions) return {};
    for (const SessionSummary& summary : *sessions) {
        if (summary.id == session) return QString::fromStdString(summary.name);
    }
    return {};
}

Result<void> SessionController::exportSession(SessionId session, const std::filesystem::path& path) {
    if (store_ == nullptr) return fail(ErrorCode::NotFound, blocked_.toStdString());
    if (session == kNoSession) return fail(ErrorCode::NotFound, tr("There is no session to export").toStdString(), tr("Make a run first").toStdString());
    return store_->exportSession(session, path);
}

void SessionController::importSession(const std::filesystem::path& path) {
    if (store_ == nullptr || store_->readOnly()) return emit failed({ErrorCode::Busy, blocked_.toStdString(), {}});
    const auto session = store_->importSession(path);
    if (!session) return emit failed(session.error());
    refresh();
    emit imported(sessionName(*session));
    openSession(*session);
}

}  // namespace quibble
