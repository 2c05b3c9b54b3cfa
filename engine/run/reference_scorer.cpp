#include "engine/run/reference_scorer.h"

#include <algorithm>

#include "engine/base/clock.h"
#include "engine/run/distribution.h"

namespace quibble {

ReferenceScorer::ReferenceScorer(std::unique_ptr<Sequence> sequence, std::vector<TokenId> fed, int block,
                                 int top_alternatives)
    : sequence_(std::move(sequence)),
      unfed_(std::move(fed)),
      block_(std::clamp(block, 1, static_cast<int>(Sequence::kMaxRows))),
      top_alternatives_(top_alternatives) {
    unfed_.erase(unfed_.begin(), unfed_.begin() + sequence_->size());
    q_logits_.reserve(static_cast<std::size_t>(block_) *
                      static_cast<std::size_t>(sequence_->model().config().vocab_size));
}

void ReferenceScorer::push(TokenId id, Position pos, std::span<const float> logits, double log_sum_exp) {
    q_logits_.insert(q_logits_.end(), logits.begin(), logits.end());
    pending_.push_back({id, pos, log_sum_exp});
}

void ReferenceScorer::takeBack(std::span<const TokenId> text) {
    const auto end = static_cast<Position>(text.size());
    const auto gone =
        std::find_if(pending_.begin(), pending_.end(), [&](const Pending& one) { return one.pos >= end; });
    const auto vocab = static_cast<std::ptrdiff_t>(sequence_->model().config().vocab_size);
    q_logits_.resize(static_cast<std::size_t>((gone - pending_.begin()) * vocab));
    pending_.erase(gone, pending_.end());
    if (!pending_.empty()) return;  // what the reference has read ends before them
    sequence_->truncate(std::min(sequence_->size(), end - 1));
    unfed_.assign(text.begin() + sequence_->size(), text.end());
}

ReferenceRecord measureReference(std::span<const float> p, std::span<const float> q, double q_log_sum_exp, TokenId id,
                                 Position pos, int top_alternatives) {
    const auto vocab = static_cast<std::int64_t>(p.size());
    kernels::LogitStats stats;
    kernels::ops().logitStats(p.data(), vocab, &stats);
    ReferenceRecord record;
    record.pos = pos;
    record.kl =
        recordedDivergence(kernels::ops().klDivergence(p.data(), stats.log_sum_exp, q.data(), q_log_sum_exp, vocab));
    record.entropy = static_cast<float>(stats.entropy);
    record.varentropy = static_cast<float>(stats.varentropy);
    record.logprob = static_cast<float>(static_cast<double>(p[static_cast<std::size_t>(id)]) - stats.log_sum_exp);
    record.rank = rankOf(p, id);
    record.top = topAlternatives(p, stats.log_sum_exp, top_alternatives);
    return record;
}

ReferenceRecord ReferenceScorer::measure(std::size_t row) const {
    const auto vocab = static_cast<std::size_t>(sequence_->model().config().vocab_size);
    const Pending& token = pending_[row];
    return measureReference({p_logits_.data() + row * vocab, vocab}, {q_logits_.data() + row * vocab, vocab},
                            token.log_sum_exp, token.id, token.pos, top_alternatives_);
}

PassRows ReferenceScorer::nextRows(std::int64_t most) {
    QUIBBLE_CHECK(!pending_.empty() && most > 0, "the reference reads when tokens wait for it");
    const std::size_t ahead = unfed_.size() - 1;
    if (ahead > 0) {
        scoring_ = 0;
        const auto rows = std::min(static_cast<std::int64_t>(ahead), std::min(most, Sequence::kMaxPassRows));
        inputs_.assign(unfed_.begin(), unfed_.begin() + rows);
        return {sequence_.get(), inputs_, {}, 0, nullptr};
    }
    scoring_ =
        std::min({pending_.size(), static_cast<std::size_t>(most), static_cast<std::size_t>(Sequence::kMaxRows)});
    inputs_.assign(1, unfed_.front());
    for (std::size_t i = 0; i + 1 < scoring_; ++i) inputs_.push_back(pending_[i].id);
    const auto vocab = static_cast<std::size_t>(sequence_->model().config().vocab_size);
    if (p_logits_.size() < scoring_ * vocab) p_logits_.resize(scoring_ * vocab);
    return {sequence_.get(), inputs_, {}, static_cast<std::int64_t>(scoring_), p_logits_.data()};
}

void ReferenceScorer::passDone(std::int64_t pass_ns, std::vector<ReferenceRecord>& out, CpuDevice* device) {
    spent_ns_ += pass_ns;
    if (scoring_ == 0) {
        unfed_.erase(unfed_.begin(), unfed_.begin() + static_cast<std::ptrdiff_t>(inputs_.size()));
        return;
    }
    const std::int64_t began = nowNs();
    const std::size_t first = out.size();
    out.resize(first + scoring_);
    const auto measureRow = [&](std::int64_t row) {
        out[first + static_cast<std::size_t>(row)] = measure(static_cast<std::size_t>(row));
    };
    const auto rows = static_cast<std::int64_t>(scoring_);
    if (device != nullptr) {
        device->forEach(rows, measureRow);
    } else {
        for (std::int64_t row = 0; row < rows; ++row) measureRow(row);
    }
    unfed_ = {pending_[scoring_ - 1].id};
    const auto vocab = static_cast<std::size_t>(sequence_->model().config().vocab_size);
    pending_.erase(pending_.begin(), pending_.begin() + rows);
    q_logits_.erase(q_logits_.begin(), q_logits_.begin() + static_cast<std::ptrdiff_t>(scoring_ * vocab));
    spent_ns_ += nowNs() - began;
}

}  // namespace quibble
