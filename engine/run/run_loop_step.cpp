// One round of the step loop. Plain decoding is a round whose tree is empty.
#include <algorithm>
#include <cmath>

#include "engine/base/clock.h"
#include "engine/run/distribution.h"
#include "engine/run/run_loop.h"
#include "engine/run/run_loop_round.h"

namespace quibble {

namespace {

// A drafting run takes one step without a draft after its first token, and another each time the text has grown this
// many times over: what plain decoding would cost at this length is then known from the run itself, for a handful of
// tokens.
constexpr std::int64_t kMeasuredGrowth = 8;

}  // namespace

// Here, where a round is known.
RunLoop::RunLoop(RunRequest request, RunModels models, CpuDevice& device, PrefixCache* prefixes)
    : request_(std::move(request)),
      models_(std::move(models)),
      device_(device),
      prefixes_(prefixes),
      started_ns_(nowNs()) {}

RunLoop::~RunLoop() = default;

Result<void> RunLoop::beginStep(std::vector<RunEvent>& events, const std::stop_token& stop) {
    QUIBBLE_CHECK(sequence_->size() + 1 >= position(), "the prefill is not complete");
    QUIBBLE_CHECK(round_ == nullptr, "one step at a time");
    const std::int64_t began = nowNs();
    if (auto applied = applyReplayed(position(), events); !applied) return applied;
    auto round = std::make_unique<Round>();
    round->began_ns = began;
    round->record.pos = position();
    if (auto drafted = draft(*round, events, stop); !drafted) return drafted;
    round->record.draft_ns = nowNs() - began;
    layOut(*round);
    round_ = std::move(round);
    return {};
}

std::span<const PassRows> RunLoop::stepRows() {
    QUIBBLE_CHECK(round_ != nullptr, "a step was begun");
    Round& round = *round_;
    step_rows_.clear();
    if (round.rows.empty()) return {};
    const auto n_rows = static_cast<std::int64_t>(round.rows.size());
    const std::size_t first =
        round.first_row < 0 ? static_cast<std::size_t>(models_.quantized->config().vocab_size) : 0;
    beginPass(drafter_ != nullptr && round.tree.size() > 0);
    step_rows_.push_back({sequence_.get(), round.rows, round.parents, n_rows, logits_.data() + first});
    if (second_ != nullptr)
        step_rows_.push_back({second_.get(), round.rows, round.parents, n_rows, second_logits_.data() + first});
    return step_rows_;
}

void RunLoop::abandonStep() {
    if (round_ == nullptr) return;
    round_.reset();
    sequence_->truncate(sequence_->size());  // an open tree goes with it
    if (second_ != nullptr) second_->truncate(second_->size());
}

Result<void> RunLoop::endStep(std::int64_t pass_ns, std::vector<RunEvent>& events, const std::stop_token& stop) {
    QUIBBLE_CHECK(round_ != nullptr, "a step was begun");
    const std::unique_ptr<Round> round = std::move(round_);
    round->record.verify_ns = pass_ns;
    const auto begin_of_tokens = static_cast<std::ptrdiff_t>(events.size());
    const Position before = position();
    // A drafting run is not stopped between two tokens of a round, which would otherwise be another round.
    if (auto walked = walk(*round, events, drafter_ == nullptr ? stop : std::stop_token()); !walked) return walked;
    const std::int64_t spent = nowNs() - round->began_ns;
    round->record.other_ns = spent - round->record.draft_ns - round->record.verify_ns;
    closeRound(*round, events);
    if (round->rewrite && !finished()) takeBack(*round, events);
    // The round stands in front of its tokens, so that whoever reads the events in order knows of each token where it
    // comes from.
    if (drafter_ != nullptr) events.insert(events.begin() + begin_of_tokens, std::move(round->record));
    decode_ns_ += spent;
    if (round->stopped && position() == before) return fail(ErrorCode::Cancelled, "stopped");
    return {};
}

Result<void> RunLoop::draft(Round& round, std::vector<RunEvent>& events, const std::stop_token& stop) {
    const auto generated = static_cast<std::int64_t>(tokens_.size() - prompt_size_);
    const std::int64_t room = std::min<std::int64_t>(request_.max_tokens - generated, roomLeft());
    if (drafter_ != nullptr) {
        DraftTask task;
        task.text = tokens_;
        const bool one_row = sequence_->size() < position();
        const bool measured = one_row && generated >= measured_from_;
        // In front of a forced token nothing is drafted. A pass has one row less for drafted tokens, because the end of
        // the text takes one.
        task.max_nodes = !forced_.empty() || measured
                             ? 0
                             : static_cast<int>(std::min<std::int64_t>(Sequence::kMaxRows - 1, room - 1));
        task.max_depth = task.max_nodes;
        task.rules = {&chain_, &*thinking_, logitsStep(), request_.sampler, request_.seed, verify_method_->pick};
        auto tree = drafter_->propose(task, stop);
        if (!tree) return tl::unexpected(tree.error());
        round.tree = std::move(*tree);
        if (one_row && round.tree.size() == 0) measured_from_ = kMeasuredGrowth * std::max<std::int64_t>(1, generated);
    }
    if (drafter_ == nullptr) chainForced(round, room);
    round.children.resize(round.tree.size() + 1);
    for (std::size_t i = 0; i < round.tree.size(); ++i) {
        round.children[static_cast<std::size_t>(round.tree.parents[i] + 1)].push_back(static_cast<std::int32_t>(i));
        if (drafter_ == nullptr) continue;
        DraftNode node;
        node.parent = round.tree.parents[i];
        node.id = round.tree.tokens[i];
        node.draft_prob = round.tree.probs[i];
        round.record.nodes.push_back(node);
        announceText(node.id, events);
    }
    return {};
}

// The rows of the pass: the end of the text, where its logits are not there yet, and the tree behind it.
void RunLoop::layOut(Round& round) {
    const auto vocab = static_cast<std::size_t>(models_.quantized->config().vocab_size);
    const bool known = sequence_->size() == position();  // the prefill has just left the logits of the text's end
    if (!known) {
        round.rows.push_back(tokens_.back());
        round.parents.push_back(-1);
    }
    const std::int32_t offset = known ? 0 : 1;
    for (std::size_t i = 0; i < round.tree.size(); ++i) {
        round.rows.push_back(round.tree.tokens[i]);
        round.parents.push_back(round.tree.parents[i] < 0 ? offset - 1 : round.tree.parents[i] + offset);
    }
    round.first_row = known ? -1 : 0;
    round.record.rows = static_cast<std::int32_t>(round.rows.size());
    // Row 0 of logits_ always belongs to the text's end.
    for (std::vector<float>* logits : {&logits_, second_ != nullptr ? &second_logits_ : nullptr}) {
        if (logits != nullptr && logits->size() < (round.tree.size() + 1) * vocab)
            logits->resize((round.tree.size() + 1) * vocab);
    }
}

Result<kernels::LogitStats> RunLoop::statsOf(std::span<const float> raw) const {
    kernels::LogitStats stats;
    kernels::ops().logitStats(raw.data(), static_cast<std::int64_t>(raw.size()), &stats);
    if (stats.argmax < 0) {
        return fail(ErrorCode::FileCorrupt,
                    "the model computed a value that is not a number at position " + std::to_string(position()),
                    "The weights are damaged or overflow in this arithmetic; try --arithmetic f32 or another file");
    }
    return stats;
}

Result<void> RunLoop::walk(Round& round, std::vector<RunEvent>& events, const std::stop_token& stop) {
    const auto vocab = static_cast<std::size_t>(models_.quantized->config().vocab_size);
    const bool reference_decides = draft_method_ != nullptr && draft_method_->draftsForReference();
    while (!round.ended) {
        const std::size_t row = static_cast<std::size_t>(round.node + 1) * vocab;
        const std::span<const float> target(logits_.data() + row, vocab);
        if (second_ != nullptr) second_here_ = {second_logits_.data() + row, vocab};
        const std::span<const float> measured = reference_decides ? drafter_->rawLogits(round.node) : target;
        auto stats = statsOf(measured);
        if (!stats) return tl::unexpected(stats.error());
        if (reference_decides) {
            if (auto sound = statsOf(target); !sound) return tl::unexpected(sound.error());
        }
        TokenRecord record = measure(measured, *stats);
        choose(round, target, record);
        if (auto asked = control(round, record, target, events, stop); !asked) {
            if (asked.error().code != ErrorCode::Cancelled) return asked;
            // The chosen token is not appended. Its logits stay, for the next step.
            round.record.added = kNoToken;
            round.stopped = true;
            break;
        }
        announceTurns(record, target, events);
        announceStages(record, target, events);
        record.logprob =
            static_cast<float>(static_cast<double>(measured[static_cast<std::size_t>(record.id)]) - stats->log_sum_exp);
        record.rank = rankOf(measured, record.id);
        record.marker = penalty_->isMarker(record.id);
        const TokenId id = record.id;
        const Position pos = record.pos;
        append(std::move(record), events);
        if (reference_decides) {
            ReferenceRecord reference =
                measureReference(target, measured, stats->log_sum_exp, id, pos, request_.top_alternatives);
            announce(reference.top, events);
            events.emplace_back(std::move(reference));
        } else if (scorer_) {
            scorer_->push(id, pos, measured, stats->log_sum_exp);
        }
        if (finished()) round.ended = true;
    }
    second_here_ = {};  // a draft knows nothing of the second prompt
    return {};
}

TokenRecord RunLoop::measure(std::span<const float> raw, const kernels::LogitStats& stats) {
    TokenRecord record;
    record.pos = position();
    record.penalty = static_cast<float>(penalty_->strength());
    record.entropy = static_cast<float>(stats.entropy);
    record.varentropy = static_cast<float>(stats.varentropy);
    record.marker_mass = static_cast<float>(massOf(raw, stats.log_sum_exp, penalty_->markers().ids));
    record.marker_mass_after = record.marker_mass;
    record.top = topAlternatives(raw, stats.log_sum_exp, request_.top_alternatives);
    if (const LogitsStep step = logitsStep(); chain_.active(step)) {
        penalized_.assign(raw.begin(), raw.end());
        chain_.apply(penalized_, step);
        kernels::LogitStats after;
        kernels::ops().logitStats(penalized_.data(), static_cast<std::int64_t>(penalized_.size()), &after);
        record.penalized = true;
        record.marker_mass_after = static_cast<float>(massOf(penalized_, after.log_sum_exp, penalty_->markers().ids));
        record.top_after = topAlternatives(penalized_, after.log_sum_exp, request_.top_alternatives);
    }
    return record;
}

void RunLoop::choose(Round& round, std::span<const float> raw, TokenRecord& record) {
    std::span<const float> logits = raw;
    if (record.penalized) {
        target_penalized_.assign(raw.begin(), raw.end());
        chain_.apply(target_penalized_, logitsStep());
        logits = target_penalized_;
    }
    const std::vector<std::int32_t>& children = round.here();
    const bool own_noise = verify_method_ == nullptr || verify_method_->pick == DraftPick::SharedNoise ||
                           request_.sampler.temperature <= 0;
    VerifyOutcome outcome;
    round.forced = !forced_.empty();
    if (round.forced) {
        outcome.own = forced_.front().id;
        if (!children.empty()) outcome.accepted = 0;  // of chainForced()
        record.injected = forced_.front().injected;
        forced_.pop_front();
    } else if (verify_method_ != nullptr) {
        outcome = verify_method_->decide({&round.tree, children, logits, &sampler_, request_.sampler, request_.seed,
                                          record.pos, &request_.draft.verify});
    } else {
        outcome.own = sampler_.choose(logits, request_.sampler, request_.seed, record.pos);
    }
    if (!outcome.tests.empty()) {
        const ShownProbabilities shown(sampler_, logits, request_.sampler);
        for (std::size_t i = 0; i < outcome.tests.size(); ++i) {
            DraftNode& node = round.record.nodes[static_cast<std::size_t>(children[i])];
            node.target_prob = static_cast<float>(shown.of(node.id));
            node.accept_prob = outcome.tests[i].accept_prob;
            node.draw = outcome.tests[i].draw;
            node.fate = outcome.accepted == static_cast<int>(i) ? DraftFate::Accepted : DraftFate::Rejected;
        }
    }
    if (outcome.accepted >= 0) {
        round.node = children[static_cast<std::size_t>(outcome.accepted)];
        round.record.path.push_back(round.node);
        record.id = round.tree.tokens[static_cast<std::size_t>(round.node)];
    } else {
        round.ended = true;
        round.record.added = record.id = outcome.own;
        round.record.corrected = !children.empty();
    }
    // The token that the same noise would have chosen without the penalty. A rule that draws for itself uses other
    // noise, and has no such token unless it drew nothing.
    const bool other = record.penalized && own_noise && !round.forced;
    record.without_penalty_id = other ? sampler_.choose(raw, request_.sampler, request_.seed, record.pos) : record.id;
    if (record.injected) record.without_penalty_id = sampler_.choose(raw, request_.sampler, request_.seed, record.pos);
}

void RunLoop::putInPlace(Round& round, TokenRecord& record, std::span<const float> raw) {
    const bool accepted = !round.ended;  // the chosen token was a drafted one
    if (accepted) {
        DraftNode& node = round.record.nodes[static_cast<std::size_t>(round.node)];
        node.fate = DraftFate::Rejected;
        round.record.path.pop_back();
        round.node = node.parent;
    }
    record.id = forced_.front().id;
    forced_.pop_front();
    record.injected = true;
    record.without_penalty_id = sampler_.choose(raw, request_.sampler, request_.seed, record.pos);
    round.record.added = record.id;
    round.record.corrected = false;
}

void RunLoop::append(TokenRecord record, std::vector<RunEvent>& events) {
    tokens_.push_back(record.id);
    // The token of a branch stands where one was sampled.
    const bool of_branch = !request_.branch.prefix.empty() && record.pos == request_.branch.pos;
    followReply(record.id, !record.injected || of_branch);
    record.thinking = thinking_->inside();
    pushRules(record.id);
    record.time_ns = elapsedNs();
    decideEnd(record);
    announce(record, events);
    events.emplace_back(std::move(record));
}

void RunLoop::closeRound(Round& round, std::vector<RunEvent>& events) {
    // The rows of the accepted path stay in the cache, and the row of the text's end before them.
    std::vector<std::int32_t> rows;
    if (round.record.rows > 0) {
        if (round.first_row == 0) rows.push_back(0);
        for (const std::int32_t node : round.record.path)
            rows.push_back(node + static_cast<std::int32_t>(round.first_row) + 1);
        const Position first = sequence_->size();
        sequence_->keepRows(rows);
        if (second_ != nullptr) second_->keepRows(rows);
        announceExperts(first, rows, !round.record.nodes.empty(), round.record.verify_ns, events);
    }
    if (round.record.added == kNoToken && round.node >= 0) {
        // The walk ended on an accepted token, and the row of that token holds the logits of the next position.
        const auto vocab = static_cast<std::ptrdiff_t>(models_.quantized->config().vocab_size);
        for (std::vector<float>* logits : {&logits_, second_ != nullptr ? &second_logits_ : nullptr}) {
            if (logits == nullptr) continue;
            const auto row = logits->begin() + vocab * (round.node + 1);
            std::copy(row, row + vocab, logits->begin());
        }
    }
}

Position RunLoop::roomLeft() const {
    const Position own = sequence_->capacity() - position();
    return second_ == nullptr ? own : std::min(own, second_->capacity() - secondPosition());
}

void RunLoop::decideEnd(const TokenRecord& record) {
    const auto generated = static_cast<std::int64_t>(tokens_.size() - prompt_size_);
    if (!passes_ends_ && models_.quantized->tokenizer()->isEndOfGeneration(record.id))
        finish_reason_ = FinishReason::EndOfText;
    else if (ended_by_rule_)
        finish_reason_ = FinishReason::Rule;
    else if (generated >= request_.max_tokens)
        finish_reason_ = FinishReason::TokenLimit;
    else if (roomLeft() <= 0)
        finish_reason_ = FinishReason::ContextFull;
}

}  // namespace quibble
