#include "app/evaluation/set_evaluation.h"

#include <map>
#include <string_view>
#include <utility>

namespace quibble {

namespace {

// Keeps the runs, gathers the results and passes on how far they are.
class Gatherer final : public ProblemListener {
public:
    Gatherer(const std::vector<Problem>& problems, RunStore& store, SetOutcome& outcome, SetListener& listener)
        : problems_(problems), store_(store), outcome_(outcome), listener_(listener) {}

    Result<RunId> begins(std::size_t /*index*/, const RunRequest& request) override {
        if (store_.writer == nullptr) return kNoRun;
        auto run = store_.writer->beginRun(store_.session, request);
        if (run) listener_.runBegins(*run);
        return run;
    }
    void happens(const EventBatchPtr& batch) override {
        for (const RunEvent& event : batch->events) {
            const auto* provenance = std::get_if<RunProvenance>(&event);
            if (provenance != nullptr && !std::exchange(noted_, true)) listener_.provenanceIs(*provenance);
        }
        if (store_.writer != nullptr) store_.writer->push(batch);
    }
    void ends(std::size_t index, const RunTrace& trace) override { outcome_.evaluation.add(index, resultOf(trace)); }
    void fails(std::size_t index, const Error& why) override {
        outcome_.evaluation.addFailure(index, problems_[index].id, why);
    }
    void progresses(const SetProgress& progress) override {
        outcome_.progress = progress;
        listener_.progresses(progress);
    }

private:
    const std::vector<Problem>& problems_;
    RunStore& store_;
    SetOutcome& outcome_;
    SetListener& listener_;
    bool noted_ = false;
};

bool cameToItsEnd(const RunTrace& trace) {
    return trace.finished() && trace.finished()->reason != FinishReason::Stopped &&
           trace.finished()->reason != FinishReason::Failed;
}

// Takes the results of an earlier call from the session: of runs that came to their end, of this setting and these
// weights. The time that its prompts were given becomes that of the setting, so that the rest is asked on the same day.
Result<void> takeFinished(const RunStore& store, const std::vector<Problem>& problems, RunRequest& setting,
                          const RunModels& models, SetListener& listener, const std::stop_token& stop,
                          Evaluation& evaluation) {
    std::map<std::string_view, std::size_t> indices;
    for (std::size_t i = 0; i < problems.size(); ++i) indices.emplace(problems[i].id, i);
    auto runs = store.store->listRuns(store.session);
    if (!runs) return tl::unexpected(runs.error());
    int others = 0;
    RunId first_other = kNoRun;
    std::vector<FieldDifference> first_differs;
    for (const RunSummary& summary : *runs) {
        if (stop.stop_requested()) return {};
        if (summary.status != RunStatus::Finished) continue;
        auto stored = store.store->loadRequest(summary.id);
        if (!stored) return tl::unexpected(stored.error());
        const auto found = indices.find(stored->problem_id);
        if (found == indices.end() || evaluation.has(found->second)) continue;
        RunRequest wanted = problemRequest(setting, problems[found->second], found->second);
        // The clock is taken over, and no number depends on the threads.
        wanted.clock = setting.clock ? setting.clock : stored->clock;
        wanted.threads = stored->threads;
        if (auto differ = differences(*stored, wanted); !differ.empty()) {
            if (others++ > 0) continue;
            first_other = summary.id;
            first_differs = std::move(differ);
            continue;
        }
        auto trace = store.store->loadRun(summary.id);
        if (!trace) return tl::unexpected(trace.error());
        if (!cameToItsEnd(*trace) || trace->provenance().model_hash != models.quantized->hash()) continue;
        evaluation.add(found->second, resultOf(*trace));
        setting.clock = stored->clock;
    }
    if (others > 0) listener.othersDiffer(others, first_other, first_differs);
    return {};
}

}  // namespace

Result<SetOutcome> evaluateSet(const SetOrder& order, const RunModels& models, RunStore& store, SetListener& listener,
                               const std::stop_token& stop) {
    SetOutcome outcome{.evaluation = Evaluation(order.problems.size()), .parallel = {}, .progress = {}};
    RunRequest setting = order.setting;
    if (order.resume && store.store != nullptr) {
        auto taken = takeFinished(store, order.problems, setting, models, listener, stop, outcome.evaluation);
        if (!taken) return tl::unexpected(taken.error());
    }
    outcome.taken = outcome.evaluation.done();
    std::vector<std::size_t> todo;
    for (std::size_t i = 0; i < order.problems.size(); ++i) {
        if (!outcome.evaluation.has(i)) todo.push_back(i);
    }
    CpuDevice device(setting.threads);
    ProblemRuns runs(setting, models, device);
    outcome.parallel = runs.parallelFor(order.problems, order.parallel);
    listener.begins(outcome.taken, outcome.parallel);
    Gatherer gatherer(order.problems, store, outcome, listener);
    auto ran = runs.run(order.problems, todo, outcome.parallel, gatherer, stop);
    if (!ran && ran.error().code != ErrorCode::Cancelled) return tl::unexpected(ran.error());
    if (store.writer != nullptr) {
        if (auto closed = store.writer->close(); !closed) return tl::unexpected(closed.error());
    }
    outcome.interrupted = stop.stop_requested();
    return outcome;
}

}  // namespace quibble
