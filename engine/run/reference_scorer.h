// Scores generated tokens with the reference, in blocks behind the text: KL(p_ref || q) over the whole vocabulary,
// raw logits, identical prefix (arXiv 2606.00206). A block of k tokens costs the memory traffic of one.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/forward/sequence.h"
#include "engine/values/token_record.h"

namespace quibble {

/// What the reference says about `id` at `pos`, from its raw logits p and the quantized model's q with their
/// log-sum-exp.
[[nodiscard]] ReferenceRecord measureReference(std::span<const float> p, std::span<const float> q, double q_log_sum_exp,
                                               TokenId id, Position pos, int top_alternatives);

class ReferenceScorer {
public:
    /// `fed` are the tokens before the first one to be scored: the prompt, and for a branch the kept tokens. The
    /// sequence may hold all but the last of them already. block: tokens that are scored together, if so many wait.
    ReferenceScorer(std::unique_ptr<Sequence> sequence, std::vector<TokenId> fed, int block, int top_alternatives);

    /// Queues the token at the next position with the quantized model's raw logits there ([vocab_size]) and their
    /// log-sum-exp.
    void push(TokenId id, Position pos, std::span<const float> logits, double log_sum_exp);

    [[nodiscard]] bool blockReady() const { return pending_.size() >= static_cast<std::size_t>(block_); }
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }

    /// What the reference reads next, at most `most` rows: of the text that it has not read, and then the inputs of the
    /// tokens that wait. Something must wait. Valid until passDone().
    [[nodiscard]] PassRows nextRows(std::int64_t most = Sequence::kMaxRows);
    /// The rows of nextRows() were computed, in pass_ns nanoseconds. Appends a record for each token that was scored.
    /// device: measures on all of its threads; nullptr: on this one.
    void passDone(std::int64_t pass_ns, std::vector<ReferenceRecord>& out, CpuDevice* device);

    /// The text is `text` now, which is the beginning of what it was; the token of its next position is queued next.
    void takeBack(std::span<const TokenId> text);

    [[nodiscard]] std::int64_t spentNs() const { return spent_ns_; }
    [[nodiscard]] const Sequence& sequence() const { return *sequence_; }

private:
    struct Pending {
        TokenId id;
        Position pos;
        double log_sum_exp;
    };
    [[nodiscard]] ReferenceRecord measure(std::size_t row) const;

    std::unique_ptr<Sequence> sequence_;
    std::vector<TokenId> unfed_;  // tokens that the reference has not seen; the last is the input for pending_[0]
    std::vector<Pending> pending_;
    std::vector<float> q_logits_;  // [pending, vocab_size] of the quantized model
    std::vector<float> p_logits_;  // [rows of the pass, vocab_size] of the reference
    std::vector<TokenId> inputs_;  // of the pass
    std::size_t scoring_ = 0;      // tokens that the pass scores; 0: it reads text
    int block_;
    int top_alternatives_;
    std::int64_t spent_ns_ = 0;
};

}  // namespace quibble
