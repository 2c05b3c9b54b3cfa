// What the KV caches of a run cost, before it starts: positions, bytes, and whether they fit in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/model_config.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

/// Configurations of the models of a run.
struct CacheModels {
    const ModelConfig* model = nullptr;      // the run's own
    const ModelConfig* reference = nullptr;  // nullptr: none
    std::vector<const ModelConfig*> drafts;  // those that keep a cache
};

/// Bytes of the caches when every position is written. Until then memory is occupied only as far as positions are
/// written.
struct CacheCost {
    Position context = 0;
    KvType type = KvType::F32;
    std::int64_t model_bytes = 0, reference_bytes = 0, draft_bytes = 0;
    std::int64_t second_bytes = 0;  // of the reply behind a rule's second prompt

    [[nodiscard]] std::int64_t bytes() const { return model_bytes + second_bytes + reference_bytes + draft_bytes; }
    /// "12.6 MB for 2048 positions (model f32 6.29 MB, reference f32 6.29 MB)"
    [[nodiscard]] std::string text() const;
};

/// Positions of the run's cache: as the request asks, or room for its prompt and limit; at most what model and
/// reference were made for.
[[nodiscard]] Position runContext(const RunRequest& request, std::int64_t prompt_tokens, const CacheModels& models);

/// Whether so many tokens leave room for one more. Errors: InvalidArgument, with what helps.
[[nodiscard]] Result<void> checkPromptFits(std::int64_t tokens, Position context, const CacheModels& models);

/// Errors: those of kvLayout.
[[nodiscard]] Result<CacheCost> cacheCost(const RunRequest& request, const CacheModels& models, Position context);

/// `stored`: bytes of these caches that are in memory already. Errors: OutOfMemory, with what is needed, what is there
/// and what would fit.
[[nodiscard]] Result<void> checkCacheFits(const CacheCost& cost, std::optional<std::int64_t> available,
                                          std::int64_t stored = 0);

}  // namespace quibble
