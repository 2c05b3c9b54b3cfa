// Tokens a second of many runs at once, as the scheduler has them: forward passes, sampling, all measurements, and the
// reference where there is one.
#pragma once

#include <stop_token>

#include "engine/run/run_models.h"
#include "engine/run/scheduler.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

/// `count` runs of `request` with seeds of their own, each of request.max_tokens tokens whatever ends of turns come.
/// Gives the tokens of all of them a second, from where all prompts are read until the last token is scored. Errors:
/// those of RunLoop; Cancelled.
[[nodiscard]] Result<double> parallelSpeed(const RunRequest& request, const RunModels& models, CpuDevice& device,
                                           int count, const std::stop_token& stop);

}  // namespace quibble
