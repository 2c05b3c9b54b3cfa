#include "app/engine_values.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <thread>

#include <QCoreApplication>
#include <QLocale>

#include "engine/base/clock.h"
#include "engine/base/memory_use.h"
#include "engine/draft/draft_method.h"
#include "engine/experts/expert_method.h"
#include "engine/model/weight_format.h"
#include "engine/run/method_slots.h"
#include "engine/run/prompt.h"
#include "engine/run/run_models.h"
#include "engine/run/run_weight_cost.h"
#include "engine/values/version.h"
#include "kernels/ops.h"

namespace quibble {

namespace {

struct EngineText {
    Q_DECLARE_TR_FUNCTIONS(EngineValues)
};

QString utf8(std::string_view text) { return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())); }

// What the weights would take if they were quantized so, with the stored ones as their reference.
QString costText(const ModelFile& file, const MethodChoice& choice) {
    RunRequest request;
    request.weight_quant = choice;
    const auto cost = runWeightCost(request, {.model = &file, .reference = &file, .drafts = {}});
    if (!cost) return {};
    const QString text =
        EngineText::tr("With the stored weights as the reference: %1.").arg(QString::fromStdString(cost->text()));
    const auto available = availableMemoryBytes();
    return available ? EngineText::tr("%1 %2 are free.").arg(text, QString::fromStdString(bytesText(*available)))
                     : text;
}

}  // namespace

std::vector<MethodInfo> methodInfos(std::string_view field, const Model* model) {
    std::vector<MethodInfo> infos;
    RunTraits traits = model != nullptr ? traitsOf(*model) : RunTraits{};
    traits.draft_models = 2;  // the user may name them yet, and choose a reference
    traits.reference = true;
    for (const MethodSlot& slot : methodSlots()) {
        if (slot.key != field) continue;
        for (const MethodHead* method : slot.methods) {
            infos.push_back(methodInfo(*method));
            if (model != nullptr) infos.back().blocked = sentence(whyNot(*method, slot.what, traits));
        }
    }
    return infos;
}

std::vector<QuantMethod> quantMethods(const std::shared_ptr<const Model>& model) {
    std::vector<QuantMethod> methods;
    for (const WeightQuantizer* method : weightQuantizers()) {
        QuantMethod info{.id = std::string(method->id),
                         .label = utf8(method->label),
                         .params = {method->params.begin(), method->params.end()},
                         .blocked = {}};
        info.about = aboutMethod(methodInfo(*method));
        const std::string stored = model != nullptr ? model->storedFormat() : std::string();
        info.name = [method, stored](const MethodChoice& choice) {
            return QString::fromStdString(weightFormatName(stored, method, choice));
        };
        if (model != nullptr)
            info.cost = [file = model->file()](const MethodChoice& choice) { return costText(*file, choice); };
        else
            info.blocked = EngineText::tr("Open a model first");
        methods.push_back(std::move(info));
    }
    return methods;
}

std::vector<std::pair<QString, QString>> modelFacts(const Model& model) {
    const ModelConfig& c = model.config();
    const QLocale locale;
    const auto text = [](const std::string& value) { return QString::fromStdString(value); };
    std::vector<std::pair<QString, QString>> facts;
    facts.emplace_back(EngineText::tr("Name"), text(c.name));
    facts.emplace_back(EngineText::tr("File"), text(model.file()->path()));
    facts.emplace_back(EngineText::tr("File size"),
                       locale.formattedDataSize(static_cast<qint64>(model.file()->fileSize())));
    const QString stored = text(model.storedFormat()), types = text(model.storedTypes());
    facts.emplace_back(EngineText::tr("Stored as"),
                       stored == types ? stored : EngineText::tr("%1 (%2)").arg(stored, types));
    facts.emplace_back(EngineText::tr("Weights in use"),
                       EngineText::tr("%1, %2 bits a weight")
                           .arg(text(model.weightFormat()), locale.toString(model.bitsPerWeight(), 'f', 2)));
    facts.emplace_back(EngineText::tr("Parameters"), locale.toString(static_cast<qlonglong>(model.parameters())));
    facts.emplace_back(EngineText::tr("Architecture"),
                       EngineText::tr("%1, %2 layers of %3, %4 heads, %5 key-value heads of %6")
                           .arg(text(c.architecture_name))
                           .arg(c.n_layers)
                           .arg(c.d_model)
                           .arg(c.n_heads)
                           .arg(c.n_kv_heads)
                           .arg(c.head_dim));
    facts.emplace_back(EngineText::tr("Context"), EngineText::tr("%L1 positions").arg(c.context_length));
    const std::string_view tokenizer = model.tokenizer()->preTokenizerName();
    facts.emplace_back(EngineText::tr("Tokenizer"),
                       EngineText::tr("%1, %L2 tokens")
                           .arg(QString::fromUtf8(tokenizer.data(), static_cast<qsizetype>(tokenizer.size())))
                           .arg(model.tokenizer()->vocabSize()));
    for (const std::string& note : model.tokenizer()->notes()) facts.emplace_back(EngineText::tr("Note"), text(note));
    facts.emplace_back(EngineText::tr("Chat template"), model.tokenizer()->chatTemplate().empty()
                                                            ? EngineText::tr("none: raw completion only")
                                                            : EngineText::tr("in the file"));
    facts.emplace_back(EngineText::tr("Memory beside the file"),
                       locale.formattedDataSize(static_cast<qint64>(model.ownedBytes())));
    facts.emplace_back(EngineText::tr("Hash"), text(model.hash()));
    return facts;
}

QString sentence(const std::string& remark) {
    QString text = QString::fromStdString(remark);
    if (!text.isEmpty()) text[0] = text[0].toUpper();
    return text;
}

QString reasonText(const Error& error) {
    QString reason = sentence(error.what);
    if (!error.hint.empty()) reason += QStringLiteral(". ") + QString::fromStdString(error.hint);
    return reason;
}

std::vector<PromptToken> promptTokens(const PromptTokens& prompt, const Tokenizer& tokenizer, std::size_t most) {
    std::vector<PromptToken> tokens;
    for (const TokenId id : std::span(prompt.ids).first(std::min(most, prompt.ids.size()))) {
        tokens.push_back({id, std::string(tokenizer.tokenBytes(id)), tokenizer.isSpecial(id)});
    }
    return tokens;
}

MarkerSet markerSetOf(const PenaltySettings& penalty) {
    if (!penalty.words.empty()) return {.name = penalty.set_name, .note = {}, .words = penalty.words};
    for (MarkerSet& set : builtinMarkerSets()) {
        if (set.name == penalty.set_name) return std::move(set);
    }
    return publishedMarkers();
}

std::vector<MarkerListInfo> markerListInfos(const std::vector<MarkerSet>& sets,
                                            const std::vector<std::string>& editable) {
    std::vector<MarkerListInfo> infos;
    for (const MarkerSet& set : sets) {
        const bool own = std::find(editable.begin(), editable.end(), set.name) != editable.end();
        infos.push_back({QString::fromStdString(set.name), QString::fromStdString(set.note), set.words, own});
    }
    return infos;
}

QString runTitle(const RunRequest& request, const Model& model) {
    QStringList parts{QString::fromStdString(model.weightFormat()),
                      EngineText::tr("λ %1").arg(QLocale().toString(request.penalty.strength, 'g', 3))};
    const auto draft = findDraftMethod(request.draft.method);
    if (draft && *draft != nullptr) parts << utf8((*draft)->id);
    const auto experts = findExpertMethod(request.experts);
    if (experts && !(*experts)->lossless) {
        QString text = utf8((*experts)->id);
        for (const ParamSpec& spec : (*experts)->params) {
            if (spec.key == "budget") text += QStringLiteral(" %1").arg(request.experts.value(spec));
        }
        parts << text;
    }
    return parts.join(QStringLiteral(", "));
}

EventBatch previewOf(const RunRequest& request, const Model& model, const PromptTokens* prompt) {
    const Tokenizer& tokenizer = *model.tokenizer();
    EventBatch batch;
    RunProvenance p;
    p.engine_version = kVersion;
    p.model_name = model.config().name;
    p.model_hash = model.hash();
    p.tokenizer_hash = tokenizer.hash();
    p.architecture = model.config().architecture_name;
    p.weight_format = model.weightFormat();
    p.bits_per_weight = model.bitsPerWeight();
    p.parameters = model.parameters();
    p.isa = kernels::ops().isa;
    p.threads = request.threads > 0 ? request.threads : static_cast<int>(std::thread::hardware_concurrency());
    p.vocab_size = model.config().vocab_size;
    if (const ExpertConfig& experts = model.config().experts; experts.count > 0) {
        p.expert_layers = model.config().n_layers;
        p.experts = experts.count;
        p.experts_used = experts.used;
    }
    if (prompt != nullptr) {
        p.prompt_tokens = prompt->ids;
        p.thinking_open = prompt->thinking_open;
    }
    const ResolvedMarkers resolved = resolveMarkers(markerSetOf(request.penalty), tokenizer);
    for (const auto& [word, id] : resolved.entries) {
        p.markers.push_back({word, id});
        batch.events.emplace_back(TokenText{id, std::string(tokenizer.tokenBytes(id))});
    }
    p.dropped_markers = resolved.dropped;
    std::vector<TokenId> used = p.prompt_tokens;  // each text once
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    for (const TokenId id : used) batch.events.emplace_back(TokenText{id, std::string(tokenizer.tokenBytes(id))});
    batch.events.emplace_back(std::move(p));
    return batch;
}

}  // namespace quibble
