#include "engine/run/cache_cost.h"

#include <algorithm>

#include "engine/base/memory_use.h"
#include "engine/cache/kv_layout.h"
#include "engine/logits/logits_method.h"

namespace quibble {

namespace {

constexpr std::int64_t kUsualContext = 2048;

std::int64_t longestContext(const CacheModels& models) {
    const std::int64_t own = models.model->context_length;
    return models.reference != nullptr ? std::min<std::int64_t>(own, models.reference->context_length) : own;
}

bool readsSecondPrompt(const RunRequest& request) {
    return std::any_of(request.logits.begin(), request.logits.end(), [](const MethodChoice& choice) {
        const auto method = findLogitsMethod(choice);
        return method && (*method)->second_prompt != nullptr;
    });
}

}  // namespace

std::string CacheCost::text() const {
    std::string parts = std::string("model ") + kvTypeText(type) + " " + bytesText(model_bytes);
    if (second_bytes > 0) parts += ", second prompt " + bytesText(second_bytes);
    if (reference_bytes > 0) parts += ", reference f32 " + bytesText(reference_bytes);
    if (draft_bytes > 0) parts += std::string(", drafts ") + kvTypeText(type) + " " + bytesText(draft_bytes);
    return bytesText(bytes()) + " for " + std::to_string(context) + " positions (" + parts + ")";
}

Position runContext(const RunRequest& request, std::int64_t prompt_tokens, const CacheModels& models) {
    // Memory is occupied only as it is written, so room for a raised limit costs nothing.
    const std::int64_t wanted = request.context > 0
                                    ? request.context
                                    : std::max<std::int64_t>(prompt_tokens + request.max_tokens, kUsualContext);
    return static_cast<Position>(std::min(wanted, longestContext(models)));
}

Result<void> checkPromptFits(std::int64_t tokens, Position context, const CacheModels& models) {
    if (tokens < context) return {};
    const bool longest = context >= longestContext(models);
    return fail(ErrorCode::InvalidArgument,
                "the prompt has " + std::to_string(tokens) + " tokens, the context is " + std::to_string(context),
                longest ? "Shorten the prompt: the model was made for no longer context"
                        : "Shorten the prompt or choose a larger context");
}

Result<CacheCost> cacheCost(const RunRequest& request, const CacheModels& models, Position context) {
    CacheCost cost;
    cost.context = context;
    cost.type = request.kv_type;
    auto own = kvLayout(*models.model, request.kv_type);
    if (!own) return tl::unexpected(own.error());
    cost.model_bytes = static_cast<std::int64_t>(own->bytesFor(context));
    if (readsSecondPrompt(request)) cost.second_bytes = cost.model_bytes;
    if (models.reference != nullptr) {
        // Unrounded rows, so that the KL shows what the cache of the model did to it.
        auto full = kvLayout(*models.reference, KvType::F32);
        if (!full) return tl::unexpected(full.error());
        cost.reference_bytes = static_cast<std::int64_t>(full->bytesFor(context));
    }
    for (const ModelConfig* draft : models.drafts) {
        auto layout = kvLayout(*draft, request.kv_type);
        if (!layout) return tl::unexpected(layout.error());
        cost.draft_bytes +=
            static_cast<std::int64_t>(layout->bytesFor(std::min<Position>(context, draft->context_length)));
    }
    return cost;
}

Result<void> checkCacheFits(const CacheCost& cost, std::optional<std::int64_t> available, std::int64_t stored) {
    const std::int64_t needed = cost.bytes() - stored;
    if (!available || needed <= *available) return {};
    const std::int64_t fits = (*available + stored) / std::max<std::int64_t>(1, cost.bytes() / cost.context);
    std::string hint =
        "Choose a context of at most " + std::to_string(std::min<std::int64_t>(fits, cost.context - 1)) + " positions";
    if (cost.type != KvType::Q8_0) hint += ", a smaller type of KV cache (q8_0)";
    if (cost.reference_bytes > 0) hint += ", or no reference";
    return fail(ErrorCode::DoesNotFit,
                "the KV cache takes " + cost.text() + ", and " + bytesText(*available) + " of memory are free", hint);
}

}  // namespace quibble
