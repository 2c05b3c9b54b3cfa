// One sequence being computed: a model, its KV cache and the scratch memory of the forward pass. append() is the forward pass.
// The invariant kernels give the same bits however the tokens are split into calls (DESIGN, determinism), so decode, verify and
// reference blocks are all this one function.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/cache/kv_cache.h"
#include "engine/device/cpu_device.h"
#include "engine/model/model.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"

namespace quibble {

class Sequence {
public:
    /// Rows of one pass through the layers; longer appends are cut into passes of this many.
    static constexpr std::int64_t kMaxRows = 64;

    /// device and model must outlive the sequence. Errors: OutOfMemory when the cache cannot be had.
    [[nodiscard]] static Result<std::unique_ptr<Sequence>> create(std::shared_ptr<const Model> model, CpuDevice& device, Position context,
                                                                  Arithmetic arithmetic);

    [[nodiscard]] const Model& model() const { return *model_; }
    [[nodiscard]] Position size() const { return cache_.size(); }
    [[nodiscard]] Position capacity() const { return cache_.capacity(); }
    [[nodiscard]] std::size_t cacheBytes() const { return cache_.reservedBytes(); }
    void truncate(Position size) { cache_.truncate(size); }

    /// Appends tokens at positions size() ... and writes the logits of the last `n_logit_rows` of them to `logits`
    /// ([n_logit_rows, vocab_size]). Errors: InvalidArgument (token id outside the vocabulary, context full), Cancelled; after an
    /// error the sequence is as long as the passes that were finished.
    [[nodiscard]] Result<void> append(std::span<const TokenId> tokens, std::int64_t n_logit_rows, float* logits, const std::stop_token& stop = {});

private:
    Sequence(std::shared_ptr<const Model> model, CpuDevice& device, Position context, Arithmetic arithmetic);
    [[nodiscard]] Result<void> pass(std::span<const TokenId> tokens, std::int64_t n_logit_rows, float* logits, const std::stop_token& stop);
    void attentionBlock(int layer, std::int64_t n_rows);
    void feedForwardBlock(int layer, std::int64_t n_rows);
    void fillRope(std::int64_t n_rows);

    std::shared_ptr<const Model> model_;
    CpuDevice& device_;
    Arithmetic arithmetic_;
    KvCache cache_;
    // Scratch, [kMaxRows, width] each.
    std::vector<float> x_, normed_, q_, attended_, branch_, gate_, up_;
    std::vector<float> cos_, sin_;  // [kMaxRows, rope_dim / 2]
};

}  // namespace quibble
