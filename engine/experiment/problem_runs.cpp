#include "engine/experiment/problem_runs.h"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/memory_use.h"
#include "engine/run/cache_cost.h"
#include "engine/run/prompt.h"
#include "engine/values/check.h"

namespace quibble {

namespace {

// Listeners hear of progress this often, and get what runs have made.
constexpr std::int64_t kTellEveryNs = 100'000'000;
// What the caches may take of the memory that is free; the rest is for scratch memory, logits and other programs.
constexpr double kShareOfMemory = 0.75;

}  // namespace

RunRequest problemRequest(const RunRequest& setting, const Problem& problem, std::size_t index) {
    RunRequest request = setting;
    request.prompt = problem.text;
    request.problem_id = problem.id;
    request.known_answer = problem.answer;
    request.seed = setting.seed + static_cast<std::uint64_t>(index);
    return request;
}

/// A run with what was told of it.
struct ProblemRuns::Active {
    ScheduledRun* scheduled = nullptr;
    std::size_t index = 0;
    RunId run = kNoRun;
    RunTrace trace;
    RunLog log;
};

ProblemRuns::ProblemRuns(RunRequest setting, RunModels models, CpuDevice& device, const FreeMemory& free_memory)
    : setting_(std::move(setting)), models_(std::move(models)), free_memory_(free_memory), scheduler_(device) {
    // One time for all prompts, so that a set that runs over midnight is asked on one day.
    if (!setting_.clock) setting_.clock = localPromptClock();
}

ProblemRuns::~ProblemRuns() = default;

Parallel ProblemRuns::parallelFor(std::span<const Problem> problems, int wanted) const {
    Parallel parallel;
    const auto most = static_cast<int>(std::min<std::size_t>(problems.size(), kMostParallel));
    if (wanted > 0) {
        parallel.runs = std::clamp(wanted, 1, std::max(1, most));
        parallel.why =
            std::to_string(parallel.runs) + (parallel.runs < wanted ? ", more are not run at once" : ", as asked for");
        return parallel;
    }
    parallel.runs = std::clamp(kUsualParallel, 1, std::max(1, most));
    parallel.why = std::to_string(parallel.runs);
    const auto available = free_memory_();
    const auto longest = std::max_element(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
        return a.text.size() < b.text.size();
    });
    if (!available || longest == problems.end()) return parallel;
    const auto prompt =
        buildPrompt(problemRequest(setting_, *longest, 0), *models_.quantized->tokenizer(), *setting_.clock);
    if (!prompt) return parallel;  // that problem will say why
    const CacheModels caches = cacheModelsOf(models_);
    const Position context = runContext(setting_, static_cast<std::int64_t>(prompt->ids.size()), caches);
    const auto written = std::min<std::int64_t>(context, std::ssize(prompt->ids) + setting_.max_tokens);
    const auto cost = cacheCost(setting_, caches, static_cast<Position>(written));
    if (!cost) return parallel;
    // Beside its caches a run keeps logits: a row of its own and a block of rows for the reference.
    const std::int64_t rows = models_.reference != nullptr ? 2 * setting_.reference.block + 3 : 3;
    const std::int64_t each = cost->bytes() + rows * 4 * models_.quantized->config().vocab_size;
    const auto room = static_cast<std::int64_t>(kShareOfMemory * static_cast<double>(*available));
    const auto fit =
        static_cast<int>(std::clamp<std::int64_t>(room / std::max<std::int64_t>(1, each), 1, parallel.runs));
    parallel.why = std::to_string(fit) + ", which take up to " + bytesText(each * fit) + " of the " +
                   bytesText(*available) + " of memory that are free";
    parallel.runs = fit;
    return parallel;
}

// false: there is no memory for it beside those that run.
Result<bool> ProblemRuns::admit(std::span<const Problem> problems, std::size_t index, ProblemListener& listener) {
    const RunRequest request = problemRequest(setting_, problems[index], index);
    auto loop =
        RunLoop::create(request, models_, scheduler_.device(), {}, &prefixes_, free_memory_, &scheduler_.passes());
    if (!loop) {
        const bool memory = loop.error().code == ErrorCode::DoesNotFit || loop.error().code == ErrorCode::OutOfMemory;
        if (memory && !active_.empty()) return false;
        listener.fails(index, loop.error());
        return true;
    }
    auto id = listener.begins(index, request);
    if (!id) return tl::unexpected(id.error());
    auto active = std::make_unique<Active>();
    active->index = index;
    active->run = *id;
    active->trace = RunTrace(request);
    active->log.begin(*id, request);
    auto run = std::make_unique<ScheduledRun>();
    run->id = static_cast<std::int64_t>(index);
    run->events.emplace_back(StateChanged{RunState::Running});
    run->events.emplace_back((*loop)->provenance());
    run->loop = std::move(*loop);
    active->scheduled = &scheduler_.add(std::move(run));
    active_.push_back(std::move(active));
    return true;
}

void ProblemRuns::pass(Active& active, std::vector<RunEvent> events, ProblemListener& listener) {
    if (events.empty()) return;
    for (const RunEvent& event : events) active.trace.apply(event);
    active.log.apply(events);
    auto batch = std::make_shared<EventBatch>();
    batch->run = active.run;
    batch->events = std::move(events);
    listener.happens(batch);
}

void ProblemRuns::close(std::unique_ptr<ScheduledRun> run, ProblemListener& listener,
                        const std::optional<Error>& failed, bool stopped) {
    const auto found = std::find_if(active_.begin(), active_.end(),
                                    [&](const auto& active) { return active->scheduled == run.get(); });
    QUIBBLE_CHECK(found != active_.end(), "a run of the set");
    const std::unique_ptr<Active> active = std::move(*found);
    active_.erase(found);
    RunFinished closing = run->loop->closing();
    if (failed) {
        closing.reason = FinishReason::Failed;
        closing.message = failed->line();
        closing.code = failed->code;
    } else if (stopped) {
        closing.reason = FinishReason::Stopped;
    }
    run->events.emplace_back(std::move(closing));
    run->events.emplace_back(StateChanged{RunState::Finished});
    pass(*active, std::exchange(run->events, {}), listener);
    tokens_ += std::ssize(active->trace.points());
    run.reset();  // leaves what it has computed to those that follow
    if (failed)
        listener.fails(active->index, *failed);
    else if (!stopped)
        listener.ends(active->index, active->trace);
}

Result<void> ProblemRuns::run(std::span<const Problem> problems, std::span<const std::size_t> todo,
                              const Parallel& parallel, ProblemListener& listener, const std::stop_token& stop) {
    const std::int64_t began = nowNs();
    std::int64_t told_ns = 0;
    std::size_t next = 0;
    tokens_ = 0;
    Result<void> result;
    const auto tell = [&] {
        SetProgress progress;
        progress.running = active_.size();
        progress.done = next - active_.size();
        progress.wanted = todo.size();
        progress.tokens = tokens_;
        for (const auto& active : active_) progress.tokens += std::ssize(active->trace.points());
        progress.seconds = static_cast<double>(nowNs() - began) * 1e-9;
        if (progress.done > 0) {
            progress.seconds_left = progress.seconds / static_cast<double>(progress.done) *
                                    static_cast<double>(progress.wanted - progress.done);
        }
        listener.progresses(progress);
        told_ns = nowNs();
    };
    while (result && (next < todo.size() || !active_.empty())) {
        while (result && next < todo.size() && active_.size() < static_cast<std::size_t>(parallel.runs)) {
            auto admitted = admit(problems, todo[next], listener);
            if (!admitted) result = tl::unexpected(admitted.error());
            if (!admitted || !*admitted) break;
            ++next;
        }
        if (result) result = scheduler_.round(stop);
        for (auto& run : scheduler_.takeDone()) {
            const std::optional<Error> failed = run->failed;
            close(std::move(run), listener, failed, false);
        }
        if (nowNs() - told_ns < kTellEveryNs) continue;
        for (const auto& active : active_) pass(*active, std::exchange(active->scheduled->events, {}), listener);
        tell();
    }
    while (!active_.empty())
        close(scheduler_.take(static_cast<std::int64_t>(active_.back()->index)), listener, std::nullopt, true);
    tell();
    return result;
}

}  // namespace quibble
