// A model that drafts: its sequence, kept in step with the text, and the rule by which it picks a token.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/draft/draft_method.h"
#include "engine/forward/sequence.h"

namespace quibble {

/// A parameter of every drafter whose chain adapts to how sure the draft is.
inline constexpr ParamSpec kStopBelow{
    "confidence",
    "Stop below",
    "",
    0,
    1,
    0,
    0,
    "Drafting stops where the draft's most likely token is less likely than this; 0: never"};

/// A picked token with its probability, and the distribution it was drawn from (empty: it was chosen, not drawn).
struct DraftedToken {
    TokenId id = kNoToken;
    float prob = 0;        // under shownSettings
    float confidence = 0;  // largest probability of that distribution
    TokenDistribution drawn_from;
};

class DraftModel {
public:
    /// Errors: OutOfMemory.
    [[nodiscard]] static Result<std::unique_ptr<DraftModel>> create(std::shared_ptr<const Model> model,
                                                                    const DraftSetup& setup);

    /// Brings the sequence to exactly `text` (at least one token): keeps the longest common beginning, feeds the rest.
    /// Afterwards logits() stand behind the text. Errors: Cancelled (call again), and those of Sequence::append.
    [[nodiscard]] Result<void> follow(std::span<const TokenId> text, const std::stop_token& stop);
    /// One more token behind what was followed.
    [[nodiscard]] Result<void> extend(TokenId token, const std::stop_token& stop) {
        return extend({&token, 1}, 1, stop);
    }
    /// Several at once; rows() then holds the logits behind the last `n_rows` of them, [n_rows, vocab_size].
    [[nodiscard]] Result<void> extend(std::span<const TokenId> tokens, std::int64_t n_rows,
                                      const std::stop_token& stop);

    [[nodiscard]] std::span<const float> logits() const { return row(rows_held_ - 1); }
    [[nodiscard]] std::span<const float> row(std::int64_t index) const;
    [[nodiscard]] const Model& model() const { return sequence_->model(); }
    [[nodiscard]] Sequence& sequence() { return *sequence_; }
    /// Everything fed so far; its last token is the one that logits() follow.
    [[nodiscard]] std::span<const TokenId> fed() const { return fed_; }

    /// The token that the rules pick from `raw` at position `pos` of a path that `follower` is on.
    [[nodiscard]] DraftedToken pick(std::span<const float> raw, const DraftRules& rules, const RuleFollower& follower,
                                    Position pos);

private:
    explicit DraftModel(std::unique_ptr<Sequence> sequence) : sequence_(std::move(sequence)) {}

    std::unique_ptr<Sequence> sequence_;
    std::vector<TokenId> fed_;
    std::vector<float> rows_;
    std::int64_t rows_held_ = 0;
    std::vector<float> penalized_;
    Sampler sampler_;
};

/// The part of `task` that bounds a chain: nodes, depth, and the model's own context.
[[nodiscard]] int chainRoom(const DraftTask& task, int length, Position context);

/// Draws the next `length` tokens one by one into `tree`, as a chain behind the text; stops early when the confidence
/// falls below `least_confidence`. `model` must already follow the text. on_row, when set, is told the raw logits
/// behind the text and behind each node.
[[nodiscard]] Result<void> draftChain(DraftModel& model, const DraftTask& task, int length, double least_confidence,
                                      DraftTree& tree, const std::stop_token& stop,
                                      std::vector<float>* kept_rows = nullptr);

}  // namespace quibble
