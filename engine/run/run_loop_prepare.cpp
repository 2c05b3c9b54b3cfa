#include "engine/run/run_loop.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/base/clock.h"
#include "engine/run/reference_check.h"
#include "engine/run/throughput_prefill.h"
#include "engine/values/version.h"

namespace quibble {

Result<std::unique_ptr<RunLoop>> RunLoop::create(const RunRequest& request, RunModels models, CpuDevice& device,
                                                 std::vector<ControlChange> replayed, PrefixCache* prefixes,
                                                 const FreeMemory& free_memory, ForwardPasses* passes) {
    std::unique_ptr<RunLoop> loop(new RunLoop(request, std::move(models), device, prefixes));
    if (auto prepared = loop->prepare(std::move(replayed), free_memory, passes); !prepared)
        return tl::unexpected(prepared.error());
    return loop;
}

Result<void> RunLoop::prepare(std::vector<ControlChange> replayed, const FreeMemory& free_memory,
                              ForwardPasses* passes) {
    const Model& model = *models_.quantized;
    const Tokenizer& tokenizer = *model.tokenizer();
    if (auto checked = checkSampler(request_.sampler); !checked) return checked;
    if (request_.max_tokens < 1)
        return fail(ErrorCode::InvalidArgument, "the token limit is " + std::to_string(request_.max_tokens),
                    "Use 1 or more");
    if (request_.context < 0)
        return fail(ErrorCode::InvalidArgument, "the context is " + std::to_string(request_.context) + " positions",
                    "Use 0 (as needed) or more");
    if (request_.top_alternatives < 1 || request_.top_alternatives > 1000) {
        return fail(ErrorCode::InvalidArgument, "the number of alternatives is out of range", "Use 1 to 1000");
    }
    if (models_.reference != nullptr) {
        const Model& reference = *models_.reference;
        if (auto same = checkReferenceReadsTheSame(reference.config(), *reference.tokenizer(), model); !same)
            return same;
    }
    auto prompt = buildPrompt(request_, tokenizer, localPromptClock());
    if (!prompt) return tl::unexpected(prompt.error());
    tokens_ = prompt->ids;
    prompt_size_ = tokens_.size();
    if (request_.prefill == PrefillMode::Throughput) {
        if (auto checked = checkThroughputPrefill(model, request_.arithmetic, device_); !checked) return checked;
        throughput_end_ =
            static_cast<Position>(prompt_size_ - 1);  // the logits of the last position are the run's first measurement
    }
    auto penalty = MarkerPenalty::create(request_.penalty, tokenizer);
    if (!penalty) return tl::unexpected(penalty.error());
    penalty_.emplace(std::move(*penalty));
    thinking_.emplace(tokenizer, prompt->thinking_open);
    provenance_.thinking_open = prompt->thinking_open;
    provenance_.prompt_tokens = prompt->ids;
    provenance_.clock = prompt->clock;
    if (auto rules = prepareRules(); !rules) return rules;
    if (auto branch = checkBranch(); !branch) return branch;
    takeOverBranch();
    replayed_ = std::move(replayed);
    std::stable_sort(replayed_.begin(), replayed_.end(), [](const ControlChange& a, const ControlChange& b) {
        return std::pair(a.rewrites, a.pos) < std::pair(b.rewrites, b.pos);
    });
    if (auto drafts = prepareDraft(); !drafts) return drafts;
    if (auto sequences = prepareSequences(free_memory, passes); !sequences) return sequences;
    if (auto followed = followPrefix(); !followed) return followed;
    fillProvenance();
    return {};
}

Result<void> RunLoop::prepareSequences(const FreeMemory& free_memory, ForwardPasses* passes) {
    ForwardPasses own(device_);
    if (passes == nullptr) passes = &own;
    const ModelConfig& c = models_.quantized->config();
    const CacheModels caches = cacheModelsOf(models_);
    const std::size_t longest = std::max(prompt_size_, second_prompt_size_);
    const Position context = runContext(request_, static_cast<std::int64_t>(longest), caches);
    const auto read = static_cast<std::int64_t>(longest + tokens_.size() - prompt_size_);
    if (auto fits = checkPromptFits(read, context, caches); !fits) return fits;
    auto cost = cacheCost(request_, caches, context);
    if (!cost) return tl::unexpected(cost.error());
    const bool reference_decides = draft_method_ != nullptr && draft_method_->draftsForReference();
    const SequenceSettings full{request_.arithmetic, KvType::F32};
    const std::shared_ptr<const Model>& decides = reference_decides ? models_.reference : models_.quantized;
    auto experts_method = findExpertMethod(request_.experts);
    if (!experts_method) return tl::unexpected(experts_method.error());
    const bool has_experts = decides->config().hasExperts();
    // Under a budget that leaves experts out, keys and values are not those of other runs of the same text. Such a run
    // shares none.
    const PrefixReuse reuse{has_experts && !(*experts_method)->lossless ? nullptr : prefixes_, tokens_, has_experts};
    auto sequence = Sequence::create(passes->of(decides), context, reference_decides ? full : ownSettings(), reuse);
    if (!sequence) return tl::unexpected(sequence.error());
    sequence_ = std::move(*sequence);
    logits_.resize(static_cast<std::size_t>(c.vocab_size));
    if (auto second = prepareSecond(*passes, context); !second) return second;
    if (auto experts = prepareExperts(); !experts) return experts;
    if (auto drafter = prepareDrafter(); !drafter) return drafter;
    if (models_.reference != nullptr && !reference_decides) {
        auto reference = Sequence::create(passes->of(models_.reference), context, full, {prefixes_, tokens_});
        if (!reference) return tl::unexpected(reference.error());
        scorer_.emplace(std::move(*reference), tokens_, request_.reference.block, request_.top_alternatives);
    }
    return checkMemory(*cost, free_memory);
}

Result<void> RunLoop::prepareSecond(ForwardPasses& passes, Position context) {
    if (second_prompt_size_ == 0) return {};
    if (draft_method_ != nullptr && draft_method_->draftsForReference()) {
        return fail(ErrorCode::InvalidArgument,
                    "a second prompt is read by the model that is measured, and here the reference decides",
                    "Choose another draft method, or leave the rule with the second prompt out");
    }
    SequenceSettings settings = ownSettings();
    if (request_.prefill == PrefillMode::Throughput)
        settings.throughput_end = static_cast<Position>(second_prompt_size_ - 1);
    auto second = Sequence::create(passes.of(models_.quantized), context, settings, {prefixes_, second_text_});
    if (!second) return tl::unexpected(second.error());
    second_ = std::move(*second);
    second_logits_.resize(logits_.size());
    return {};
}

// The sequences hold no memory yet: a run that does not fit is refused before it begins.
Result<void> RunLoop::checkMemory(const CacheCost& cost, const FreeMemory& free_memory) {
    provenance_.kv_bytes = cost.bytes();
    provenance_.reused_positions = sequence_->reused();
    provenance_.reused_bytes =
        static_cast<std::int64_t>(sequence_->sharedBytes() + (scorer_ ? scorer_->sequence().sharedBytes() : 0) +
                                  (second_ != nullptr ? second_->sharedBytes() : 0));
    auto fits = checkCacheFits(cost, free_memory(), provenance_.reused_bytes);
    if (fits || prefixes_ == nullptr) return fits;
    prefixes_->shrinkTo(0);  // drops what earlier runs left, but for the pages that this run shares
    return checkCacheFits(cost, free_memory(), provenance_.reused_bytes);
}

Result<void> RunLoop::prepareDraft() {
    auto method = findDraftMethod(request_.draft.method);
    if (!method) return tl::unexpected(method.error());
    draft_method_ = *method;
    if (draft_method_ == nullptr) return {};
    auto rule = findVerifyMethod(request_.draft.verify);
    if (!rule) return tl::unexpected(rule.error());
    verify_method_ = *rule;
    if (rewrites_text_) {
        return fail(ErrorCode::InvalidArgument, "a draft cannot follow a rule that takes text back",
                    "Choose no draft, or leave the rule out");
    }
    QUIBBLE_CHECK(static_cast<int>(models_.drafts.size()) >= draft_method_->draftModels(),
                  "the draft models of the request are not open");
    if (auto met = checkNeeds(*draft_method_, "draft method", traitsOf(models_)); !met) return met;
    const Model* larger = models_.quantized.get();
    for (int i = 0; i < draft_method_->draftModels(); ++i) {
        const Model* draft = models_.drafts[static_cast<std::size_t>(i)].get();
        if (auto fits = checkDraftModel(*draft, *larger); !fits) return fits;
        larger = draft;
    }
    return {};
}

Result<void> RunLoop::prepareDrafter() {
    if (draft_method_ == nullptr) return {};
    // What is left of the context bounds each draft when it is made (draft()), so that a run with a draft ends where a
    // plain one does.
    const int nodes = draft_method_->nodes(request_.draft.method);
    if (nodes > Sequence::kMaxRows - 1) {
        return fail(ErrorCode::InvalidArgument,
                    "a draft of " + std::to_string(nodes) +
                        " tokens does not fit: there is room in a verify pass for " +
                        std::to_string(Sequence::kMaxRows - 1),
                    "Choose a smaller draft");
    }
    DraftSetup setup;
    setup.choice = request_.draft.method;
    setup.models = draft_method_->draftsForReference() ? std::vector{models_.quantized} : models_.drafts;
    setup.device = &device_;
    setup.context = sequence_->capacity();
    for (const auto& model : setup.models)
        setup.context = std::min<Position>(setup.context, model->config().context_length);
    setup.settings = ownSettings();
    setup.reuse = {prefixes_, tokens_};
    auto drafter = draft_method_->make(setup);
    if (!drafter) return tl::unexpected(drafter.error());
    drafter_ = std::move(*drafter);
    return {};
}

void RunLoop::fillProvenance() {
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
    if (const Model* draft = drafter_ != nullptr ? drafter_->model() : nullptr; draft != nullptr) {
        p.draft_name = draft->config().name;
        p.draft_hash = draft->hash();
        p.draft_format = draft->weightFormat();
    }
    if (experts_ != nullptr) {
        const ModelConfig& c = sequence_->model().config();
        p.expert_layers = c.n_layers;
        p.experts = c.experts.count;
        p.experts_used = c.experts.used;
    }
    p.arithmetic = request_.arithmetic == Arithmetic::F32
                       ? "f32 activations"
                       : "native (8-bit activation blocks where the format has such a kernel)";
    p.throughput_positions = throughput_end_;
    if (throughput_end_ > 0) {
        p.arithmetic += "; the first " + std::to_string(throughput_end_) +
                        " positions of the prompt with BF16 activations (throughput prefill), so that KL against the "
                        "same weights is not 0";
    }
    p.kv_cache = kvTypeText(request_.kv_type);
    p.isa = device_.isa();
    p.threads = device_.threads();
    p.vocab_size = model.config().vocab_size;
    p.context = sequence_->capacity();
    for (const auto& [word, id] : penalty_->markers().entries) p.markers.push_back({word, id});
    p.dropped_markers = penalty_->markers().dropped;
    p.notes = model.tokenizer()->notes();
    if (std::string note = penalty_->note(); !note.empty()) p.notes.push_back(std::move(note));
    for (std::size_t i = 0; i < chain_.size(); ++i) {
        if (std::string note = chain_.rule(i).note(); !note.empty()) p.notes.push_back(std::move(note));
    }
}

}  // namespace quibble
