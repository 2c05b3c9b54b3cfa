#include "engine/run/reference_scorer.h"

#include <algorithm>

#include "engine/base/clock.h"
#include "engine/run/distribution.h"

namespace quibble {

ReferenceScorer::ReferenceScorer(std::unique_ptr<Sequence> sequence, CpuDevice& device, std::vector<TokenId> fed,
                                 int block, int top_alternatives)
    : sequence_(std::move(sequence)),
      device_(device),
      unfed_(std::move(fed)),
      block_(std::clamp(block, 1, static_cast<int>(Sequence::kMaxRows))),
      top_alternatives_(top_alternatives) {
    unfed_.erase(unfed_.begin(), unfed_.begin() + sequence_->size());
    const auto vocab = static_cast<std::size_t>(sequence_->model().config().vocab_size);
    q_logits_.resize(static_cast<std::size_t>(block_) * vocab);
    p_logits_.resize(q_logits_.size());
}

void ReferenceScorer::push(TokenId id, Position pos, std::span<const float> logits, double log_sum_exp) {
    QUIBBLE_CHECK(pending_.size() < static_cast<std::size_t>(block_),
                  "a full block must be scored before the next token is queued");
    std::copy(logits.begin(), logits.end(),
              q_logits_.begin() + static_cast<std::ptrdiff_t>(pending_.size() * logits.size()));
    pending_.push_back({id, pos, log_sum_exp});
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

Result<void> ReferenceScorer::score(std::vector<ReferenceRecord>& out, const std::stop_token& stop) {
    if (pending_.empty()) return {};
    const std::int64_t began = nowNs();
    const auto rows = static_cast<std::int64_t>(pending_.size());

    // First the reference reads all known tokens but the last; this is the prompt, and happens once. When a pass is
    // stopped in between, what is finished is kept.
    const std::size_t ahead = unfed_.size() - 1;
    for (std::size_t done = 0; done < ahead;) {
        const std::size_t n = std::min<std::size_t>(ahead - done, static_cast<std::size_t>(Sequence::kMaxPassRows));
        if (auto fed = sequence_->append({unfed_.data(), n}, 0, nullptr, stop); !fed) return fed;
        unfed_.erase(unfed_.begin(), unfed_.begin() + static_cast<std::ptrdiff_t>(n));
        done += n;
    }
    std::vector<TokenId> inputs{unfed_.front()};
    for (std::size_t i = 0; i + 1 < pending_.size(); ++i) inputs.push_back(pending_[i].id);
    if (auto fed = sequence_->append(inputs, rows, p_logits_.data(), stop); !fed) return fed;

    const std::size_t first = out.size();
    out.resize(first + pending_.size());
    device_.forEach(rows, [&](std::int64_t row) {
        out[first + static_cast<std::size_t>(row)] = measure(static_cast<std::size_t>(row));
    });
    unfed_ = {pending_.back().id};
    pending_.clear();
    spent_ns_ += nowNs() - began;
    return {};
}

}  // namespace quibble
