#include "engine/run/generator.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/base/memory_use.h"
#include "engine/run/distribution.h"
#include "engine/values/version.h"

namespace quibble {

namespace {

std::int64_t nowNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr std::string_view kWordPrefix = "word:";
constexpr std::int64_t kUsualContext = 2048;

}  // namespace

Result<std::unique_ptr<Generator>> Generator::create(const RunRequest& request, RunModels models, CpuDevice& device,
                                                     std::vector<ControlChange> replayed) {
    std::unique_ptr<Generator> generator(new Generator(request, std::move(models), device));
    if (auto prepared = generator->prepare(std::move(replayed)); !prepared) return tl::unexpected(prepared.error());
    return generator;
}

Generator::Generator(RunRequest request, RunModels models, CpuDevice& device)
    : request_(std::move(request)), models_(std::move(models)), device_(device), started_ns_(nowNs()) {}

Result<void> Generator::prepare(std::vector<ControlChange> replayed) {
    const Model& model = *models_.quantized;
    const Tokenizer& tokenizer = *model.tokenizer();
    if (auto checked = checkSampler(request_.sampler); !checked) return checked;
    if (request_.max_tokens < 1) return fail(ErrorCode::InvalidArgument, "the token limit is " + std::to_string(request_.max_tokens), "Use 1 or more");
    if (request_.top_alternatives < 1 || request_.top_alternatives > 1000) {
        return fail(ErrorCode::InvalidArgument, "the number of alternatives is out of range", "Use 1 to 1000");
    }
    if (models_.reference != nullptr && models_.reference->tokenizer()->hash() != tokenizer.hash()) {
        return fail(ErrorCode::InvalidArgument,
                    "the reference " + models_.reference->config().name + " has another tokenizer than " + model.config().name,
                    "Choose a reference of the same model family");
    }
    if (models_.reference != nullptr && models_.reference->config().vocab_size != model.config().vocab_size) {
        return fail(ErrorCode::InvalidArgument,
                    "the reference pads its vocabulary to " + std::to_string(models_.reference->config().vocab_size) + ", the model to " +
                        std::to_string(model.config().vocab_size),
                    "Choose a reference with the same vocabulary size");
    }
    auto prompt = buildPrompt(request_, tokenizer);
    if (!prompt) return tl::unexpected(prompt.error());
    tokens_ = prompt->ids;
    prompt_size_ = tokens_.size();
    auto penalty = MarkerPenalty::create(request_.penalty, tokenizer);
    if (!penalty) return tl::unexpected(penalty.error());
    penalty_.emplace(std::move(*penalty));
    thinking_.emplace(tokenizer, prompt->thinking_open);
    if (!request_.branch.prefix.empty()) {
        const auto& prefix = request_.branch.prefix;
        const auto known = [&](TokenId id) { return id >= 0 && id < model.config().vocab_size; };
        if (!std::all_of(prefix.begin(), prefix.end(), known)) {
            return fail(ErrorCode::InvalidArgument, "the branch holds a token that this model does not have", "Branch with the model that made the run");
        }
        tokens_.insert(tokens_.end(), prefix.begin(), prefix.end() - 1);
        for (std::size_t i = prompt_size_; i < tokens_.size(); ++i) (void)thinking_->push(tokens_[i]);
        forced_ = prefix.back();
    }
    replayed_ = std::move(replayed);
    std::stable_sort(replayed_.begin(), replayed_.end(), [](const ControlChange& a, const ControlChange& b) { return a.pos < b.pos; });
    if (auto sequences = prepareSequences(); !sequences) return sequences;
    fillProvenance(*prompt);
    return {};
}

Result<void> Generator::prepareSequences() {
    const ModelConfig& c = models_.quantized->config();
    // Cache memory is occupied only as it is written, so room for a raised limit costs nothing.
    const std::int64_t needed = static_cast<std::int64_t>(prompt_size_) + request_.max_tokens;
    const std::int64_t wanted = request_.context > 0 ? request_.context : std::max<std::int64_t>(needed, kUsualContext);
    std::int64_t limit = c.context_length;
    if (models_.reference != nullptr) limit = std::min<std::int64_t>(limit, models_.reference->config().context_length);
    const auto context = static_cast<Position>(std::min(wanted, limit));
    if (static_cast<std::int64_t>(tokens_.size()) >= context) {
        return fail(ErrorCode::InvalidArgument,
                    "the prompt has " + std::to_string(tokens_.size()) + " tokens, the context is " + std::to_string(context),
                    "Shorten the prompt or choose a larger context");
    }
    auto sequence = Sequence::create(models_.quantized, device_, context, request_.arithmetic);
    if (!sequence) return tl::unexpected(sequence.error());
    sequence_ = std::move(*sequence);
    logits_.resize(static_cast<std::size_t>(c.vocab_size));
    if (models_.reference == nullptr) return {};
    auto reference = Sequence::create(models_.reference, device_, context, request_.arithmetic);
    if (!reference) return tl::unexpected(reference.error());
    scorer_.emplace(std::move(*reference), device_, tokens_, request_.reference.block, request_.top_alternatives);
    return {};
}

void Generator::fillProvenance(const PromptTokens& prompt) {
    const Model& model = *models_.quantized;
    RunProvenance& p = provenance_;
    p.engine_version = kVersion;
    p.model_name = model.config().name;
    p.model_hash = model.hash();
    p.tokenizer_hash = model.tokenizer()->hash();
    p.architecture = model.config().architecture_name;
    p.weight_format = model.weightFormat();
    p.bits_per_weight = model.bitsPerWeight();
    p.parameters = model.parameters();
    if (models_.reference != nullptr) {
        p.reference_name = models_.reference->config().name;
        p.reference_hash = models_.reference->hash();
        p.reference_format = models_.reference->weightFormat();
    }
    p.arithmetic = request_.arithmetic == Arithmetic::F32 ? "f32 activations" : "native (8-bit activation blocks where the format has such a kernel)";
    p.isa = device_.isa();
    p.threads = device_.threads();
    p.vocab_size = model.config().vocab_size;
    p.context = sequence_->capacity();
    p.thinking_open = prompt.thinking_open;
    p.prompt_tokens = prompt.ids;
    for (const auto& [word, id] : penalty_->markers().entries) p.markers.push_back({word, id});
    p.dropped_markers = penalty_->markers().dropped;
}

std::int64_t Generator::elapsedNs() const { return nowNs() - started_ns_; }

Result<bool> Generator::prefillChunk(std::vector<RunEvent>& events, const std::stop_token& stop) {
    const std::int64_t began = nowNs();
    const auto total = static_cast<std::int64_t>(tokens_.size());
    const std::int64_t done = sequence_->size();
    const std::int64_t n = std::min<std::int64_t>(Sequence::kMaxRows, total - done);
    const bool last = done + n == total;
    const std::span<const TokenId> chunk(tokens_.data() + done, static_cast<std::size_t>(n));
    if (auto fed = sequence_->append(chunk, last ? 1 : 0, logits_.data(), stop); !fed) return tl::unexpected(fed.error());
    if (done == 0) {
        for (std::size_t i = 0; i < prompt_size_; ++i) announceText(tokens_[i], events);
        for (const ResolvedMarker& marker : provenance_.markers) announceText(marker.id, events);
    }
    events.emplace_back(Progress{done + n, total});
    prefill_ns_ += nowNs() - began;
    return last;
}

void Generator::announceText(TokenId id, std::vector<RunEvent>& events) {
    if (announced_.insert(id).second) events.emplace_back(TokenText{id, std::string(models_.quantized->tokenizer()->tokenBytes(id))});
}

void Generator::announce(const std::vector<Alternative>& alternatives, std::vector<RunEvent>& events) {
    for (const Alternative& alternative : alternatives) announceText(alternative.id, events);
}

void Generator::announce(const TokenRecord& record, std::vector<RunEvent>& events) {
    announceText(record.id, events);
    announceText(record.without_penalty_id, events);
    announce(record.top, events);
    announce(record.top_after, events);
}

TokenRecord Generator::measure(const kernels::LogitStats& stats) {
    const std::span<const float> raw(logits_);
    TokenRecord record;
    record.pos = position();
    record.penalty = static_cast<float>(penalty_->strength());
    record.entropy = static_cast<float>(stats.entropy);
    record.varentropy = static_cast<float>(stats.varentropy);
    record.marker_mass = static_cast<float>(massOf(raw, stats.log_sum_exp, penalty_->markers().ids));
    record.marker_mass_after = record.marker_mass;
    record.top = topAlternatives(raw, stats.log_sum_exp, request_.top_alternatives);
    record.without_penalty_id = sampler_.choose(raw, request_.sampler, request_.seed, record.pos);
    record.id = record.without_penalty_id;

    if (penalty_->active(thinking_->inside())) {
        penalized_ = logits_;
        penalty_->apply(penalized_);
        kernels::LogitStats after;
        kernels::ops().logitStats(penalized_.data(), static_cast<std::int64_t>(penalized_.size()), &after);
        record.penalized = true;
        record.marker_mass_after = static_cast<float>(massOf(penalized_, after.log_sum_exp, penalty_->markers().ids));
        record.top_after = topAlternatives(penalized_, after.log_sum_exp, request_.top_alternatives);
        record.id = sampler_.choose(penalized_, request_.sampler, request_.seed, record.pos);
    }
    if (forced_ != kNoToken) {
        record.id = forced_;
        record.injected = true;
        forced_ = kNoToken;
    }
    record.logprob = static_cast<float>(static_cast<double>(raw[static_cast<std::size_t>(record.id)]) - stats.log_sum_exp);
    record.rank = rankOf(raw, record.id);
    record.marker = penalty_->isMarker(record.id);
    return record;
}

void Generator::decideEnd(const TokenRecord& record) {
    const auto generated = static_cast<std::int64_t>(tokens_.size() - prompt_size_);
    if (models_.quantized->tokenizer()->isEndOfGeneration(record.id)) finish_reason_ = FinishReason::EndOfText;
    else if (generated >= request_.max_tokens) finish_reason_ = FinishReason::TokenLimit;
    else if (static_cast<std::int64_t>(tokens_.size()) >= sequence_->capacity()) finish_reason_ = FinishReason::ContextFull;
}

Result<void> Generator::step(std::vector<RunEvent>& events, const std::stop_token& stop) {
    if (finished()) return {};
    const std::int64_t began = nowNs();
    const std::int64_t reference_before = scorer_ ? scorer_->spentNs() : 0;
    QUIBBLE_CHECK(sequence_->size() + 1 >= position(), "the prefill is not complete");
    if (scorer_ && scorer_->blockReady()) {  // left over from a step whose scoring was stopped
        if (auto scored = scoreReference(events, stop); !scored) return scored;
    }
    if (sequence_->size() < position()) {  // the token of the last step
        if (auto fed = sequence_->append({&tokens_.back(), 1}, 1, logits_.data(), stop); !fed) return fed;
    }
    if (auto applied = applyReplayed(events); !applied) return applied;

    kernels::LogitStats stats;
    kernels::ops().logitStats(logits_.data(), static_cast<std::int64_t>(logits_.size()), &stats);
    if (stats.argmax < 0) {
        return fail(ErrorCode::FileCorrupt, "the model computed a value that is not a number at position " + std::to_string(position()),
                    "The weights are damaged or overflow in this arithmetic; try --arithmetic f32 or another file");
    }
    TokenRecord record = measure(stats);
    tokens_.push_back(record.id);
    record.thinking = thinking_->push(record.id);
    record.time_ns = elapsedNs();
    decideEnd(record);
    announce(record, events);
    if (scorer_) scorer_->push(record.id, record.pos, logits_, stats.log_sum_exp);
    events.emplace_back(std::move(record));
    if (scorer_ && scorer_->blockReady()) {
        auto scored = scoreReference(events, stop);
        if (!scored && scored.error().code != ErrorCode::Cancelled) return scored;
    }
    decode_ns_ += nowNs() - began - ((scorer_ ? scorer_->spentNs() : 0) - reference_before);
    return {};
}

Result<void> Generator::scoreReference(std::vector<RunEvent>& events, const std::stop_token& stop) {
    scored_.clear();
    auto result = scorer_->score(scored_, stop);
    for (ReferenceRecord& record : scored_) {
        announce(record.top, events);
        events.emplace_back(std::move(record));
    }
    return result;
}

Result<void> Generator::flushReference(std::vector<RunEvent>& events, const std::stop_token& stop) {
    return scorer_ ? scoreReference(events, stop) : Result<void>{};
}

Result<void> Generator::runToEnd(std::vector<RunEvent>& events, std::int64_t limit) {
    for (bool complete = false; !complete;) {
        auto chunk = prefillChunk(events, {});
        if (!chunk) return tl::unexpected(chunk.error());
        complete = *chunk;
    }
    for (std::int64_t appended = 0; appended < limit && !finished(); ++appended) {
        if (auto stepped = step(events, {}); !stepped) return stepped;
    }
    return flushReference(events, {});
}

Result<void> Generator::applyControl(const ControlChange& change) {
    SamplerSettings sampler = request_.sampler;
    const std::string_view key = change.key;
    if (!std::isfinite(change.value)) return fail(ErrorCode::InvalidArgument, change.key + " is not a number");
    if (key == "penalty") return penalty_->setStrength(change.value);
    if (key == "penalty.only_thinking") {
        penalty_->setOnlyThinking(change.value != 0);
        return {};
    }
    if (key.substr(0, kWordPrefix.size()) == kWordPrefix) return penalty_->setWordEnabled(key.substr(kWordPrefix.size()), change.value != 0);
    if (key == "max_tokens") {
        if (change.value < 1 || change.value > 1e9) return fail(ErrorCode::InvalidArgument, "the token limit is out of range", "Use 1 or more");
        request_.max_tokens = static_cast<int>(change.value);
        return {};
    }
    if (key == "temperature") sampler.temperature = change.value;
    else if (key == "top_k") sampler.top_k = static_cast<int>(std::clamp(change.value, -1.0, 1e9));
    else if (key == "top_p") sampler.top_p = change.value;
    else if (key == "min_p") sampler.min_p = change.value;
    else return fail(ErrorCode::InvalidArgument, "no control is called \"" + change.key + "\"");
    if (auto checked = checkSampler(sampler); !checked) return checked;
    request_.sampler = sampler;
    return {};
}

Result<void> Generator::setControl(std::string_view key, double value, std::vector<RunEvent>& events) {
    ControlChange change{position(), std::string(key), value};
    if (auto applied = applyControl(change); !applied) return applied;
    events.emplace_back(std::move(change));
    return {};
}

Result<void> Generator::applyReplayed(std::vector<RunEvent>& events) {
    while (!replayed_.empty() && replayed_.front().pos <= position()) {
        if (auto applied = applyControl(replayed_.front()); !applied) return applied;
        events.emplace_back(replayed_.front());
        replayed_.erase(replayed_.begin());
    }
    return {};
}

RunFinished Generator::closing(FinishReason reason, std::string message) const {
    RunFinished closing;
    closing.reason = reason;
    closing.message = std::move(message);
    closing.prefill_ns = prefill_ns_;
    closing.decode_ns = decode_ns_;
    closing.reference_ns = scorer_ ? scorer_->spentNs() : 0;
    closing.wall_ns = elapsedNs();
    closing.peak_memory_bytes = peakMemoryBytes();
    return closing;
}

}  // namespace quibble
