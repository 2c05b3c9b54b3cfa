// A text with the state that a model keeps of it: the keys and values of its positions. A ForwardPass computes its
// rows, alone or together with those of other sequences; append() and appendTree() are passes of this sequence alone.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/cache/kv_cache.h"
#include "engine/cache/prefix_cache.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/experts.h"
#include "engine/forward/forward_pass.h"
#include "engine/forward/taps.h"
#include "engine/model/model.h"
#include "engine/values/expert_record.h"
#include "engine/values/ids.h"
#include "engine/values/kv_type.h"
#include "engine/values/result.h"

namespace quibble {

/// What the numbers of a sequence depend on beside the model and the tokens.
struct SequenceSettings {
    SequenceSettings(Arithmetic the_arithmetic = Arithmetic::Native, KvType the_kv_type = KvType::F32,
                     Position the_throughput_end = 0)
        : arithmetic(the_arithmetic), kv_type(the_kv_type), throughput_end(the_throughput_end) {}
    Arithmetic arithmetic;
    KvType kv_type;
    /// Positions before this one round the inputs of the layers' BF16 weights to BF16. Without such weights, or on a
    /// device without such products, all are exact. Nothing but the position decides, so the bits stay those of any
    /// other split into calls; logits are always of exact products.
    Position throughput_end;
    bool operator==(const SequenceSettings&) const = default;
};

/// Where a sequence takes the beginning of its text from, and where it leaves what it has computed when it ends.
struct PrefixReuse {
    PrefixCache* prefixes = nullptr;  // nullptr: nothing is taken or left. Outlives the sequence
    std::span<const TokenId> text{};  // that will be appended; all but its last token can be taken
    bool with_experts = false;        // only positions whose experts are known
};

class Sequence {
public:
    static constexpr std::int64_t kMaxRows = ForwardPass::kMaxRows;
    static constexpr std::int64_t kMaxPassRows = ForwardPass::kMaxPassRows;

    /// A sequence that `forward` computes. It begins with the positions that it can take over. Errors: OutOfMemory
    /// when the cache cannot be had, InvalidArgument where its type cannot hold the model's heads.
    [[nodiscard]] static Result<std::unique_ptr<Sequence>> create(std::shared_ptr<ForwardPass> forward,
                                                                  Position context, SequenceSettings settings,
                                                                  const PrefixReuse& reuse = {});
    /// With a forward pass of its own. device must outlive the sequence.
    [[nodiscard]] static Result<std::unique_ptr<Sequence>> create(std::shared_ptr<const Model> model, CpuDevice& device,
                                                                  Position context, SequenceSettings settings,
                                                                  const PrefixReuse& reuse = {});
    ~Sequence();
    Sequence(const Sequence&) = delete;
    Sequence& operator=(const Sequence&) = delete;

    [[nodiscard]] const Model& model() const { return *forward_->model(); }
    [[nodiscard]] ForwardPass& forward() const { return *forward_; }
    [[nodiscard]] const SequenceSettings& settings() const { return settings_; }
    [[nodiscard]] Position size() const { return cache_.size(); }
    [[nodiscard]] Position capacity() const { return cache_.capacity(); }
    /// How many tokens the first pass of an append() of `n` tokens takes. All rows of a pass are computed in one way,
    /// rounded or exact.
    [[nodiscard]] std::int64_t firstPassRows(std::int64_t n) const {
        n = std::min(n, kMaxPassRows);
        return size() < settings_.throughput_end ? std::min<std::int64_t>(n, settings_.throughput_end - size()) : n;
    }
    /// SequenceSettings::throughput_end, or 0 where it would change nothing.
    [[nodiscard]] Position throughputEnd() const { return settings_.throughput_end; }
    [[nodiscard]] std::size_t cacheBytes() const { return cache_.reservedBytes(); }
    /// Positions that were there from the beginning, and the bytes of memory that they share with an earlier sequence.
    [[nodiscard]] Position reused() const { return reused_; }
    [[nodiscard]] std::size_t sharedBytes() const { return cache_.sharedBytes(); }
    /// Takes positions back, and an open tree with them.
    void truncate(Position size) {
        tree_paths_.clear();
        tree_tokens_.clear();
        cache_.truncate(size);
        tokens_.resize(static_cast<std::size_t>(size));
        if (known_experts_.size() > tokens_.size()) known_experts_.resize(tokens_.size());
    }

    /// The experts of the positions from 0 on, as far as tellExperts() was told of them. A sequence that takes this
    /// text over takes them over too.
    [[nodiscard]] std::span<const TokenExperts> knownExperts() const { return known_experts_; }
    /// Called in the order of positions.
    void tellExperts(TokenExperts experts) {
        if (static_cast<std::size_t>(experts.pos) == known_experts_.size())
            known_experts_.push_back(std::move(experts));
    }

    /// Selector, tap and traffic of the expert layers; nullptr for a dense model.
    [[nodiscard]] SequenceExperts* experts() { return experts_ ? &*experts_ : nullptr; }
    [[nodiscard]] Taps& taps() { return taps_; }

    /// Appends tokens at positions size() ... and writes the logits of the last `n_logit_rows` of them to `logits`
    /// ([n_logit_rows, vocab_size]). Errors: InvalidArgument (token id outside the vocabulary, context full),
    /// Cancelled; after an error the sequence is as long as the passes that were finished.
    [[nodiscard]] Result<void> append(std::span<const TokenId> tokens, std::int64_t n_logit_rows, float* logits,
                                      const std::stop_token& stop = {});

    /// Appends rows of a token tree behind size(): parents[i] is an earlier row of the tree (counted from its first) or
    /// -1 for the text. A row stands at the position of its depth and sees the text and its ancestors, so along every
    /// path the bits are those of append(). May be called again to grow the tree; size() stays until keepRows().
    /// logits: [tokens, vocab_size]. At most kMaxRows at once. Errors: as append; after an error these rows are not in
    /// the tree.
    [[nodiscard]] Result<void> appendTree(std::span<const TokenId> tokens, std::span<const std::int32_t> parents,
                                          float* logits, const std::stop_token& stop = {});
    /// Rows of the open tree.
    [[nodiscard]] std::int64_t treeRows() const { return static_cast<std::int64_t>(tree_paths_.size()); }
    /// Takes rows of the open tree back, all but the first `rows`.
    void dropTreeRows(std::int64_t rows) {
        QUIBBLE_CHECK(rows >= 0 && rows <= treeRows(), "a tree cannot be cut to more rows than it has");
        tree_paths_.resize(static_cast<std::size_t>(rows));
        tree_tokens_.resize(static_cast<std::size_t>(rows));
    }
    /// Ends the tree: the rows of one path from the text on become part of the sequence, the others are dropped.
    /// Nothing before them moves.
    void keepRows(std::span<const std::int32_t> path);

private:
    friend class ForwardPass;
    Sequence(std::shared_ptr<ForwardPass> forward, KvCache cache, const SequenceSettings& settings);
    /// What else must be equal for two texts to have the same keys and values.
    [[nodiscard]] static std::string prefixKey(const Model& model, const SequenceSettings& settings);

    // What the forward pass asks, in this order.
    /// Whether the inputs of the next rows are rounded (SequenceSettings::throughput_end).
    [[nodiscard]] bool roundsNext() const { return size() < settings_.throughput_end; }
    [[nodiscard]] Result<void> checkPass(const PassRows& rows) const;
    [[nodiscard]] KvCache& cache() { return cache_; }
    [[nodiscard]] Position nextSlot() const { return size() + static_cast<Position>(tree_paths_.size()); }
    /// Adds the positions of the rows, and gives the paths of rows of a tree.
    [[nodiscard]] std::span<const std::vector<std::int32_t>> openPass(const PassRows& rows,
                                                                      std::vector<Position>& positions);
    /// done: the rows were computed. Otherwise the sequence is again as it was.
    void closePass(const PassRows& rows, bool done);

    std::shared_ptr<ForwardPass> forward_;
    SequenceSettings settings_;
    KvCache cache_;
    std::vector<TokenId> tokens_;  // [size()]
    std::vector<TokenExperts> known_experts_;
    PrefixCache* prefixes_ = nullptr;
    Position reused_ = 0;
    std::optional<SequenceExperts> experts_;
    Taps taps_;
    std::vector<std::vector<std::int32_t>>
        tree_paths_;                    // by row of the open tree: the slots of its ancestors and its own
    std::vector<TokenId> tree_tokens_;  // by row of the open tree
};

}  // namespace quibble
