// A branch: a run that follows another one up to a token, puts another token in its place and goes on from there.
#pragma once

#include <vector>

#include "engine/values/run_request.h"
#include "engine/values/run_trace.h"

namespace quibble {

/// The request of a branch of `parent`, the run `id`, with `token` in the place of the token at `pos`. Prompt, seed,
/// models and settings are the parent's; the prompt's tokens are those that the parent recorded, so that the branch
/// stands on the same text on any day and machine.
[[nodiscard]] RunRequest branchRequest(const RunTrace& parent, RunId id, Position pos, TokenId token);

/// The request of a stored run, read as the version that recorded the run read it. It has the prompt that was recorded
/// and the time that the template was given; a request that was stored without a recorded prompt stays as it is.
/// Version 0.1.0 ignored entries of a marker list that do not exist and parameters that were named again, and took a
/// budget above the experts of a layer for all of them; a new run with such settings is refused.
[[nodiscard]] RunRequest asRecorded(RunRequest request, const RunProvenance& recorded);

/// The live controls of a stored run, read in the same way.
[[nodiscard]] std::vector<ControlChange> controlsAsRecorded(const RunTrace& stored);

}  // namespace quibble
