// A problem set under one setting, from beginning to end: results that the session holds already are taken from there,
// the other problems are run many at a time and kept, and an evaluation comes out. quibble-cli eval and the window do
// the same here.
#pragma once

#include <cstddef>
#include <stop_token>
#include <vector>

#include "app/evaluation/run_store.h"
#include "engine/experiment/evaluation.h"
#include "engine/experiment/problem_runs.h"
#include "engine/run/run_models.h"
#include "engine/values/problem.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"
#include "engine/values/run_settings.h"

namespace quibble {

struct SetOrder {
    std::vector<Problem> problems;
    RunRequest setting;   // everything but prompt and problem
    int parallel = 0;     // as ProblemRuns::parallelFor
    bool resume = false;  // results of runs that the session holds and that came to their end are taken over
};

/// Who is told what happens, on the thread of evaluateSet().
class SetListener {
public:
    virtual ~SetListener() = default;
    /// Before the first run. taken: problems whose results the session held.
    virtual void begins(std::size_t /*taken*/, const Parallel& /*parallel*/) {}
    /// Runs of the session that do not count, because they were made with other settings, and how the first differs.
    virtual void othersDiffer(int /*others*/, RunId /*first*/, const std::vector<FieldDifference>& /*differ*/) {}
    virtual void runBegins(RunId /*run*/) {}
    /// What made the numbers of the first run.
    virtual void provenanceIs(const RunProvenance& /*provenance*/) {}
    /// Counts what is run now, without what was taken over.
    virtual void progresses(const SetProgress& /*progress*/) {}
};

struct SetOutcome {
    Evaluation evaluation;
    Parallel parallel;
    SetProgress progress;      // the last that was told
    std::size_t taken = 0;     // results that the session held
    bool interrupted = false;  // a stop was asked for: the evaluation may be of a part
};

/// models are those of order.setting. A stop ends it with what is done. Everything is on disk when it returns. Errors:
/// those of the store; no problem's own, which the evaluation counts.
[[nodiscard]] Result<SetOutcome> evaluateSet(const SetOrder& order, const RunModels& models, RunStore& store,
                                             SetListener& listener, const std::stop_token& stop);

}  // namespace quibble
