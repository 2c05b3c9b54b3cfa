// The phases of a run, and how one run alone goes through them.
#include "engine/run/run_loop.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/base/clock.h"

namespace quibble {

std::int64_t RunLoop::elapsedNs() const { return nowNs() - started_ns_; }

Result<std::int64_t> RunLoop::passAlone(std::span<const PassRows> rows, const std::stop_token& stop) {
    if (rows.empty()) return 0;
    const std::int64_t began = nowNs();
    if (auto passed = rows.front().sequence->forward().run(rows, stop); !passed) return tl::unexpected(passed.error());
    return nowNs() - began;
}

std::int64_t RunLoop::prefillRowsLeft() const {
    if (prefilled_) return 0;
    const std::int64_t own = position() - sequence_->size();
    return second_ == nullptr ? own : own + secondPosition() - second_->size();
}

PassRows RunLoop::prefillRows(std::int64_t most) {
    QUIBBLE_CHECK(prefillRowsLeft() > 0 && most > 0, "the prompt is not read to its end");
    const std::int64_t left = position() - sequence_->size();
    if (left == 0) return secondPrefillRows(most);
    // The record of experts is of whole passes, and is the same whoever runs beside.
    const std::int64_t n = sequence_->firstPassRows(experts_ == nullptr ? std::min(left, most) : left);
    beginPass(false);
    return {sequence_.get(),
            {tokens_.data() + sequence_->size(), static_cast<std::size_t>(n)},
            {},
            n == left ? 1 : 0,
            logits_.data()};
}

PassRows RunLoop::secondPrefillRows(std::int64_t most) {
    const std::int64_t left = secondPosition() - second_->size();
    const std::int64_t n = second_->firstPassRows(std::min(left, most));
    return {second_.get(),
            {second_text_.data() + second_->size(), static_cast<std::size_t>(n)},
            {},
            n == left ? 1 : 0,
            second_logits_.data()};
}

void RunLoop::prefillDone(const PassRows& rows, std::int64_t pass_ns, std::vector<RunEvent>& events) {
    if (!std::exchange(prompt_announced_, true)) announcePrompt(events);
    Progress progress{sequence_->size(), position()};
    if (second_ != nullptr) {
        progress.done += second_->size();
        progress.total += secondPosition();
    }
    events.emplace_back(progress);
    if (rows.sequence == sequence_.get()) {
        const auto n = static_cast<Position>(rows.tokens.size());
        std::vector<std::int32_t> kept(rows.tokens.size());
        std::iota(kept.begin(), kept.end(), 0);
        announceExperts(sequence_->size() - n, kept, false, pass_ns, events);
    }
    prefill_ns_ += pass_ns;
    prefilled_ = prefillRowsLeft() == 0;
}

Result<bool> RunLoop::prefillChunk(std::vector<RunEvent>& events, const std::stop_token& stop) {
    const PassRows rows = prefillRows();
    auto passed = passAlone({&rows, 1}, stop);
    if (!passed) return tl::unexpected(passed.error());
    prefillDone(rows, *passed, events);
    return prefilled_;
}

Result<void> RunLoop::step(std::vector<RunEvent>& events, const std::stop_token& stop) {
    if (finished()) return {};
    if (auto scored = scoreFullBlocks(events, stop); !scored)
        return scored;  // left over from a step whose scoring was stopped
    if (auto begun = beginStep(events, stop); !begun) return begun;
    auto passed = passAlone(stepRows(), stop);
    if (!passed) {
        abandonStep();
        return tl::unexpected(passed.error());
    }
    if (auto ended = endStep(*passed, events, stop); !ended) return ended;
    auto scored = scoreFullBlocks(events, stop);
    // The tokens are appended; what was stopped is scored before the next step.
    return scored || scored.error().code != ErrorCode::Cancelled ? scored : Result<void>{};
}

void RunLoop::referenceDone(std::int64_t pass_ns, std::vector<RunEvent>& events, CpuDevice* device) {
    scored_.clear();
    scorer_->passDone(pass_ns, scored_, device);
    for (ReferenceRecord& record : scored_) {
        announce(record.top, events);
        events.emplace_back(std::move(record));
    }
}

Result<void> RunLoop::scoreAlone(std::vector<RunEvent>& events, const std::stop_token& stop) {
    const PassRows rows = scorer_->nextRows(Sequence::kMaxPassRows);
    auto passed = passAlone({&rows, 1}, stop);
    if (!passed) return tl::unexpected(passed.error());
    referenceDone(*passed, events, &device_);
    return {};
}

Result<void> RunLoop::scoreFullBlocks(std::vector<RunEvent>& events, const std::stop_token& stop) {
    while (scorer_ && scorer_->blockReady()) {
        if (auto scored = scoreAlone(events, stop); !scored) return scored;
    }
    return {};
}

Result<void> RunLoop::flushReference(std::vector<RunEvent>& events, const std::stop_token& stop) {
    while (referenceWaiting()) {
        if (auto scored = scoreAlone(events, stop); !scored) return scored;
    }
    return {};
}

Result<void> RunLoop::runToEnd(std::vector<RunEvent>& events, std::int64_t limit, const std::stop_token& stop) {
    while (!prefilled_) {
        if (auto chunk = prefillChunk(events, stop); !chunk) return tl::unexpected(chunk.error());
    }
    const std::size_t before = tokens_.size();
    while (static_cast<std::int64_t>(tokens_.size() - before) < limit && !finished()) {
        if (auto stepped = step(events, stop); !stepped) return stepped;
    }
    return flushReference(events, stop);
}

void RunLoop::announcePrompt(std::vector<RunEvent>& events) {
    for (std::size_t i = 0; i < prompt_size_; ++i) announceText(tokens_[i], events);
    for (const TokenId id : provenance_.second_prompt_tokens) announceText(id, events);
    for (const ResolvedMarker& marker : provenance_.markers) announceText(marker.id, events);
    if (experts_ == nullptr) return;
    for (const TokenExperts& experts : sequence_->knownExperts()) events.emplace_back(experts);
}

void RunLoop::announceText(TokenId id, std::vector<RunEvent>& events) {
    if (announced_.insert(id).second)
        events.emplace_back(TokenText{id, std::string(models_.quantized->tokenizer()->tokenBytes(id))});
}

void RunLoop::announce(const std::vector<Alternative>& alternatives, std::vector<RunEvent>& events) {
    for (const Alternative& alternative : alternatives) announceText(alternative.id, events);
}

void RunLoop::announce(const TokenRecord& record, std::vector<RunEvent>& events) {
    announceText(record.id, events);
    announceText(record.without_penalty_id, events);
    announce(record.top, events);
    announce(record.top_after, events);
}

RunFinished RunLoop::closing() const {
    RunFinished closing;
    closing.reason = finishReason();
    closing.prefill_ns = prefill_ns_;
    closing.decode_ns = decode_ns_;
    closing.reference_ns = scorer_ ? scorer_->spentNs() : 0;
    closing.wall_ns = elapsedNs();
    closing.peak_memory_bytes = peakMemoryBytes();
    return closing;
}

}  // namespace quibble
