// The forward pass of a model on a device: rows of one or of several sequences, computed together. What a row becomes
// depends on its own sequence alone; the invariant kernels give it the same bits whatever rows share the pass (DESIGN,
// determinism). So decode, verify, reference blocks, prompts and batches are all this one function.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/base/aligned_vector.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/experts.h"
#include "engine/forward/taps.h"
#include "engine/model/model.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"

namespace quibble {

class Sequence;

/// The rows of one sequence in a pass.
struct PassRows {
    Sequence* sequence = nullptr;
    std::span<const TokenId> tokens{};
    /// Empty: the rows continue the text, and at most Sequence::firstPassRows() of them. Otherwise they are rows of its
    /// token tree: parents[i] is an earlier row of the tree (counted from its first) or -1 for the text. A row of a
    /// tree stands at the position of its depth and sees the text and its ancestors.
    std::span<const std::int32_t> parents{};
    std::int64_t n_logit_rows = 0;  // the last ones, whose logits are wanted
    float* logits = nullptr;        // [n_logit_rows, vocab_size]
};

class ForwardPass {
public:
    /// Rows of one sequence with logits, or of its tree, in a pass, at most.
    static constexpr std::int64_t kMaxRows = 64;
    /// Rows of a pass, at most: enough that the weights of an expert serve many rows each time they are read.
    static constexpr std::int64_t kMaxPassRows = 256;

    /// device must outlive the pass.
    ForwardPass(std::shared_ptr<const Model> model, CpuDevice& device);
    ForwardPass(const ForwardPass&) = delete;
    ForwardPass& operator=(const ForwardPass&) = delete;

    [[nodiscard]] const std::shared_ptr<const Model>& model() const { return model_; }
    [[nodiscard]] CpuDevice& device() const { return device_; }

    /// Whether the rows may share a pass with those of `other`: one model, and one way to multiply.
    [[nodiscard]] static bool together(const PassRows& a, const PassRows& b);

    /// Computes all rows and appends them to their sequences, or to the trees of those. The parts are of different
    /// sequences that were made for this pass, may share one (together()), and have kMaxPassRows rows in all, at most.
    /// Errors: InvalidArgument (token id outside the vocabulary, context full), Cancelled; after an error no sequence
    /// has changed.
    [[nodiscard]] Result<void> run(std::span<const PassRows> parts, const std::stop_token& stop = {});

private:
    struct Part {
        Sequence* sequence = nullptr;
        std::int64_t first_row = 0, n_rows = 0;
        Position first_slot = 0;                           // where its keys and values are stored
        std::span<const std::vector<std::int32_t>> paths;  // of a tree, else empty
    };
    [[nodiscard]] Result<void> open(std::span<const PassRows> parts);
    [[nodiscard]] Result<void> compute(std::span<const PassRows> parts, const std::stop_token& stop);
    // These give up between two operations once a stop is asked for. What is in x_ then means nothing.
    void attentionBlock(int layer);
    void attend(int layer);
    void feedForwardBlock(int layer);
    [[nodiscard]] bool logits(std::span<const PassRows> parts);
    void tell(TapPoint point, int layer, const float* rows, std::int64_t width) const;
    void fillRope();
    void reserveRows(std::int64_t n_rows);

    std::shared_ptr<const Model> model_;
    CpuDevice& device_;
    std::optional<ExpertLayers> experts_;
    // Of the current pass.
    std::vector<Part> parts_;
    std::vector<Position> positions_;  // by row
    std::vector<ExpertRows> expert_rows_;
    std::vector<CpuDevice::KvRows> kv_rows_;
    std::vector<CpuDevice::AttentionTask> attention_;
    Products products_;
    std::int64_t n_rows_ = 0;
    bool tapped_ = false;  // a sequence of the pass has a tap
    // Scratch, [scratch_rows_, width] each.
    std::int64_t scratch_rows_ = 0;
    AlignedVector<float> x_, normed_, q_, k_, v_, attended_, branch_, gate_, up_;
    std::vector<float> cos_, sin_;     // [scratch_rows_, rope_dim / 2]
    std::vector<float> joint_logits_;  // of the parts that share a pass
};

/// The forward passes of the models on one device, one for each model, so that sequences of a model can share passes
/// whoever made them. A pass lives as long as a sequence of it.
class ForwardPasses {
public:
    /// device must outlive the passes.
    explicit ForwardPasses(CpuDevice& device) : device_(device) {}
    [[nodiscard]] std::shared_ptr<ForwardPass> of(const std::shared_ptr<const Model>& model);

private:
    CpuDevice& device_;
    std::vector<std::weak_ptr<ForwardPass>> passes_;
};

}  // namespace quibble
