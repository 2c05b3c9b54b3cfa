#include "app/session_controller.h"

#include <algorithm>
#include <utility>

#include <QAction>
#include <QKeySequence>

#include "app/app_paths.h"
#include "app/database_log.h"
#include "app/file_work.h"
#include "app/run_actions.h"
#include "app/session_list.h"
#include "app/store_reader.h"
#include "views/sessions/session_browser.h"

namespace quibble {

namespace {

constexpr qsizetype kTitleLength = 44;
constexpr std::int64_t kShortRun =
    2000;  // tokens that are read within a frame; more of them are read in the background
constexpr int kLookMs = 1000;
constexpr int kSearchMs = 150;

QString newSessionName() { return SessionController::tr("New session"); }

// The first line of a prompt, cut between words.
QString promptTitle(const std::string& prompt) {
    const QString line = QString::fromStdString(prompt).simplified();
    if (line.size() <= kTitleLength) return line;
    const qsizetype blank = line.lastIndexOf(QLatin1Char(' '), kTitleLength);
    return line.left(blank > kTitleLength / 2 ? blank : kTitleLength) + QStringLiteral("…");
}

}  // namespace

SessionController::SessionController(SessionBrowser* browser, FileWork* work, QObject* parent)
    : QObject(parent),
      browser_(browser),
      work_(work),
      list_(new SessionList(browser, this)),
      undo_(new QAction(tr("&Undo Delete"), this)),
      blocked_(tr("No database is open")) {
    undo_->setObjectName(QStringLiteral("undoDelete"));
    undo_->setShortcut(QKeySequence::Undo);
    connect(undo_, &QAction::triggered, this, &SessionController::undoDelete);
    connect(list_, &SessionList::failed, this, &SessionController::failed);
    connect(&look_timer_, &QTimer::timeout, this, &SessionController::look);
    look_timer_.start(kLookMs);
    search_timer_.setSingleShot(true);
    search_timer_.setInterval(kSearchMs);
    connect(&search_timer_, &QTimer::timeout, this, &SessionController::search);
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
    connect(browser, &SessionBrowser::undoRequested, this, &SessionController::undoDelete);
    connect(browser, &SessionBrowser::exportSessionRequested, this, &SessionController::exportWanted);
    connect(browser, &SessionBrowser::importSessionRequested, this, &SessionController::importWanted);
    connect(browser, &SessionBrowser::searchChanged, &search_timer_, [this] { search_timer_.start(); });
    connect(browser, &SessionBrowser::renameRunRequested, this, [this](RunId run, const QString& title) {
        if (store_ != nullptr) ok(store_->renameRun(run, title.toStdString()));
        list_->putRun(run);
    });
    connect(browser, &SessionBrowser::renameSessionRequested, this, [this](SessionId session, const QString& title) {
        if (store_ != nullptr) ok(store_->renameSession(session, title.toStdString()));
        list_->putSession(session);
    });
}

bool SessionController::ok(const Result<void>& result) {
    if (!result) emit failed(result.error());
    return result.has_value();
}

void SessionController::open(const std::filesystem::path& path) {
    auto store = Store::open(path);
    blocked_.clear();
    blocked_hint_.clear();
    writer_elsewhere_ = !store && store.error().code == ErrorCode::Busy;
    if (writer_elsewhere_) {
        blocked_ = tr("Another window writes this database: runs can be read here, not made");
        blocked_hint_ = tr("Close the other window, or keep this window's runs in another database.");
        store = Store::open(path, OpenMode::ReadOnly);
    }
    if (!store) {
        writer_elsewhere_ = false;
        blocked_ = tr("The database could not be opened: %1").arg(QString::fromStdString(store.error().what));
        blocked_hint_ = QString::fromStdString(store.error().hint);
    }
    current_ = kNoSession;
    deleted_.clear();
    adopt(store ? std::move(*store) : nullptr);
}

void SessionController::adopt(std::unique_ptr<Store> store) {
    reader_.reset();
    list_->setStore(store.get());  // before the store so far goes
    store_ = std::move(store);
    displaced_ = false;
    seen_version_ = 0;
    ++wanted_;
    browser_->dismissUndo();
    if (store_ != nullptr) {
        logOpened(*store_);
        reader_ = std::make_unique<StoreReader>(
            store_->path(), [this](const Error& error) { emit failed(error); }, nullptr);
        seen_version_ = store_->dataVersion().value_or(0);
    }
    updateUndo();
    browser_->setCurrentRun(shown_);
    emit opened();
    if (store_ != nullptr) reloadShown();
    if (store_ != nullptr && !store_->recovered().empty()) emit recovered(store_->recovered());
}

// Others may move the file, write it, or give up writing it, and none of them tells.
void SessionController::look() {
    if (store_ == nullptr) return;
    if (writer_elsewhere_) {
        if (auto store = Store::open(store_->path())) {
            writer_elsewhere_ = false;
            blocked_.clear();
            blocked_hint_.clear();
            return adopt(std::move(*store));
        }
        const auto version = store_->dataVersion();
        if (version && std::exchange(seen_version_, *version) != *version) {
            list_->refresh();
            reloadShown();
        }
    }
    const bool displaced = store_->place() == FilePlace::Elsewhere;
    if (displaced == displaced_) return;
    displaced_ = displaced;
    if (!writer_elsewhere_) {
        blocked_ = displaced ? tr("%1 was moved, replaced or removed while it was open").arg(toQString(store_->path()))
                             : QString();
        blocked_hint_ = displaced ? tr("What is shown here is still kept in the file that was opened. Put it back, or "
                                       "save a copy of everything and go on with that.")
                                  : QString();
    }
    updateUndo();
    emit displacedChanged();
}

// A run that somebody else than the window's runner was writing has ended since it was shown.
void SessionController::reloadShown() {
    if (!shown_running_ || shown_ == kNoRun || shown_ == live_) return;
    const auto summary = store_->listedRun(shown_);
    if (!summary || summary->status == RunStatus::Running) return;
    readTrace(shown_, [this, run = shown_](const auto& trace) {
        if (!trace || run != shown_ || !shown_running_) return;  // or another one is shown by now
        shown_running_ = false;
        emit runReloaded(*trace, run);
    });
}

// A short run at once, a long one when it has been read.
void SessionController::readTrace(RunId run, OnTrace read) {
    const auto load = [run](const Store& store) -> Result<std::shared_ptr<const RunTrace>> {
        auto trace = store.loadRun(run);
        if (!trace) return tl::unexpected(trace.error());
        return std::make_shared<const RunTrace>(std::move(*trace));
    };
    const auto size = store_->traceSize(run);
    if (!size) return read(tl::unexpected(size.error()));
    if (*size <= kShortRun) return read(load(*store_));
    reader_->ask([load, read = std::move(read)](const Store& store, const std::stop_token&) -> StoreReader::Answer {
        return [read, trace = load(store)] { read(trace); };
    });
}

void SessionController::search() {
    const QString text = browser_->searched();
    if (reader_ == nullptr || text.isEmpty()) return;
    reader_->ask([this, text](const Store& store, const std::stop_token&) -> StoreReader::Answer {
        auto found = findRows(store, text);
        return [this, text, found = std::move(found)] {
            if (!found)
                emit failed(found.error());
            else if (browser_->searched() == text)
                list_->putFound(*found);
        };
    });
}

Result<SessionId> SessionController::sessionFor(const RunRequest& request) {
    if (store_ == nullptr) return fail(ErrorCode::NotFound, blocked_.toStdString(), blocked_hint_.toStdString());
    look();
    if (!blocked_.isEmpty()) return fail(ErrorCode::Cancelled, blocked_.toStdString(), blocked_hint_.toStdString());
    if (request.branch.parent != kNoRun) {
        auto summary = store_->runSummary(request.branch.parent);
        if (!summary) return tl::unexpected(summary.error());
        return summary->session;
    }
    const std::string name = promptTitle(request.prompt).toStdString();
    if (current_ != kNoSession) {
        const auto session = store_->sessionSummary(current_);
        if (!session) return tl::unexpected(session.error());
        if (session->runs == 0 && session->name == newSessionName().toStdString()) {
            if (auto renamed = store_->renameSession(current_, name); !renamed) return tl::unexpected(renamed.error());
            return current_;
        }
        // Which prompt a session was named after, also when its runs are deleted or never began.
        auto first = store_->firstPrompt(current_);
        if (!first) return tl::unexpected(first.error());
        if (!*first && made_.first == current_) *first = made_.second;
        const bool of_one_prompt = *first && session->name == promptTitle(**first).toStdString();
        if (!of_one_prompt || **first == request.prompt) return current_;
    }
    auto made = store_->createSession(name);
    if (made) {
        current_ = *made;
        made_ = {current_, request.prompt};
    }
    return made;
}

void SessionController::dropSession(SessionId session) {
    if (store_ == nullptr || made_.first != session) return;
    const auto summary = store_->sessionSummary(session);
    if (!summary || summary->runs > 0) return;
    if (!ok(store_->deleteSession(session))) return;
    if (current_ == session) current_ = kNoSession;
    list_->remove(session, kNoRun);
}

void SessionController::nameRun(RunId run, const QString& title) {
    if (store_ != nullptr) ok(store_->nameRun(run, title.toStdString()));
}

void SessionController::makeCurrent(SessionId session) {
    if (session == current_ || store_ == nullptr) return;
    current_ = session;
    if (!store_->readOnly()) ok(store_->markOpened(session));
}

std::optional<RunRequest> SessionController::openLast() {
    if (store_ == nullptr) return std::nullopt;
    const auto session = store_->lastSession();
    if (!session || *session == kNoSession) return std::nullopt;
    current_ = *session;
    const auto run = store_->newestRun(*session);
    if (!run || *run == kNoRun) return std::nullopt;
    list_->putRun(*run);
    browser_->select(*session, *run);
    openRun(*run);
    auto request = store_->loadRequest(*run);
    return request ? std::optional(std::move(*request)) : std::nullopt;
}

void SessionController::openSession(SessionId session) {
    if (store_ == nullptr) return;
    makeCurrent(session);
    const auto run = store_->newestRun(session);
    if (run && *run != kNoRun) openRun(*run);
}

void SessionController::openRun(RunId run) {
    if (store_ == nullptr || run == kNoRun) return;
    const std::uint64_t number = ++wanted_;
    if (const auto summary = store_->listedRun(run)) makeCurrent(summary->session);
    if (run == live_) return emit liveRunWanted();
    readTrace(run, [this, run, number](const auto& trace) {
        if (number != wanted_) return;  // another one has been asked for since
        if (!trace)
            emit failed(trace.error());
        else
            show(*trace, run);
    });
}

void SessionController::show(const std::shared_ptr<const RunTrace>& trace, RunId run) {
    list_->putRun(run);  // an older run may not be in the list yet
    shown_running_ = trace->state() == RunState::Running;
    emit runLoaded(trace, run);
}

void SessionController::runChanged(RunId run) { list_->putRun(run); }
void SessionController::runRegraded(RunId run) { list_->updateRun(run); }

void SessionController::runsWritten(SessionId session, const std::vector<RunId>& runs) {
    list_->putRunsOf(session, runs);
    if (std::find(runs.begin(), runs.end(), shown_) != runs.end()) reloadShown();
}

void SessionController::setShownRun(RunId run) {
    shown_ = run;
    browser_->setCurrentRun(run);
}

void SessionController::setLiveRun(RunId run) {
    live_ = run;
    if (run == kNoRun || store_ == nullptr) return;
    ++wanted_;  // what was still being read would hide it
    list_->putRun(run);
    if (const auto summary = store_->listedRun(run)) browser_->select(summary->session, run);
}

void SessionController::newSession() {
    if (store_ == nullptr || store_->readOnly())
        return emit failed({ErrorCode::Busy, blocked_.toStdString(), blocked_hint_.toStdString()});
    const auto made = store_->createSession(newSessionName().toStdString());
    if (!made) return emit failed(made.error());
    current_ = *made;
    list_->putSession(*made);
    browser_->select(*made, kNoRun);
}

// The shown run may have gone as a branch of a deleted one, or with its session. Which one it was; kNoRun: it is still
// there.
RunId SessionController::forgetShown() {
    if (shown_ == kNoRun || shown_ == live_ || store_->listedRun(shown_)) return kNoRun;
    const RunId gone = shown_;
    ++wanted_;
    emit shownRunDeleted();
    return gone;
}

void SessionController::deleteRun(RunId run) {
    if (store_ == nullptr) return;
    const auto summary = store_->listedRun(run);
    if (!summary) return emit failed(summary.error());
    if (!ok(store_->deleteRun(run))) return;
    list_->remove(summary->session, run);
    browser_->offerUndo(QString::fromStdString(summary->title));
    deleted_.push_back({summary->session, run, forgetShown()});
    updateUndo();
}

void SessionController::deleteSession(SessionId session) {
    if (store_ == nullptr) return;
    const auto summary = store_->sessionSummary(session);
    if (!summary) return emit failed(summary.error());
    if (!ok(store_->deleteSession(session))) return;
    if (session == current_) current_ = kNoSession;
    list_->remove(session, kNoRun);
    browser_->offerUndo(QString::fromStdString(summary->name));
    deleted_.push_back({session, kNoRun, forgetShown()});
    updateUndo();
}

void SessionController::undoDelete() {
    browser_->dismissUndo();
    if (store_ == nullptr || deleted_.empty()) return;
    const Deleted last = deleted_.back();
    if (!ok(last.run != kNoRun ? store_->restoreRun(last.run) : store_->restoreSession(last.session))) return;
    deleted_.pop_back();
    updateUndo();
    if (last.run != kNoRun)
        list_->putBranches(last.run);
    else
        list_->putSession(last.session);
    browser_->select(last.session, last.run);
    // What the window showed comes back with its row.
    openRun(last.shown != kNoRun ? last.shown : last.run);
}

void SessionController::updateUndo() {
    const bool cannot = store_ == nullptr || store_->readOnly();
    explainAction(undo_, tr("Bring back what was deleted last"),
                  cannot             ? blocked_
                  : deleted_.empty() ? tr("Nothing was deleted")
                                     : QString());
}

QString SessionController::sessionName(SessionId session) const {
    const auto summary =
        store_ == nullptr ? Result<SessionSummary>(tl::unexpected(Error{})) : store_->sessionSummary(session);
    return summary ? QString::fromStdString(summary->name) : QString();
}

void SessionController::exportSession(SessionId session, const std::filesystem::path& path) {
    if (store_ == nullptr || displaced_)
        return emit exportFailed({ErrorCode::NotFound, blocked_.toStdString(), blocked_hint_.toStdString()});
    if (!store_->sessionSummary(session)) {
        return emit exportFailed({ErrorCode::NotFound, tr("There is no session to export").toStdString(),
                                  tr("Make a run first").toStdString()});
    }
    work_->start(
        {.doing = tr("Exporting %1").arg(toQString(path.filename())),
         .job = [this, session, path, database = store_->path()](const std::stop_token& stop) -> Worker::Answer {
             const auto store = Store::open(database, OpenMode::ReadOnly);
             const auto done =
                 store ? (*store)->exportSession(session, path, stop) : Result<void>(tl::unexpected(store.error()));
             return [this, path, done] {
                 if (done)
                     emit exported(toQString(path));
                 else
                     emit exportFailed(done.error());
             };
         },
         .broken = [this](const Error& error) { emit exportFailed(error); }});
}

// On the reader's connection, which was open before the file was moved.
void SessionController::saveCopy(const std::filesystem::path& path) {
    if (reader_ == nullptr)
        return emit exportFailed({ErrorCode::NotFound, blocked_.toStdString(), blocked_hint_.toStdString()});
    const auto copy = [this, path](const Store& store, const std::stop_token& stop) -> Worker::Answer {
        return [this, path, done = store.saveCopy(path, stop)] {
            if (done)
                emit copySaved(toQString(path));
            else
                emit exportFailed(done.error());
        };
    };
    work_->startOn(reader_->worker(), {.doing = tr("Saving a copy as %1").arg(toQString(path.filename())),
                                       .job = reader_->jobFor(copy),
                                       .broken = [this](const Error& error) { emit exportFailed(error); }});
}

void SessionController::importSession(const std::filesystem::path& path) {
    if (store_ != nullptr) look();
    if (store_ == nullptr || !blocked_.isEmpty())
        return emit failed({ErrorCode::Busy, blocked_.toStdString(), blocked_hint_.toStdString()});
    auto again = store_->openAgain();
    if (!again) return emit failed(again.error());
    ++imports_;
    work_->start({.doing = tr("Importing %1").arg(toQString(path.filename())),
                  .job = [this, path, wanted = wanted_, store = std::shared_ptr<Store>(std::move(*again))](
                             const std::stop_token& stop) mutable -> Worker::Answer {
                      const auto session = store->importSession(path, stop);
                      store.reset();  // and with it the lock, before anybody hears that it is over
                      return [this, wanted, session] {
                          --imports_;
                          if (session)
                              showImported(*session, wanted == wanted_);
                          else
                              emit failed(session.error());
                      };
                  },
                  .broken =
                      [this](const Error& error) {
                          --imports_;
                          emit failed(error);
                      }});
}

// `open`: nobody has asked for another run since.
void SessionController::showImported(SessionId session, bool open) {
    list_->putSession(session);
    if (open) browser_->select(session, kNoRun);
    emit imported(sessionName(session));
    if (open) openSession(session);
}

}  // namespace quibble
