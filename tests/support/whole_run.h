// Runs of real models from beginning to end, for tests that look at what came out. A run that cannot be had ends the
// test program: tests of refusals make their loop themselves.
#pragma once

#include <QtGlobal>

#include <utility>
#include <vector>

#include "engine/model/model_cache.h"
#include "engine/run/run_loop.h"
#include "engine/values/run_trace.h"

namespace quibble::testing {

/// Shared by all runs of the program.
inline ModelCache& models() {
    static ModelCache cache(8);
    return cache;
}

struct WholeRun {
    RunTrace trace;
    RunProvenance provenance;
};

inline WholeRun wholeRun(const RunRequest& request, int threads = 2, PrefixCache* prefixes = nullptr) {
    auto opened = openRunModels(models(), request, {});
    if (!opened) qFatal("%s", opened.error().line().c_str());
    CpuDevice device(threads);
    auto loop = RunLoop::create(request, std::move(*opened), device, {}, prefixes);
    if (!loop) qFatal("%s", loop.error().line().c_str());
    std::vector<RunEvent> events{(*loop)->provenance()};
    if (auto done = (*loop)->runToEnd(events); !done) qFatal("%s", done.error().line().c_str());
    WholeRun run{RunTrace(request), (*loop)->provenance()};
    for (const RunEvent& event : events) run.trace.apply(event);
    return run;
}

}  // namespace quibble::testing
