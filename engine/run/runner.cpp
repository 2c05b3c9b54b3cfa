#include "engine/run/runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>

#include "engine/base/clock.h"
#include "engine/values/check.h"

namespace quibble {

namespace {

// Batches leave twice per frame at 60 Hz, so that no frame waits for tokens that exist already.
constexpr std::int64_t kBatchIntervalNs = 8'000'000;

constexpr double kSlowestPace = 0.1;  // tokens a second

}  // namespace

Runner::Runner(std::shared_ptr<ModelCache> models, Sink sink)
    : models_(std::move(models)),
      sink_(std::move(sink)),
      thread_([this](const std::stop_token& quit) { loop(quit); }) {}

Runner::~Runner() {
    stop();
    thread_.request_stop();
    changed_.notify_all();
    thread_.join();
}

bool Runner::start(RunStart start) {
    const std::lock_guard lock(mutex_);
    if (next_ || (state_ != RunState::Idle && state_ != RunState::Finished)) return false;
    stop_ = std::stop_source();
    controls_.clear();
    steps_wanted_ = 0;
    pause_wanted_ = start.paused;
    next_ = std::move(start);
    state_ = RunState::Loading;
    changed_.notify_all();
    return true;
}

void Runner::pause() {
    const std::lock_guard lock(mutex_);
    pause_wanted_ = true;
    steps_wanted_ = 0;
    changed_.notify_all();
}

void Runner::resume() {
    const std::lock_guard lock(mutex_);
    pause_wanted_ = false;
    steps_wanted_ = 0;
    changed_.notify_all();
}

void Runner::step() {
    const std::lock_guard lock(mutex_);
    pause_wanted_ = true;
    ++steps_wanted_;
    changed_.notify_all();
}

void Runner::stop() {
    const std::lock_guard lock(mutex_);
    stop_.request_stop();
    changed_.notify_all();
}

void Runner::setControl(std::string key, ParamValue value) {
    const std::lock_guard lock(mutex_);
    controls_.push_back({std::move(key), std::move(value)});
}

void Runner::setPace(double tokens_per_second) {
    const std::lock_guard lock(mutex_);
    pace_ = std::isfinite(tokens_per_second) && tokens_per_second > 0 ? std::max(tokens_per_second, kSlowestPace) : 0;
    changed_.notify_all();
}

RunState Runner::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

void Runner::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !next_ && (state_ == RunState::Idle || state_ == RunState::Finished); });
}

void Runner::setState(RunState state) {
    events_.emplace_back(StateChanged{state});
    {
        const std::lock_guard lock(mutex_);
        state_ = state;
    }
    sendBatch();
    changed_.notify_all();
}

void Runner::sendBatch() {
    last_batch_ns_ = nowNs();
    if (events_.empty()) return;
    log_.apply(events_);
    auto batch = std::make_shared<EventBatch>();
    batch->run = run_;
    batch->events = std::move(events_);
    events_.clear();
    sink_(std::move(batch));
}

void Runner::sendBatchIfDue() {
    if (nowNs() - last_batch_ns_ >= kBatchIntervalNs) sendBatch();
}

void Runner::loop(const std::stop_token& quit) {
    for (;;) {
        std::optional<RunStart> start;
        {
            // Whoever started a run is told its end, also when the runner is destroyed before this thread saw the run.
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, quit, [this] { return next_.has_value(); })) return;
            start = std::move(next_);
            next_.reset();
        }
        execute(*start);
    }
}

void Runner::execute(const RunStart& start) {
    run_ = start.run;
    log_.begin(run_, start.request);
    std::unique_ptr<RunLoop> loop;
    Result<FinishReason> end = FinishReason::Failed;
    // A broken contract ends the run here, and not the program. This thread has no other place that does so.
    try {
        setState(RunState::Loading);
        if (auto opened = open(start); opened) {
            loop = std::move(*opened);
            end = generate(*loop);
        } else {
            end = tl::unexpected(opened.error());
        }
    } catch (const ContractError& broken) {
        end = fail(ErrorCode::InvalidArgument, std::string("internal error: ") + broken.what());
    } catch (const std::bad_alloc&) {
        end = fail(ErrorCode::OutOfMemory, "out of memory", "Choose a smaller context, model or block");
    }
    if (!end && end.error().code == ErrorCode::Cancelled) end = FinishReason::Stopped;
    RunFinished closing;
    if (loop) closing = loop->closing();
    closing.reason = end.value_or(FinishReason::Failed);
    if (!end) {
        closing.message = end.error().line();
        closing.code = end.error().code;
    }
    events_.emplace_back(std::move(closing));
    loop.reset();
    setState(RunState::Finished);
}

Result<std::unique_ptr<RunLoop>> Runner::open(const RunStart& start) {
    LoadOptions options;
    options.stop = stopToken();
    options.progress = [this](std::int64_t done, std::int64_t total) {
        events_.emplace_back(Progress{done, total});
        sendBatchIfDue();
    };
    options.free_memory = start.free_memory;
    auto opened = openRunModels(*models_, start.request, options);
    if (!opened && opened.error().code == ErrorCode::DoesNotFit && prefixes_.bytes() > 0) {
        prefixes_.shrinkTo(0);  // drops what earlier runs left, to make room
        opened = openRunModels(*models_, start.request, options);
    }
    if (!opened) return tl::unexpected(opened.error());
    if (device_ == nullptr || device_threads_ != start.request.threads) {
        device_ = std::make_unique<CpuDevice>(start.request.threads);
        device_threads_ = start.request.threads;
    }
    auto loop =
        RunLoop::create(start.request, std::move(*opened), *device_, start.replayed, &prefixes_, start.free_memory);
    if (loop && start.stages) (*loop)->showStages();
    if (loop) events_.emplace_back((*loop)->provenance());
    return loop;
}

Result<FinishReason> Runner::generate(RunLoop& loop) {
    setState(RunState::Prefilling);
    for (bool complete = false; !complete;) {
        auto chunk = loop.prefillChunk(events_, stopToken());
        if (!chunk) return tl::unexpected(chunk.error());
        complete = *chunk;
        sendBatchIfDue();
    }
    setState(RunState::Running);
    while (!loop.finished()) {
        if (!waitWhilePaused(loop)) return FinishReason::Stopped;
        applyControls(loop);
        const std::int64_t began = nowNs();
        const Position before = loop.position();
        if (auto stepped = loop.step(events_, stopToken()); !stepped) {
            if (stepped.error().code == ErrorCode::Cancelled) break;
            return tl::unexpected(stepped.error());
        }
        sendBatchIfDue();
        if (!loop.finished()) waitForPace(began, loop.position() - before);
    }
    sendBatch();
    const bool stopped = stopToken().stop_requested() && !loop.finished();
    if (!stopped) {
        // Scores the rest of the KL curve. Stop may cut this short, and the tokens behind stay without a KL.
        if (auto flushed = loop.flushReference(events_, stopToken());
            !flushed && flushed.error().code != ErrorCode::Cancelled) {
            return tl::unexpected(flushed.error());
        }
    }
    return stopped ? FinishReason::Stopped : loop.finishReason();
}

void Runner::waitForPace(std::int64_t step_began_ns, std::int64_t tokens) {
    std::unique_lock lock(mutex_);
    if (pace_ <= 0 || pause_wanted_) return;
    lock.unlock();
    sendBatch();  // at a pace that people follow, each token is shown before the wait for the next
    lock.lock();
    while (pace_ > 0 && !pause_wanted_ && !stop_.stop_requested()) {
        const std::int64_t left_ns =
            step_began_ns + static_cast<std::int64_t>(1e9 / pace_ * static_cast<double>(tokens)) - nowNs();
        if (left_ns <= 0) return;
        changed_.wait_for(lock, std::chrono::nanoseconds(left_ns));
    }
}

bool Runner::waitWhilePaused(RunLoop& loop) {
    bool announced = false;
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (stop_.stop_requested()) return false;
            if (!pause_wanted_) break;
            if (steps_wanted_ > 0) {
                --steps_wanted_;
                break;
            }
        }
        if (!announced) {
            setState(RunState::Paused);
            announced = true;
            // While nobody waits for a token the curve catches up with the text.
            if (auto flushed = loop.flushReference(events_, stopToken()); !flushed) continue;
            sendBatch();
        }
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stop_.stop_requested() || !pause_wanted_ || steps_wanted_ > 0; });
    }
    if (announced) {
        bool resumed = false;
        {
            const std::lock_guard lock(mutex_);
            resumed = !pause_wanted_;
        }
        if (resumed) setState(RunState::Running);
    }
    return true;
}

void Runner::applyControls(RunLoop& loop) {
    std::vector<Control> changes;
    {
        const std::lock_guard lock(mutex_);
        changes.swap(controls_);
    }
    for (const Control& change : changes) {
        if (auto applied = loop.setControl(change.key, change.value, events_); !applied && rejected_)
            rejected_(applied.error());
    }
}

}  // namespace quibble
