// Many runs over common passes. In a round each run that generates makes one step and some prompts are read on: the
// rows of all of them go through the model together, so that its weights are read once. What a run generates and
// measures is bit for bit what it would be alone (forward_pass.h). Belongs to one thread, that of the device.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/run/run_loop.h"
#include "engine/values/result.h"
#include "engine/values/run_event.h"

namespace quibble {

/// A run among others.
struct ScheduledRun {
    enum class Stage {
        Prefill,  // its prompt is being read
        Decode,
        Closing,  // it has ended, and its last tokens wait for the reference
        Done,
    };
    std::int64_t id = 0;  // the caller's
    std::unique_ptr<RunLoop> loop;
    /// Somebody looks on: while it generates, prompts of others are read in small pieces, so that each of its tokens
    /// comes soon.
    bool watched = false;
    Stage stage = Stage::Prefill;
    std::vector<RunEvent> events{};  // since somebody took them
    std::optional<Error> failed{};   // why it could not go on; Done then
};

class Scheduler {
public:
    /// device must outlive the scheduler and be that of all runs.
    explicit Scheduler(CpuDevice& device) : device_(device), forward_(device) {}

    [[nodiscard]] CpuDevice& device() const { return device_; }
    /// What RunLoop::create is given, so that runs of one model share its passes.
    [[nodiscard]] ForwardPasses& passes() { return forward_; }

    /// Joins at the next round.
    ScheduledRun& add(std::unique_ptr<ScheduledRun> run);
    [[nodiscard]] std::span<const std::unique_ptr<ScheduledRun>> runs() const { return runs_; }

    /// One step of every run that generates, a piece of prompts, and what the references wait for. A run that cannot go
    /// on is Done with its reason, and the others go on. Errors: Cancelled (call again to go on; a step that was begun
    /// is begun anew).
    [[nodiscard]] Result<void> round(const std::stop_token& stop = {});
    /// The runs that are Done, which leave; in the order in which they joined.
    [[nodiscard]] std::vector<std::unique_ptr<ScheduledRun>> takeDone();
    /// Takes a run out as it is.
    [[nodiscard]] std::unique_ptr<ScheduledRun> take(std::int64_t id);

    /// Passes of the runs' own models since the scheduler was made, and their rows; for reports.
    [[nodiscard]] std::int64_t passCount() const { return passes_; }
    [[nodiscard]] std::int64_t rowCount() const { return rows_; }

private:
    struct Part {
        ScheduledRun* run = nullptr;
        std::vector<PassRows> rows;  // that the run needs together
        bool prefill = false;
    };
    /// Rows that go through one model together.
    struct Pass {
        std::vector<Part> parts;
        std::int64_t n_rows = 0, logit_rows = 0;
        std::int64_t spent_ns = 0;
    };
    [[nodiscard]] Result<void> generate(const std::stop_token& stop);
    [[nodiscard]] Result<void> beginSteps(const std::stop_token& stop);
    void gatherSteps(const std::stop_token& stop);
    void gatherPrompts();
    void add(Part part);
    [[nodiscard]] Result<void> runPass(Pass& pass, const std::stop_token& stop);
    /// Of the runs, whose rows were passed in pass_ns nanoseconds.
    void endSteps(std::span<ScheduledRun* const> runs, std::int64_t pass_ns, const std::stop_token& stop);
    void endStep(ScheduledRun& run, std::int64_t pass_ns, const std::stop_token& stop);
    [[nodiscard]] Result<void> scoreReferences(const std::stop_token& stop);
    void settle(ScheduledRun& run) const;
    static void end(ScheduledRun& run, const Error& why);

    CpuDevice& device_;
    ForwardPasses forward_;
    std::vector<std::unique_ptr<ScheduledRun>> runs_;
    std::vector<Pass> passes_of_round_;
    std::vector<PassRows> rows_of_pass_;
    std::vector<ScheduledRun*> stepping_;  // runs whose step was begun and has not ended
    std::size_t next_prompt_ = 0;          // whose prompt is read first in the next round
    std::int64_t rows_ = 0, passes_ = 0;
};

}  // namespace quibble
