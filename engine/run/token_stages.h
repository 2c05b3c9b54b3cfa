// The stages of one token of a run, made when somebody asks: the position is computed again as a branch would stand
// there, so that what comes out is bit for bit what `run --stages` gave while the run went on. Drafts and the
// reference are left out, because they change no bit of it.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/device/cpu/cpu_device.h"
#include "engine/model/model_cache.h"
#include "engine/run/run_models.h"
#include "engine/values/result.h"
#include "engine/values/run_trace.h"
#include "engine/values/stage_table.h"

namespace quibble {

class PrefixCache;

/// What has to be computed; a value, so that another thread can answer it.
struct StagesQuestion {
    RunRequest request;  // of a branch that puts the token where it stands
    std::vector<ControlChange> controls;
    std::string model_hash;  // that made the run; empty: not recorded
    int rows = 0;            // of the table; more than the vocabulary has: all
    bool rewritten = false;  // a rule took text in front of the token back and put another one there
    /// The same text before the run's reference, where its likeliest tokens are asked for too.
    std::optional<RunRequest> reference;
    std::string reference_hash;
};

/// Whether the token at `pos` was chosen by the run that this one, a branch, left: its stages are found in the parent.
[[nodiscard]] bool chosenByParent(const RunTrace& run, Position pos);

/// The question for the token at `pos` of a run, stored or going on. Errors, a sentence for people: NotFound (no token
/// stands there), InvalidArgument (it was not sampled, the parent chose it, or a rule of drafts drew it with noise of
/// its own, or experts were left out, so that a position cannot be computed by itself).
[[nodiscard]] Result<StagesQuestion> askForStages(const RunTrace& run, Position pos, int rows);
/// Asks for the alternatives of the run's reference too; nothing happens where it has none.
void askForReference(StagesQuestion& question, const RunTrace& run);

struct TokenStagesFound {
    TokenStages stages;  // as the run gives them
    StageTable table;
};

/// Opens the model of the question and computes. What it has in common with earlier questions is taken from `prefixes`.
/// A reference that is not here is left out. Errors: those of opening and running; FileCorrupt when the model here is
/// not the one that made the run; Cancelled.
[[nodiscard]] Result<TokenStagesFound> findStages(const StagesQuestion& question, ModelCache& models, CpuDevice& device,
                                                  PrefixCache& prefixes, const std::stop_token& stop = {});

}  // namespace quibble
