// Repeats a stored run and compares every number with what was stored, bit for bit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/device/cpu/cpu_device.h"
#include "engine/model/model_cache.h"
#include "engine/values/result.h"
#include "engine/values/run_trace.h"

namespace quibble {

/// The first figure that came out differently.
struct ReplayDifference {
    Position pos = 0;
    std::string field;             // "entropy", "kl", "id", "top[3].logprob" ...
    std::string stored, repeated;  // with all digits and, for floats, the bits
};

struct ReplayReport {
    std::int64_t tokens = 0;      // compared
    std::int64_t references = 0;  // compared
    std::optional<ReplayDifference> difference;
    std::string note;  // for people: the stored run had another instruction set or version, or the template makes
                       // another prompt today
};

/// stored: a trace as the store loads it (a branch begins with its parent's tokens, which are not repeated). request:
/// the stored request, with model paths that exist here. The run begins with the prompt tokens that it recorded.
/// Errors: those of loading and running; FileCorrupt when the model here is not the one that made the run.
[[nodiscard]] Result<ReplayReport> replayRun(const RunTrace& stored, const RunRequest& request, ModelCache& models,
                                             CpuDevice& device);

}  // namespace quibble
