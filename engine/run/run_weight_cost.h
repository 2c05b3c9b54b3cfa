// What the weights of all models of a run will take in memory, said before anything is loaded. What a run took in the
// end is in RunFinished::peak_memory_bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/model/weight_cost.h"
#include "engine/values/run_request.h"

namespace quibble {

/// The files of a run, opened but not loaded.
struct RunFiles {
    const ModelFile* model = nullptr;
    const ModelFile* reference = nullptr;  // nullptr: none; the model's own where its stored weights are the reference
    std::vector<const ModelFile*> drafts;
};

struct RunWeightCost {
    WeightCost model;
    std::optional<WeightCost> reference;
    std::vector<WeightCost> drafts;
    bool shared_file = false;   // model and reference read one file, and what both read in place is in memory once
    bool same_weights = false;  // the reference is the model itself

    [[nodiscard]] std::int64_t bytes() const;
    /// "2.84 GB (model 1.66 GB, reference 1.27 GB)"
    [[nodiscard]] std::string text() const;
};

/// Errors: InvalidArgument for a quantizer that there is not.
[[nodiscard]] Result<RunWeightCost> runWeightCost(const RunRequest& request, const RunFiles& files);
/// The same, with the files opened by what the request says. Errors: also those of ModelFile::open.
[[nodiscard]] Result<RunWeightCost> runWeightCost(const RunRequest& request);

}  // namespace quibble
