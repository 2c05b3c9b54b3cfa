#include "app/cache_cost_reader.h"

#include <QCoreApplication>

#include "app/engine_values.h"
#include "engine/base/clock.h"
#include "engine/base/memory_use.h"
#include "engine/draft/draft_method.h"
#include "engine/run/cache_cost.h"

namespace quibble {

namespace {

struct CacheCostText {
    Q_DECLARE_TR_FUNCTIONS(CacheCostReader)
};

}  // namespace

const ModelConfig* CacheCostReader::configOf(const std::string& path) {
    if (path.empty()) return nullptr;
    const auto [known, added] = configs_.try_emplace(path);
    if (added) {
        auto file = ModelFile::open(path);
        if (file) {
            if (auto config = readModelConfig(**file)) known->second = std::move(*config);
        }
    }
    return known->second ? &*known->second : nullptr;
}

CacheCostReader::Answer CacheCostReader::of(const RunRequest& request, const Model& model, std::int64_t prompt_tokens) {
    CacheModels models;
    models.model = &model.config();
    if (request.reference.kind == ReferenceKind::Unquantized) models.reference = &model.config();
    if (request.reference.kind == ReferenceKind::File) models.reference = configOf(request.reference.path);
    if (auto method = findDraftMethod(request.draft.method); method && *method != nullptr) {
        const std::string* const paths[] = {&request.draft.path, &request.draft.second_path};
        for (int i = 0; i < (*method)->draftModels(); ++i) {
            if (const ModelConfig* draft = configOf(*paths[i]); draft != nullptr) models.drafts.push_back(draft);
        }
    }
    const Position context = runContext(request, prompt_tokens, models);
    Answer answer;
    if (auto fits = checkPromptFits(prompt_tokens, context, models); !fits) answer.too_long = reasonText(fits.error());
    const auto cost = cacheCost(request, models, context);
    answer.refused = true;
    if (!cost) {
        answer.text = QString::fromStdString(cost.error().line());
    } else if (auto fits = checkCacheFits(*cost, memoryLimit()); !fits) {
        answer.text = QString::fromStdString(fits.error().line());
    } else {
        answer.refused = false;
        answer.text = CacheCostText::tr("At most %1").arg(QString::fromStdString(cost->text()));
        const auto available = availableMemoryBytes();
        if (available)
            answer.text =
                CacheCostText::tr("%1; %2 are free").arg(answer.text, QString::fromStdString(bytesText(*available)));
    }
    return answer;
}

}  // namespace quibble
