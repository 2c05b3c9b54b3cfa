#include "data/store/store_writer.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "data/store/database.h"
#include "data/store/database_lock.h"
#include "data/store/event_sink.h"

namespace quibble {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kCommitInterval = std::chrono::milliseconds(250);
constexpr std::size_t kCommitTokens = 256;
constexpr auto kFirstRetry = std::chrono::milliseconds(250);
constexpr auto kLongestRetry = std::chrono::milliseconds(4000);
constexpr auto kIdle = std::chrono::milliseconds(1000);  // after which others' changes are looked for in the -wal
constexpr auto kBetweenGrades = std::chrono::milliseconds(5);
constexpr auto kRegradeRetry = std::chrono::minutes(1);

struct BatchCounts {
    std::size_t tokens = 0;
    bool finishes = false;
};

BatchCounts countsOf(const EventBatch& batch) {
    BatchCounts counts;
    for (const RunEvent& event : batch.events) {
        counts.tokens += std::holds_alternative<TokenRecord>(event);
        counts.finishes = counts.finishes || std::holds_alternative<RunFinished>(event);
    }
    return counts;
}

}  // namespace

// The queue is shared under `mutex`; connection and sink belong to the thread.
struct StoreWriter::Impl {
    struct Beginning {
        SessionId session;
        const RunRequest* request;
        std::promise<Result<RunId>> answer;
    };
    struct Waiting {
        EventBatchPtr batch;
        Clock::time_point since;
    };

    std::shared_ptr<DatabaseLock> lock;
    std::filesystem::path path;
    std::unique_ptr<SQLite::Database> db;
    std::unique_ptr<EventSink> sink;
    ErrorCallback on_error;
    SavedCallback on_saved;
    RegradedCallback on_regraded;

    mutable std::mutex mutex;
    std::condition_variable wake;     // of the thread
    std::condition_variable settled;  // of flush(): an attempt is over
    std::deque<Waiting> queue;        // pushed, not on disk
    std::deque<Beginning*> beginnings;
    std::size_t queued_tokens = 0;
    std::size_t queued_events = 0;
    std::uint64_t pushed = 0, committed = 0;       // batches
    std::uint64_t attempts = 0, last_failure = 0;  // numbers of attempts to write, from 1
    Clock::time_point due{};                       // when the queue must be written
    std::optional<Clock::time_point> last_commit;
    Clock::duration retry_after = kFirstRetry;
    bool urgent = false;     // write now
    bool fold_soon = false;  // a run ended or was graded, so that the -wal holds something
    bool closing = false;
    bool regrading = false;  // the run graded last may not be the last whose grade is old
    Clock::time_point regrade_after{};
    std::optional<Error> failing;  // the last attempt failed
    std::optional<Error> refused;  // an event was lost for good
    bool refusal_untold = false;   // no flush() has returned it yet
    std::thread thread;

    void loop();
    void waitForWork(std::unique_lock<std::mutex>& guard);
    void writeQueue(std::unique_lock<std::mutex>& guard);
    void foldWhenIdle(std::unique_lock<std::mutex>& guard);
    void regradeWhenIdle(std::unique_lock<std::mutex>& guard);
    [[nodiscard]] bool logHoldsSomething() const;
    void serveBeginnings(std::unique_lock<std::mutex>& guard);
    Result<void> writeBatches(const std::vector<EventBatchPtr>& batches, std::vector<Error>& refusals);
    void took(const std::vector<EventBatchPtr>& batches);
};

void StoreWriter::Impl::waitForWork(std::unique_lock<std::mutex>& guard) {
    const auto now_or_never = [this] { return closing || urgent || !beginnings.empty(); };
    if (!wake.wait_for(guard, regrading ? Clock::duration(kBetweenGrades) : kIdle,
                       [&] { return now_or_never() || !queue.empty(); }))
        return;  // idle
    const auto full = [&] { return !failing && queued_tokens >= kCommitTokens; };
    while (!now_or_never() && !full() && Clock::now() < due) {
        const auto until = due;  // a failure that is over moves it
        wake.wait_until(guard, until);
    }
}

// A broken contract must not end the thread that keeps the user's data.
Result<void> StoreWriter::Impl::writeBatches(const std::vector<EventBatchPtr>& batches, std::vector<Error>& refusals) {
    try {
        return sink->write(batches, refusals);
    } catch (const std::exception& exception) {
        return fail(ErrorCode::Io, std::string("writing a run: ") + exception.what());
    }
}

void StoreWriter::Impl::took(const std::vector<EventBatchPtr>& batches) {
    for (const EventBatchPtr& batch : batches) {
        queued_tokens -= countsOf(*batch).tokens;
        queued_events -= batch->events.size();
        queue.pop_front();
        fold_soon = fold_soon || countsOf(*batch).finishes;
    }
    committed += batches.size();
    last_commit = Clock::now();
    due = *last_commit + kCommitInterval;
    retry_after = kFirstRetry;
}

void StoreWriter::Impl::writeQueue(std::unique_lock<std::mutex>& guard) {
    urgent = false;
    if (queue.empty()) return;
    std::vector<EventBatchPtr> batches;
    for (const Waiting& waiting : queue) batches.push_back(waiting.batch);
    const std::uint64_t attempt = ++attempts;
    guard.unlock();
    std::vector<Error> refusals;
    const auto written = writeBatches(batches, refusals);
    guard.lock();

    std::optional<std::optional<Error>> news;
    if (written) {
        took(batches);
        if (failing) news.emplace(std::nullopt);
        failing.reset();
        if (!refusals.empty()) {
            refused = refusals.front();
            refusal_untold = true;
            news.emplace(refused);
        }
    } else {
        if (!failing || failing->what != written.error().what) news.emplace(written.error());
        failing = written.error();
        last_failure = attempt;
        due = Clock::now() + retry_after;
        retry_after = std::min<Clock::duration>(2 * retry_after, kLongestRetry);
    }
    settled.notify_all();
    guard.unlock();
    if (news && on_error) on_error(*news);
    for (const EventBatchPtr& batch : batches) {
        if (written && on_saved && countsOf(*batch).finishes) on_saved(batch->run);
    }
    // A file that was moved away must not depend on the -wal that stayed behind.
    if (written && placeOf(*db) == FilePlace::Elsewhere) (void)foldLog(*db);
    guard.lock();
}

bool StoreWriter::Impl::logHoldsSomething() const {
    std::error_code error;
    const auto size = std::filesystem::file_size(path.string() + "-wal", error);
    return !error && size > 0;
}

// Empties the -wal when nothing else is to be done: after a run, and when a rename or a deletion has left something in
// it.
void StoreWriter::Impl::foldWhenIdle(std::unique_lock<std::mutex>& guard) {
    if (!queue.empty() || !beginnings.empty() || closing) return;
    guard.unlock();
    const bool wanted = fold_soon || logHoldsSomething();
    const bool folded = !wanted || foldLog(*db).value_or(false);
    guard.lock();
    fold_soon = !folded && fold_soon;
}

// Grades one run in each idle round, so that whoever begins a run waits for no more than that one.
void StoreWriter::Impl::regradeWhenIdle(std::unique_lock<std::mutex>& guard) {
    regrading = false;
    if (!queue.empty() || !beginnings.empty() || closing || Clock::now() < regrade_after ||
        placeOf(*db) == FilePlace::Elsewhere)
        return;
    guard.unlock();
    const auto done = sink->regradeNext();
    if (done && *done && (*done)->changed && on_regraded) on_regraded((*done)->run);
    guard.lock();
    regrading = done && done->has_value();
    fold_soon = fold_soon || regrading;
    if (!done) regrade_after = Clock::now() + kRegradeRetry;
}

void StoreWriter::Impl::serveBeginnings(std::unique_lock<std::mutex>& guard) {
    while (!beginnings.empty()) {
        Beginning* const next = beginnings.front();
        beginnings.pop_front();
        guard.unlock();
        auto id = sink->insertRun(next->session, *next->request);
        next->answer.set_value(std::move(id));  // *next may be gone from here on
        guard.lock();
    }
}

void StoreWriter::Impl::loop() {
    std::unique_lock guard(mutex);
    for (;;) {
        waitForWork(guard);
        const bool last_round = closing;
        const bool idle = !last_round && queue.empty() && beginnings.empty();
        writeQueue(guard);
        serveBeginnings(guard);
        if (last_round) break;
        if (idle) regradeWhenIdle(guard);
        if (!regrading && (idle || fold_soon)) foldWhenIdle(guard);
    }
    guard.unlock();
    (void)sink->endRuns();
    (void)foldLog(*db);
}

StoreWriter::StoreWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<StoreWriter>> StoreWriter::open(const Store& store, ErrorCallback on_error,
                                                       SavedCallback on_saved, RegradedCallback on_regraded) {
    if (store.readOnly())
        return fail(ErrorCode::InvalidArgument, store.path().string() + " is open read only",
                    "Open it for writing to keep runs in it");
    auto db = openConnection(store.path());
    if (!db) return tl::unexpected(db.error());
    auto impl = std::make_unique<Impl>();
    impl->lock = store.lock();
    impl->db = std::move(*db);
    impl->path = store.path();
    impl->on_error = std::move(on_error);
    impl->on_saved = std::move(on_saved);
    impl->on_regraded = std::move(on_regraded);
    const auto ready = guarded("opening " + store.path().string(), [&]() -> Result<void> {
        impl->sink = std::make_unique<EventSink>(*impl->db);
        return {};
    });
    if (!ready) return tl::unexpected(ready.error());
    impl->thread = std::thread([state = impl.get()] { state->loop(); });
    return std::unique_ptr<StoreWriter>(new StoreWriter(std::move(impl)));
}

StoreWriter::~StoreWriter() { (void)close(); }

Result<RunId> StoreWriter::beginRun(SessionId session, const RunRequest& request) {
    Impl::Beginning beginning{session, &request, {}};
    auto answer = beginning.answer.get_future();
    {
        const std::lock_guard guard(impl_->mutex);
        if (impl_->closing) return fail(ErrorCode::InvalidArgument, "the writer is closed");
        impl_->beginnings.push_back(&beginning);
    }
    impl_->wake.notify_one();
    return answer.get();
}

void StoreWriter::push(EventBatchPtr batch) {
    if (batch == nullptr || batch->events.empty()) return;
    const BatchCounts counts = countsOf(*batch);
    bool now = false;
    {
        const std::lock_guard guard(impl_->mutex);
        // While writing fails, `due` is the time of the next attempt.
        if (impl_->queue.empty() && !impl_->failing) impl_->due = Clock::now() + kCommitInterval;
        now = impl_->queue.empty();
        impl_->queued_tokens += counts.tokens;
        impl_->queued_events += batch->events.size();
        ++impl_->pushed;
        impl_->queue.push_back({std::move(batch), Clock::now()});
        impl_->urgent = impl_->urgent || counts.finishes;
        now = now || counts.finishes || impl_->queued_tokens >= kCommitTokens;
    }
    if (now) impl_->wake.notify_one();
}

Result<void> StoreWriter::flush() {
    std::unique_lock guard(impl_->mutex);
    const std::uint64_t target = impl_->pushed;
    const std::uint64_t first_attempt = impl_->attempts + 1;  // one that began after this call
    while (impl_->committed < target && impl_->last_failure < first_attempt &&
           !(impl_->closing && !impl_->thread.joinable())) {
        impl_->urgent = true;
        impl_->wake.notify_one();
        impl_->settled.wait_for(guard, kCommitInterval);
    }
    if (std::exchange(impl_->refusal_untold, false)) return tl::unexpected(*impl_->refused);
    if (impl_->committed < target)
        return tl::unexpected(impl_->failing.value_or(Error{ErrorCode::Io, "the writer is closed", ""}));
    return {};
}

Result<void> StoreWriter::close() {
    if (!impl_->thread.joinable()) return {};
    auto flushed = flush();
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->closing = true;
    }
    impl_->wake.notify_one();
    impl_->thread.join();
    if (impl_->committed == impl_->pushed && !flushed && !impl_->refused) flushed = {};  // the last attempt made it
    impl_->sink.reset();
    impl_->db.reset();
    impl_->lock.reset();
    return flushed;
}

std::optional<Error> StoreWriter::lastError() const {
    const std::lock_guard guard(impl_->mutex);
    return impl_->failing ? impl_->failing : impl_->refused;
}

SaveState StoreWriter::saveState() const {
    const std::lock_guard guard(impl_->mutex);
    SaveState state{.pending = impl_->queued_events, .waiting_since = std::nullopt, .last_commit = impl_->last_commit};
    if (!impl_->queue.empty()) state.waiting_since = impl_->queue.front().since;
    return state;
}

}  // namespace quibble
