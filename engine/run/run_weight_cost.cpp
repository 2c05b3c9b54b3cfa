#include "engine/run/run_weight_cost.h"

#include <algorithm>
#include <map>
#include <memory>

#include "engine/base/memory_use.h"
#include "engine/draft/draft_method.h"

namespace quibble {

std::int64_t RunWeightCost::bytes() const {
    std::int64_t sum = model.bytes();
    if (reference && !same_weights) {
        sum += reference->bytes();
        if (shared_file) sum -= std::min(model.in_place, reference->in_place);
    }
    for (const WeightCost& draft : drafts) sum += draft.bytes();
    return sum;
}

std::string RunWeightCost::text() const {
    std::string parts = "model " + bytesText(model.bytes());
    if (reference && !same_weights) parts += ", reference " + bytesText(reference->bytes());
    for (const WeightCost& draft : drafts) parts += ", draft " + bytesText(draft.bytes());
    return bytesText(bytes()) + " (" + parts + ")";
}

Result<RunWeightCost> runWeightCost(const RunRequest& request, const RunFiles& files) {
    auto quantizer = findWeightQuantizer(request.weight_quant);
    if (!quantizer) return tl::unexpected(quantizer.error());
    LoadOptions options;
    options.packed = request.arithmetic == Arithmetic::Native;
    options.weight_quant = request.weight_quant;
    RunWeightCost cost;
    cost.model = weightCost(*files.model, options, *quantizer);
    options.weight_quant = MethodChoice{};
    if (files.reference != nullptr) {
        cost.reference = weightCost(*files.reference, options, nullptr);
        cost.shared_file = files.reference == files.model;
        cost.same_weights = cost.shared_file && *quantizer == nullptr;
    }
    for (const ModelFile* draft : files.drafts) cost.drafts.push_back(weightCost(*draft, options, nullptr));
    return cost;
}

Result<RunWeightCost> runWeightCost(const RunRequest& request) {
    std::map<std::string, std::shared_ptr<const ModelFile>> open;
    std::optional<Error> fault;
    const auto file = [&](const std::string& path) -> const ModelFile* {
        if (const auto known = open.find(path); known != open.end()) return known->second.get();
        auto opened = ModelFile::open(path);
        if (!opened) {
            if (!fault) fault = opened.error();
            return nullptr;
        }
        return (open[path] = *opened).get();
    };
    RunFiles files{.model = file(request.model_path), .reference = nullptr, .drafts = {}};
    if (request.reference.kind == ReferenceKind::Unquantized) files.reference = files.model;
    if (request.reference.kind == ReferenceKind::File) files.reference = file(request.reference.path);
    if (const auto method = findDraftMethod(request.draft.method); method && *method != nullptr) {
        const std::string* const paths[] = {&request.draft.path, &request.draft.second_path};
        for (int i = 0; i < (*method)->draftModels(); ++i) files.drafts.push_back(file(*paths[i]));
    }
    if (fault) return tl::unexpected(*fault);
    return runWeightCost(request, files);
}

}  // namespace quibble
