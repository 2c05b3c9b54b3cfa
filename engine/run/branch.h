// A branch: a run that follows another one up to a token, puts another token in its place and goes on from there.
#pragma once

#include "engine/values/run_request.h"
#include "engine/values/run_trace.h"

namespace quibble {

/// The request of a branch of `parent`, the run `id`, with `token` in the place of the token at `pos`. Prompt, seed, models and settings are the parent's;
/// the prompt's tokens are those that the parent recorded, so that the branch stands on the same text on any day and machine.
[[nodiscard]] RunRequest branchRequest(const RunTrace& parent, RunId id, Position pos, TokenId token);

/// `request` with the prompt that a run recorded, and the time that its template was given. What earlier versions stored without a prompt stays as it is.
[[nodiscard]] RunRequest withRecordedPrompt(RunRequest request, const RunProvenance& recorded);

}  // namespace quibble
