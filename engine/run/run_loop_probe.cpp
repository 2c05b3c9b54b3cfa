// Reading on from a text on trial: what the run would say if something else stood there.
#include <cmath>

#include "engine/run/run_loop.h"
#include "engine/run/run_loop_round.h"

namespace quibble {

Result<void> RunLoop::readOnTrial(std::span<const TokenId> tokens, std::int32_t& parent, std::span<float> logits,
                                  const std::stop_token& stop) {
    while (!tokens.empty()) {
        const auto here = tokens.first(std::min<std::size_t>(tokens.size(), Sequence::kMaxRows));
        tokens = tokens.subspan(here.size());
        std::vector<std::int32_t> parents(here.size(), parent);
        for (std::size_t i = 1; i < here.size(); ++i)
            parents[i] = static_cast<std::int32_t>(sequence_->treeRows()) + static_cast<std::int32_t>(i) - 1;
        const PassRows rows{sequence_.get(), here, parents, tokens.empty() ? 1 : 0, logits.data()};
        if (auto passed = passAlone({&rows, 1}, stop); !passed) return tl::unexpected(passed.error());
        parent = static_cast<std::int32_t>(sequence_->treeRows()) - 1;
    }
    return {};
}

// What was there before is there again behind it: the rows of the tree, and the record of its experts.
Result<std::optional<ProbeResult>> RunLoop::probe(const Round& round, std::span<const float> raw, const Trial& trial,
                                                  std::int32_t& read, const std::stop_token& stop) {
    const std::int64_t kept = sequence_->treeRows();
    std::optional<SequenceExperts> experts;
    if (SequenceExperts* recorded = sequence_->experts(); recorded != nullptr) {
        experts = *recorded;
        *recorded = SequenceExperts(sequence_->model().config());
    }
    auto result = answerOnTrial(round, raw, trial, read, stop);
    sequence_->dropTreeRows(kept);
    if (experts) *sequence_->experts() = std::move(*experts);
    return result;
}

Result<std::optional<ProbeResult>> RunLoop::answerOnTrial(const Round& round, std::span<const float> raw,
                                                          const Trial& trial, std::int32_t& read,
                                                          const std::stop_token& stop) {
    const auto& [appended, max_new, enough] = trial;
    const std::int64_t room =
        sequence_->capacity() - sequence_->size() - sequence_->treeRows() - static_cast<std::int64_t>(appended.size());
    if (room < 0) return std::optional<ProbeResult>();
    // The last token is generated, and not read.
    const auto most = static_cast<std::size_t>(std::max<std::int64_t>(0, std::min<std::int64_t>(max_new, room + 1)));
    std::int32_t parent = round.node + 1 + static_cast<std::int32_t>(round.first_row);
    std::vector<float> logits(raw.begin(), raw.end());
    if (auto passed = readOnTrial(appended, parent, logits, stop); !passed) return tl::unexpected(passed.error());
    auto stats = statsOf(logits);
    if (!stats) return tl::unexpected(stats.error());
    ProbeResult result;
    result.entropy = stats->entropy;
    while (result.tokens.size() < most) {
        const TokenId id = stats->argmax;
        result.tokens.push_back(id);
        result.probabilities.push_back(
            std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]) - stats->log_sum_exp));
        const bool ended = models_.quantized->tokenizer()->isEndOfGeneration(id);
        if ((enough && enough(id)) || ended || result.tokens.size() == most) break;
        if (auto passed = readOnTrial({&id, 1}, parent, logits, stop); !passed) return tl::unexpected(passed.error());
        stats = statsOf(logits);
        if (!stats) return tl::unexpected(stats.error());
    }
    read += static_cast<std::int32_t>(appended.size() + result.tokens.size());
    return std::optional(std::move(result));
}

}  // namespace quibble
