// One run at a time on the engine thread, as one state machine: Run, Pause, Step, Stop. Commands come from any thread
// and are answered at once; events leave in finished, immutable batches through the sink, which is called on the engine
// thread and must be quick and thread-safe (a queue).
//
//   Idle --start--> Loading --> Prefilling --> Running <--pause/resume/step--> Paused --> Finished --start--> ...
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "engine/model/model_cache.h"
#include "engine/run/run_log.h"
#include "engine/run/run_loop.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"

namespace quibble {

struct RunStart {
    RunId run = kNoRun;  // written into every batch
    RunRequest request;
    bool paused = false;  // stop before the first token, for Step
    bool stages = false;  // each token comes with the stages of its choice
    std::vector<ControlChange> replayed;
    FreeMemory free_memory = memoryLimit;  // that weights and caches must fit in
};

class Runner {
public:
    using Sink = std::function<void(EventBatchPtr)>;

    Runner(std::shared_ptr<ModelCache> models, Sink sink);
    /// Stops a run that is going on, reports its end to the sink, and joins the thread.
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    /// Begins a run; false when one is going on (stop it first).
    bool start(RunStart start);
    void pause();
    void resume();
    /// One token, then paused again.
    void step();
    /// Ends the run; what was generated stays.
    void stop();
    /// Takes effect at the next token. An invalid change is dropped and reported to `rejected`.
    void setControl(std::string key, ParamValue value);
    /// At most this many tokens a second, so that people can watch a small model think; 0: as fast as it goes. Changes
    /// no number of the run, holds for later runs too.
    void setPace(double tokens_per_second);
    /// Called on the engine thread with the reason; set before start().
    void onRejectedControl(std::function<void(const Error&)> rejected) { rejected_ = std::move(rejected); }

    [[nodiscard]] RunState state() const;
    /// Waits until no run is going on.
    void wait();

private:
    struct Control {
        std::string key;
        ParamValue value;
    };
    void loop(const std::stop_token& quit);
    void execute(const RunStart& start);
    [[nodiscard]] Result<std::unique_ptr<RunLoop>> open(const RunStart& start);
    [[nodiscard]] Result<FinishReason> generate(RunLoop& loop);
    [[nodiscard]] bool waitWhilePaused(RunLoop& loop);
    void waitForPace(std::int64_t step_began_ns, std::int64_t tokens);
    void applyControls(RunLoop& loop);
    void setState(RunState state);
    void sendBatch();
    void sendBatchIfDue();
    [[nodiscard]] std::stop_token stopToken() const { return stop_.get_token(); }

    std::shared_ptr<ModelCache> models_;
    Sink sink_;
    std::function<void(const Error&)> rejected_;
    std::unique_ptr<CpuDevice> device_;  // engine thread only
    int device_threads_ = 0;             // as asked for: 0 means all cores
    PrefixCache prefixes_;               // engine thread only
    std::vector<RunEvent> events_;       // engine thread only
    RunId run_ = kNoRun;                 // engine thread only
    RunLog log_;                         // engine thread only
    std::int64_t last_batch_ns_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<RunStart> next_;
    std::vector<Control> controls_;
    RunState state_ = RunState::Idle;
    bool pause_wanted_ = false;
    int steps_wanted_ = 0;
    double pace_ = 0;
    std::stop_source stop_;  // of the current run
    std::jthread thread_;    // last: starts when everything else is there
};

}  // namespace quibble
