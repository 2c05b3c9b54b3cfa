// The models that a run needs, opened by what its request says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/model/model_cache.h"
#include "engine/run/cache_cost.h"
#include "engine/values/method_head.h"
#include "engine/values/run_request.h"

namespace quibble {

/// reference may be empty; quantized and reference may be one object.
struct RunModels {
    std::shared_ptr<const Model> quantized;
    std::shared_ptr<const Model> reference;
    std::vector<std::shared_ptr<const Model>> drafts;  // that the user named, largest first
};

/// Configurations of models that keep a cache each.
[[nodiscard]] CacheModels cacheModelsOf(const RunModels& models);

/// What methods find in these models; `draft_models` counts those that are open. The traits name the model by its
/// configuration, which has to outlive them.
[[nodiscard]] RunTraits traitsOf(const RunModels& models);
/// In a model alone.
[[nodiscard]] RunTraits traitsOf(const Model& model);

/// Asked for the memory that weights and caches must fit in, as in LoadOptions.
using FreeMemory = decltype(LoadOptions::free_memory);

/// Errors: those of Model::load; InvalidArgument when a draft method misses its model file. options.weight_quant and
/// packed are ignored: the request says both.
[[nodiscard]] Result<RunModels> openRunModels(ModelCache& cache, const RunRequest& request, LoadOptions options);

/// Whether the model here is the one whose hash a run recorded (empty: it recorded none). Errors: FileCorrupt, naming
/// `what` it is for the run.
[[nodiscard]] Result<void> checkSameModel(const std::string& what, const std::string& stored, const std::string& here);

}  // namespace quibble
