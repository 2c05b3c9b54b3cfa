#include "engine/model/weight_format.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/values/reference_text.h"

namespace quibble {

namespace {

// Mixtures that have a name of their own in general.file_type, with the type of most of their weights. Numbers of files
// of one type are left out: there the type is the name.
struct NamedMixture {
    std::uint64_t file_type;
    const char* name;
    const char* main_type;
    bool needs_others;  // the name promises a second type
};
constexpr NamedMixture kNamedMixtures[] = {
    {10, "Q2_K", "Q2_K", false},       {11, "Q3_K_S", "Q3_K", false},    {12, "Q3_K_M", "Q3_K", true},
    {13, "Q3_K_L", "Q3_K", true},      {14, "Q4_K_S", "Q4_K", false},    {15, "Q4_K_M", "Q4_K", true},
    {16, "Q5_K_S", "Q5_K", false},     {17, "Q5_K_M", "Q5_K", true},     {19, "IQ2_XXS", "IQ2_XXS", false},
    {20, "IQ2_XS", "IQ2_XS", false},   {21, "Q2_K_S", "Q2_K", false},    {22, "IQ3_XS", "IQ3_S", false},
    {23, "IQ3_XXS", "IQ3_XXS", false}, {24, "IQ1_S", "IQ1_S", false},    {26, "IQ3_S", "IQ3_S", false},
    {27, "IQ3_M", "IQ3_S", true},      {28, "IQ2_S", "IQ2_XS", true},    {29, "IQ2_M", "IQ2_S", true},
    {31, "IQ1_M", "IQ1_M", false},     {38, "MXFP4_MOE", "MXFP4", true},
};

std::vector<std::string> byWeight(const WeightsByType& weights) {
    std::vector<std::pair<std::int64_t, std::string>> order;
    for (const auto& [name, count] : weights) order.emplace_back(-count, name);
    std::sort(order.begin(), order.end());
    std::vector<std::string> names;
    names.reserve(order.size());
    for (auto& [count, name] : order) names.push_back(std::move(name));
    return names;
}

}  // namespace

WeightsByType layerWeights(const ModelFile& file) {
    WeightsByType weights;
    for (const ModelTensor& tensor : file.tensors()) {
        const kernels::TypeTraits* traits = kernels::typeTraits(tensor.type);
        const bool matrix =
            tensor.name.starts_with("blk.") && tensor.name.ends_with(".weight") && tensor.dims.size() > 1;
        if (!matrix || traits == nullptr || tensor.name.find(".ffn_gate_inp.") != std::string::npos) continue;
        weights[traits->name] += static_cast<std::int64_t>(tensor.elements());
    }
    return weights;
}

std::string typeList(const WeightsByType& weights) {
    std::string list;
    for (const std::string& name : byWeight(weights)) list += (list.empty() ? "" : ", ") + name;
    return list;
}

std::string storedFormatName(const WeightsByType& weights, std::optional<std::uint64_t> file_type) {
    const std::vector<std::string> types = byWeight(weights);
    const auto named = std::find_if(std::begin(kNamedMixtures), std::end(kNamedMixtures),
                                    [&](const NamedMixture& mixture) { return file_type == mixture.file_type; });
    const bool agrees = named != std::end(kNamedMixtures) && !types.empty() && types.front() == named->main_type &&
                        (!named->needs_others || types.size() > 1);
    return agrees ? named->name : typeList(weights);
}

std::string storedFormatName(const ModelFile& file) {
    return storedFormatName(layerWeights(file), file.getUint("general.file_type"));
}

std::string weightFormatName(const std::string& stored, const WeightQuantizer* quantizer, const MethodChoice& choice) {
    if (quantizer == nullptr) return stored;
    const std::string made = quantizer->describe(choice);
    return isFullPrecision(stored) ? made : made + " of " + stored;
}

}  // namespace quibble
