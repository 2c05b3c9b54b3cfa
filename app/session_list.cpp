#include "app/session_list.h"

#include <algorithm>
#include <set>

#include <QTreeView>

#include "app/session_rows.h"
#include "views/sessions/session_browser.h"
#include "views/sessions/session_model.h"

namespace quibble {

Result<FoundRows> findRows(const Store& store, const QString& text) {
    FoundRows found;
    found.text = text;
    auto runs = store.findRuns(text.toStdString(), SessionList::kMostFound);
    if (!runs) return tl::unexpected(runs.error());
    auto sessions = store.sessionsNamed(text.toStdString(), SessionList::kMostFound);
    if (!sessions) return tl::unexpected(sessions.error());
    found.sessions = std::move(*sessions);
    std::set<SessionId> known;
    for (const SessionSummary& session : found.sessions) known.insert(session.id);
    for (const RunSummary& run : *runs) {
        if (known.insert(run.session).second) {
            auto session = store.sessionSummary(run.session);
            if (session) found.sessions.push_back(std::move(*session));
        }
        auto stem = store.stemOf(run.id);
        if (!stem) continue;  // deleted meanwhile
        for (RunSummary& row : *stem) found.runs.push_back(std::move(row));
    }
    return found;
}

SessionList::SessionList(SessionBrowser* browser, QObject* parent) : QObject(parent), browser_(browser) {
    turn_.setSingleShot(true);
    turn_.setInterval(0);
    connect(&turn_, &QTimer::timeout, this, &SessionList::readNext);
    connect(browser->model(), &SessionModel::sessionsWanted, this, &SessionList::readSessions);
    connect(browser->model(), &SessionModel::runsWanted, this, &SessionList::wantRuns);
    connect(browser, &SessionBrowser::sessionOpened, this, &SessionList::wantRuns);
    connect(browser, &SessionBrowser::earlierRunsRequested, this, &SessionList::readEarlier);
    connect(browser, &SessionBrowser::detailsWanted, this, &SessionList::fillTooltip);
}

void SessionList::setStore(const Store* store) {
    store_ = store;
    last_session_.reset();
    oldest_.clear();
    several_models_.clear();
    wanted_.clear();
    browser_->setItems({});
    browser_->setMoreSessions(false);
    readSessions();
}

void SessionList::readSessions() {
    if (store_ == nullptr) return;
    const bool first = !last_session_;
    const auto page = store_->sessionPage(last_session_, kSessionPage);
    if (!page) return emit failed(page.error());
    browser_->setMoreSessions(page->size() == kSessionPage);
    if (page->empty()) return;
    last_session_ = page->back();
    std::vector<SessionItem> items;
    std::int64_t open_runs = 0;
    for (const SessionSummary& session : *page) {
        items.push_back(sessionRow(session));
        if (!first || open_runs >= kOpenRuns) continue;
        open_runs += std::min<std::int64_t>(session.runs, kRunPage);
        if (session.runs > 0) wantRuns(session.id);
    }
    browser_->put(items);
}

void SessionList::wantRuns(SessionId session) {
    if (store_ == nullptr || oldest_.contains(session) ||
        std::find(wanted_.begin(), wanted_.end(), session) != wanted_.end())
        return;
    wanted_.push_back(session);
    turn_.start();
}

void SessionList::refresh() {
    if (store_ == nullptr) return;
    const auto page = store_->sessionPage(std::nullopt, kSessionPage);
    if (!page) return emit failed(page.error());
    std::vector<SessionItem> items;
    std::set<SessionId> live;
    for (const SessionSummary& session : *page) {
        items.push_back(sessionRow(session));
        live.insert(session.id);
    }
    // Of the rows as far down as this page reaches, what is not in it is gone.
    for (const SessionItem& shown : browser_->model()->sessions()) {
        if (live.contains(shown.session) || (page->size() == kSessionPage && shown.order > items.back().order))
            continue;
        remove(shown.session, kNoRun);
    }
    browser_->put(items);
    for (const auto& [session, oldest] : oldest_) wanted_.push_back(session);
    turn_.start();
}

// One page a turn.
void SessionList::readNext() {
    if (wanted_.empty()) return;
    const SessionId session = wanted_.front();
    wanted_.pop_front();
    readNewest(session);
    if (!wanted_.empty()) turn_.start();
}

void SessionList::readNewest(SessionId session) {
    if (store_ == nullptr) return;
    const auto page = store_->runPage(session, kNoRun, kRunPage);
    if (!page) return emit failed(page.error());
    several_models_.erase(session);
    std::set<RunId> live;
    for (const RunSummary& run : page->runs) live.insert(run.id);
    for (const RunId shown : browser_->model()->runsFrom(session, page->first)) {
        if (!live.contains(shown)) browser_->remove(session, shown);
    }
    putRuns(page->runs);
    if (!oldest_.emplace(session, page->first).second) return;
    showEarlier(session, page->earlier);
}

void SessionList::readEarlier(SessionId session) {
    const auto oldest = oldest_.find(session);
    if (store_ == nullptr || oldest == oldest_.end()) return;
    const auto page = store_->runPage(session, oldest->second, kRunPage);
    if (!page) return emit failed(page.error());
    if (page->first != kNoRun) oldest->second = page->first;
    showEarlier(session, page->earlier);
    putRuns(page->runs);
}

void SessionList::showEarlier(SessionId session, std::int64_t count) {
    if (count > 0)
        browser_->put({earlierRunsRow(session, count)});
    else
        browser_->remove(session, earlierRow(session));
}

bool SessionList::saysModel(SessionId session) {
    const auto known = several_models_.find(session);
    if (known != several_models_.end()) return known->second;
    const auto models = store_->sessionModels(session);
    return several_models_[session] = models && models->find(", ") != std::string::npos;
}

void SessionList::putRuns(const std::vector<RunSummary>& runs, const QString& found) {
    std::vector<SessionItem> items;
    for (const RunSummary& run : runs) {
        items.push_back(runRow(run, saysModel(run.session)));
        items.back().found = found;
    }
    browser_->put(items);
}

void SessionList::putSession(SessionId session) {
    if (store_ == nullptr) return;
    const auto summary = store_->sessionSummary(session);
    if (summary) browser_->put({sessionRow(*summary)});
}

void SessionList::putRun(RunId run) {
    if (store_ == nullptr || run == kNoRun) return;
    const auto stem = store_->stemOf(run);
    if (!stem || stem->empty()) return;
    putNew(stem->front().session, *stem);
}

void SessionList::putRunsOf(SessionId session, const std::vector<RunId>& runs) {
    if (store_ == nullptr) return;
    std::vector<RunSummary> rows;
    for (const RunId run : runs) {
        if (auto row = store_->listedRun(run)) rows.push_back(std::move(*row));  // else it was deleted
    }
    putNew(session, rows);
}

// A new run may be of another model than those before.
void SessionList::putNew(SessionId session, const std::vector<RunSummary>& runs) {
    putSession(session);
    const auto before = several_models_.find(session);
    const bool said_model = before != several_models_.end() && before->second;
    several_models_.erase(session);
    if (saysModel(session) != said_model && oldest_.contains(session)) {
        wanted_.push_back(session);
        turn_.start();
    }
    putRuns(runs);
}

void SessionList::updateRun(RunId run) {
    if (store_ == nullptr || !browser_->model()->indexOfRun(run).isValid()) return;
    if (const auto summary = store_->listedRun(run)) putRuns({*summary});
}

void SessionList::putBranches(RunId run) {
    putRun(run);
    if (store_ == nullptr) return;
    if (const auto runs = store_->branchesOf(run, kMostFound)) putRuns(*runs);
}

void SessionList::putFound(const FoundRows& found) {
    std::vector<SessionItem> items;
    for (const SessionSummary& session : found.sessions) items.push_back(sessionRow(session));
    browser_->put(items);
    putRuns(found.runs, found.text);
}

void SessionList::remove(SessionId session, RunId run) {
    browser_->remove(session, run);
    if (run != kNoRun) return putSession(session);
    oldest_.erase(session);
    several_models_.erase(session);
}

void SessionList::fillTooltip(SessionId session, RunId run) {
    if (store_ == nullptr) return;
    if (run != kNoRun) {
        if (const auto summary = store_->runSummary(run))
            browser_->model()->setTooltip(session, run, runTooltip(*summary));
        return;
    }
    auto summary = store_->sessionSummary(session);
    if (!summary) return;
    summary->models = store_->sessionModels(session).value_or(std::string());
    browser_->model()->setTooltip(session, run, sessionTooltip(*summary));
}

}  // namespace quibble
