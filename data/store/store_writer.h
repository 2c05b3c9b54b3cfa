// The thread that puts events into the database. push() never waits for the disk; every 250 ms, or every 256 tokens, or
// when a run finishes, what has gathered is committed in one transaction, so that killing the process loses at most the
// last second. A write that fails (disk full, file locked) is kept and tried again; nothing is dropped silently. After
// a run, and a second after anything else was changed, the -wal is emptied into the database, so that a copy of that
// one file is complete.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "data/store/store.h"
#include "engine/values/result.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"

namespace quibble {

/// What is on disk.
struct SaveState {
    using Clock = std::chrono::steady_clock;
    std::size_t pending = 0;                         // events that wait for the disk
    std::optional<Clock::time_point> waiting_since;  // when the oldest of them came
    std::optional<Clock::time_point> last_commit;    // the last that worked
};

class StoreWriter {
public:
    /// Called on the writer's thread when writing starts to fail or the reason changes, and with an empty optional when
    /// it works again. Post to your own thread from it; do not call the writer from it.
    using ErrorCallback = std::function<void(const std::optional<Error>&)>;

    /// Called on the writer's thread when the end of a run is on disk.
    using SavedCallback = std::function<void(RunId)>;

    /// Called on the writer's thread when a run of the database shows another answer or grade than before: earlier
    /// versions had other rules of grading, and while nothing else is to be done their grades are made again.
    using RegradedCallback = std::function<void(RunId)>;

    /// Writes the file of `store`, which must be open for writing. The file stays locked until both are closed.
    [[nodiscard]] static Result<std::unique_ptr<StoreWriter>> open(const Store& store, ErrorCallback on_error = {},
                                                                   SavedCallback on_saved = {},
                                                                   RegradedCallback on_regraded = {});
    ~StoreWriter();  // close()
    StoreWriter(const StoreWriter&) = delete;
    StoreWriter& operator=(const StoreWriter&) = delete;

    /// Registers a run and waits for its row: from then on it is listed. A branch names its parent in request.branch;
    /// the parent is in the same session. Errors: NotFound, InvalidArgument (text that is not UTF-8, a number that is
    /// not finite), Io, Busy.
    [[nodiscard]] Result<RunId> beginRun(SessionId session, const RunRequest& request);
    /// Any thread; never blocks on the disk. batch->run is what beginRun gave. A RunFinished event also stores answer
    /// and grade.
    void push(EventBatchPtr batch);
    /// Waits until everything pushed so far is on disk. An error says why it is not; the data is kept and tried again.
    [[nodiscard]] Result<void> flush();
    /// flush(), then ends the thread. On an error what could not be written is lost when the writer is destroyed.
    [[nodiscard]] Result<void> close();
    /// The failure that holds now; empty when the last write worked.
    [[nodiscard]] std::optional<Error> lastError() const;
    [[nodiscard]] SaveState saveState() const;
    /// Events that wait for the disk.
    [[nodiscard]] std::size_t pending() const { return saveState().pending; }

private:
    struct Impl;
    explicit StoreWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace quibble
