#include "engine/run/run_models.h"

#include <string>

#include "engine/control/text_ends.h"
#include "engine/draft/draft_method.h"

namespace quibble {

namespace {

Result<std::shared_ptr<const Model>> openReference(ModelCache& cache, const RunRequest& request,
                                                   const LoadOptions& plain) {
    switch (request.reference.kind) {
        case ReferenceKind::None: return nullptr;
        case ReferenceKind::File: return cache.get(request.reference.path, plain);
        case ReferenceKind::Unquantized: break;
    }
    return cache.get(request.model_path, plain);
}

Result<void> openDrafts(ModelCache& cache, const DraftSettings& draft, const LoadOptions& plain, RunModels& models) {
    auto method = findDraftMethod(draft.method);
    if (!method) return tl::unexpected(method.error());
    if (*method == nullptr) return {};
    RunTraits traits = traitsOf(models);
    traits.draft_models = draft.path.empty() ? 0 : draft.second_path.empty() ? 1 : 2;
    traits.reference = true;  // without one it is refused when the run is made ready
    if (auto named = checkNeeds(**method, "draft method", traits); !named) return named;
    const std::string* const paths[] = {&draft.path, &draft.second_path};
    for (int i = 0; i < (*method)->draftModels(); ++i) {
        auto model = cache.get(*paths[i], plain);
        if (!model) return tl::unexpected(model.error());
        models.drafts.push_back(*model);
    }
    return {};
}

}  // namespace

Result<RunModels> openRunModels(ModelCache& cache, const RunRequest& request, LoadOptions options) {
    RunModels models;
    options.weight_quant = request.weight_quant;
    options.packed = request.arithmetic == Arithmetic::Native;
    auto quantized = cache.get(request.model_path, options);
    if (!quantized) return tl::unexpected(quantized.error());
    models.quantized = *quantized;
    options.weight_quant = MethodChoice{};
    auto reference = openReference(cache, request, options);
    if (!reference) return tl::unexpected(reference.error());
    models.reference = *reference;
    if (auto drafts = openDrafts(cache, request.draft, options, models); !drafts) return tl::unexpected(drafts.error());
    return models;
}

RunTraits traitsOf(const RunModels& models) {
    RunTraits traits = traitsOf(*models.quantized);
    traits.draft_models = static_cast<int>(models.drafts.size());
    traits.reference = models.reference != nullptr;
    return traits;
}

RunTraits traitsOf(const Model& model) {
    return {.model = model.config().name,
            .experts = model.config().hasExperts(),
            .thought_marks = closingOfThought(*model.tokenizer()).has_value()};
}

Result<void> checkSameModel(const std::string& what, const std::string& stored, const std::string& here) {
    if (stored.empty() || stored == here) return {};
    return fail(ErrorCode::FileCorrupt,
                "the " + what + " here is not the one that made the run (" + here + ", stored " + stored + ")",
                "Name the right file with --model or --reference");
}

CacheModels cacheModelsOf(const RunModels& models) {
    CacheModels caches;
    caches.model = &models.quantized->config();
    if (models.reference != nullptr) caches.reference = &models.reference->config();
    for (const auto& draft : models.drafts) caches.drafts.push_back(&draft->config());
    return caches;
}

}  // namespace quibble
