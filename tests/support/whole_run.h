// Runs of real models from beginning to end, for tests that look at what came out. A run that cannot be had ends the
// test program: tests of refusals make their generator themselves.
#pragma once

#include <QtGlobal>

#include <utility>
#include <vector>

#include "engine/model/model_cache.h"
#include "engine/run/generator.h"
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
    auto generator = Generator::create(request, std::move(*opened), device, {}, prefixes);
    if (!generator) qFatal("%s", generator.error().line().c_str());
    std::vector<RunEvent> events{(*generator)->provenance()};
    if (auto done = (*generator)->runToEnd(events); !done) qFatal("%s", done.error().line().c_str());
    WholeRun run{RunTrace(request), (*generator)->provenance()};
    for (const RunEvent& event : events) run.trace.apply(event);
    return run;
}

}  // namespace quibble::testing
