#include "engine/run/scheduler.h"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/base/clock.h"
#include "engine/values/check.h"

namespace quibble {

namespace {

// Rows of prompts in a round while somebody watches a run that generates: about what doubles the time of its token.
constexpr std::int64_t kPromptRowsBesideWatched = 32;
// Logits of a pass that several runs share are kept in one piece of memory before each run gets its own.
constexpr std::int64_t kMostLogitBytes = std::int64_t{64} << 20;

std::int64_t mostLogitRows(const Sequence& sequence) {
    const std::int64_t row_bytes = std::int64_t{4} * sequence.model().config().vocab_size;
    return std::clamp(kMostLogitBytes / row_bytes, Sequence::kMaxRows, Sequence::kMaxPassRows);
}

Error errorOf(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
        return {ErrorCode::OutOfMemory, "out of memory", "Run fewer at once, or choose a smaller context"};
    } catch (const ContractError& broken) {
        return {ErrorCode::InvalidArgument, std::string("internal error: ") + broken.what(), {}};
    }
}

}  // namespace

ScheduledRun& Scheduler::add(std::unique_ptr<ScheduledRun> run) {
    runs_.push_back(std::move(run));
    return *runs_.back();
}

void Scheduler::end(ScheduledRun& run, const Error& why) {
    run.failed = why;
    run.stage = ScheduledRun::Stage::Done;
}

// Where a run stands after something happened to it.
void Scheduler::settle(ScheduledRun& run) const {
    using Stage = ScheduledRun::Stage;
    if (run.stage == Stage::Prefill && run.loop->prefillRowsLeft() == 0) run.stage = Stage::Decode;
    if (run.stage == Stage::Decode && run.loop->finished()) run.stage = Stage::Closing;
    if (run.stage == Stage::Closing && !run.loop->referenceWaiting()) run.stage = Stage::Done;
}

Result<void> Scheduler::round(const std::stop_token& stop) {
    // What was stopped in the last round comes first, so that no more tokens wait for a reference than a step makes.
    if (auto scored = scoreReferences(stop); !scored) return scored;
    if (auto generated = generate(stop); !generated) return generated;
    return scoreReferences(stop);
}

Result<void> Scheduler::generate(const std::stop_token& stop) {
    passes_of_round_.clear();
    stepping_.clear();
    auto passed = beginSteps(stop);
    if (passed) {
        gatherSteps(stop);
        gatherPrompts();
    }
    for (std::size_t i = 0; i < passes_of_round_.size() && passed; ++i) {
        Pass& pass = passes_of_round_[i];
        passed = runPass(pass, stop);
        if (!passed) break;
        std::vector<ScheduledRun*> stepped;
        for (const Part& part : pass.parts) {
            if (!part.prefill) {
                stepped.push_back(part.run);
                continue;
            }
            part.run->loop->prefillDone(part.rows.front(), pass.spent_ns, part.run->events);
            settle(*part.run);
        }
        endSteps(stepped, pass.spent_ns, stop);
    }
    if (passed) return {};
    for (ScheduledRun* run : stepping_) run->loop->abandonStep();
    return passed;
}

Result<void> Scheduler::beginSteps(const std::stop_token& stop) {
    for (const auto& run : runs_) {
        if (run->stage != ScheduledRun::Stage::Decode) continue;
        Result<void> begun;
        try {
            begun = run->loop->beginStep(run->events, stop);
        } catch (...) {
            begun = tl::unexpected(errorOf(std::current_exception()));
        }
        if (begun) {
            stepping_.push_back(run.get());
        } else if (begun.error().code == ErrorCode::Cancelled) {
            return begun;
        } else {
            end(*run, begun.error());
        }
    }
    // Who is watched comes into the first pass.
    std::stable_partition(stepping_.begin(), stepping_.end(), [](const ScheduledRun* run) { return run->watched; });
    return {};
}

void Scheduler::add(Part part) {
    std::int64_t rows = 0, logit_rows = 0;
    for (const PassRows& one : part.rows) {
        rows += static_cast<std::int64_t>(one.tokens.size());
        logit_rows += one.n_logit_rows;
    }
    const PassRows& first = part.rows.front();
    const auto fits = [&](const Pass& pass) {
        return ForwardPass::together(pass.parts.front().rows.front(), first) &&
               pass.n_rows + rows <= Sequence::kMaxPassRows &&
               pass.logit_rows + logit_rows <= mostLogitRows(*first.sequence);
    };
    auto found = std::find_if(passes_of_round_.begin(), passes_of_round_.end(), fits);
    if (found == passes_of_round_.end()) found = passes_of_round_.emplace(passes_of_round_.end());
    found->n_rows += rows;
    found->logit_rows += logit_rows;
    found->parts.push_back(std::move(part));
}

void Scheduler::gatherSteps(const std::stop_token& stop) {
    std::vector<ScheduledRun*> ready;  // the prefill has left the logits that they need
    for (ScheduledRun* run : stepping_) {
        if (const auto rows = run->loop->stepRows(); !rows.empty())
            add({run, {rows.begin(), rows.end()}, false});
        else
            ready.push_back(run);
    }
    endSteps(ready, 0, stop);
}

// Prompts are read in turn, so that a long one keeps no other waiting, and no more of them than one pass holds.
void Scheduler::gatherPrompts() {
    const bool watched = std::any_of(runs_.begin(), runs_.end(), [](const auto& run) {
        return run->watched && run->stage == ScheduledRun::Stage::Decode;
    });
    std::int64_t room = watched ? kPromptRowsBesideWatched : Sequence::kMaxPassRows;
    for (const Pass& pass : passes_of_round_) {
        if (!watched) room = std::min(room, Sequence::kMaxPassRows - pass.n_rows);
    }
    const std::size_t first = next_prompt_;
    for (std::size_t i = 0; i < runs_.size() && room > 0; ++i) {
        ScheduledRun& run = *runs_[(first + i) % runs_.size()];
        if (run.stage != ScheduledRun::Stage::Prefill) continue;
        const PassRows rows = run.loop->prefillRows(room);
        room -= static_cast<std::int64_t>(rows.tokens.size());
        add({&run, {rows}, true});
        next_prompt_ = (first + i + 1) % runs_.size();
    }
}

// Errors: Cancelled. Another error is that of one run, which ends; the rows of the others are passed without it.
Result<void> Scheduler::runPass(Pass& pass, const std::stop_token& stop) {
    const std::int64_t began = nowNs();
    rows_of_pass_.clear();
    for (const Part& part : pass.parts) rows_of_pass_.insert(rows_of_pass_.end(), part.rows.begin(), part.rows.end());
    auto passed = rows_of_pass_.front().sequence->forward().run(rows_of_pass_, stop);
    if (!passed && passed.error().code != ErrorCode::Cancelled) {
        passed = Result<void>{};
        for (std::size_t i = 0; i < pass.parts.size();) {
            const std::vector<PassRows>& rows = pass.parts[i].rows;
            auto alone = rows.front().sequence->forward().run(rows, stop);
            if (alone) {
                ++i;
            } else if (alone.error().code == ErrorCode::Cancelled) {
                return alone;
            } else {
                end(*pass.parts[i].run, alone.error());
                pass.parts.erase(pass.parts.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
    }
    pass.spent_ns = nowNs() - began;
    if (passed) {
        rows_ += pass.n_rows;
        ++passes_;
    }
    return passed;
}

// Each run measures and chooses on one thread; its own state is all that it touches.
// Those that pass rows of their own meanwhile do so on this thread, one after the other.
void Scheduler::endSteps(std::span<ScheduledRun* const> runs, std::int64_t pass_ns, const std::stop_token& stop) {
    device_.forEach(static_cast<std::int64_t>(runs.size()), [&](std::int64_t index) {
        ScheduledRun& run = *runs[static_cast<std::size_t>(index)];
        if (!run.loop->probes()) endStep(run, pass_ns, stop);
    });
    for (ScheduledRun* run : runs) {
        if (run->loop->probes()) endStep(*run, pass_ns, stop);
        settle(*run);
        std::erase(stepping_, run);
    }
}

// A run that was stopped is as it was, and its step is begun anew.
void Scheduler::endStep(ScheduledRun& run, std::int64_t pass_ns, const std::stop_token& stop) {
    try {
        auto ended = run.loop->endStep(pass_ns, run.events, stop);
        if (!ended && ended.error().code != ErrorCode::Cancelled) end(run, ended.error());
    } catch (...) {
        end(run, errorOf(std::current_exception()));
    }
}

// As soon as a block of one run is full, the references read what all runs have for them.
Result<void> Scheduler::scoreReferences(const std::stop_token& stop) {
    using Stage = ScheduledRun::Stage;
    const auto due = [](const std::unique_ptr<ScheduledRun>& run) {
        return run->stage != Stage::Done &&
               (run->loop->referenceDue() || (run->stage == Stage::Closing && run->loop->referenceWaiting()));
    };
    while (std::any_of(runs_.begin(), runs_.end(), due)) {
        passes_of_round_.clear();
        for (const auto& run : runs_) {
            if (run->stage == Stage::Done || !run->loop->referenceWaiting()) continue;
            add({run.get(), {run->loop->referenceRows(Sequence::kMaxPassRows)}, false});
        }
        const std::int64_t rows = rows_, passes = passes_;
        for (Pass& pass : passes_of_round_) {
            if (auto passed = runPass(pass, stop); !passed) return passed;
            device_.forEach(static_cast<std::int64_t>(pass.parts.size()), [&](std::int64_t index) {
                ScheduledRun& run = *pass.parts[static_cast<std::size_t>(index)].run;
                run.loop->referenceDone(pass.spent_ns, run.events, nullptr);
            });
            for (const Part& part : pass.parts) settle(*part.run);
        }
        rows_ = rows;  // these were of the references
        passes_ = passes;
    }
    return {};
}

std::vector<std::unique_ptr<ScheduledRun>> Scheduler::takeDone() {
    const auto going = std::stable_partition(runs_.begin(), runs_.end(),
                                             [](const auto& run) { return run->stage != ScheduledRun::Stage::Done; });
    std::vector<std::unique_ptr<ScheduledRun>> done(std::make_move_iterator(going),
                                                    std::make_move_iterator(runs_.end()));
    runs_.erase(going, runs_.end());
    return done;
}

std::unique_ptr<ScheduledRun> Scheduler::take(std::int64_t id) {
    const auto found = std::find_if(runs_.begin(), runs_.end(), [&](const auto& run) { return run->id == id; });
    if (found == runs_.end()) return nullptr;
    std::unique_ptr<ScheduledRun> run = std::move(*found);
    runs_.erase(found);
    return run;
}

}  // namespace quibble
