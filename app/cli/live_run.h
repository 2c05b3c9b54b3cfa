// A run that is followed on the command line: its text or its measurements as they arrive, and every event to the
// store. For run and branch.
#pragma once

#include <string>

#include "app/cli/cli.h"
#include "data/store/store_writer.h"
#include "engine/values/run_trace.h"

namespace quibble::cli {

struct LiveRun {
    RunRequest request;
    RunTrace shown;     // what is there before the run begins: in a branch its beginning
    std::string jsonl;  // a line a token and a summary to this file or "-"; empty: the text to standard output, the
                        // summary to standard error
    StoreWriter* writer = nullptr;  // nullptr: the run is kept nowhere
    RunId run = kNoRun;             // of the store
    bool stages = false;            // the lines of tokens have the stages of their choice
};

/// Until the run has ended, by itself or by an interrupt, and everything is written. Errors: what the run failed of,
/// Io.
[[nodiscard]] Result<RunTrace> follow(LiveRun live);

}  // namespace quibble::cli
