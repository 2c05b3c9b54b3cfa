// Opens models and keeps the last few, so that a second run, a branch or a reference of the same file costs nothing.
// Files that are the same share one mapping and one tokenizer. Thread-safe: the window inspects a model while a run
// uses it.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>

#include "engine/model/model.h"
#include "engine/values/param_spec.h"

namespace quibble {

class ModelCache {
public:
    /// How many models are kept although nobody uses them.
    explicit ModelCache(std::size_t keep = 4) : keep_(keep) {}

    /// Loads or returns a model. A file that was changed on disk since is loaded anew. Errors: those of Model::load.
    [[nodiscard]] Result<std::shared_ptr<const Model>> get(const std::filesystem::path& path,
                                                           const LoadOptions& options);

private:
    struct Entry {
        std::filesystem::path path;
        std::filesystem::file_time_type modified;
        MethodChoice weight_quant;
        bool packed;
        std::shared_ptr<const Model> model;
    };

    std::mutex mutex_;
    std::list<Entry> entries_;  // last used first
    std::size_t keep_;
};

}  // namespace quibble
