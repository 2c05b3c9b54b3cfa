#include "engine/model/weight_cost.h"

#include "engine/base/memory_use.h"
#include "kernels/packed.h"

namespace quibble {

namespace {

std::int64_t packedCost(const ModelTensor& tensor) {
    const std::uint64_t matrices = tensor.dims.size() > 2 ? tensor.rowCount() / tensor.dims[1] : 1;
    const auto rows = static_cast<std::int64_t>(tensor.rowCount() / matrices),
               cols = static_cast<std::int64_t>(tensor.dims[0]);
    return static_cast<std::int64_t>(kernels::packedBytes(tensor.type, rows, cols) * matrices);
}

// Adds what one tensor costs. The file has not been checked yet: a tensor that does not belong to the architecture is
// counted too, and the loader will refuse it.
void addTensor(const ModelTensor& tensor, bool tied_output, bool packs, const WeightQuantizer* quantizer,
               const MethodChoice& choice, WeightCost& cost) {
    const bool matrix = tensor.dims.size() > 1 && tensor.name.ends_with(".weight");
    const bool embedding = tensor.name == "token_embd.weight",
               output = tensor.name == "output.weight" || (embedding && tied_output);
    const bool packable = packs && kernels::hasPacked(tensor.type);
    if (!matrix) {
        cost.made += static_cast<std::int64_t>(tensor.elements() * sizeof(float));
    } else if (quantizer != nullptr && !embedding && !output) {
        cost.made += static_cast<std::int64_t>(quantizer->memoryBytes(tensor.rowCount(), tensor.dims[0], choice));
    } else {
        if (packable && (output || !embedding)) cost.packed += packedCost(tensor);
        if (embedding || !packable)
            (tensor.made_rows != nullptr ? cost.made : cost.in_place) += static_cast<std::int64_t>(tensor.bytes);
    }
}

}  // namespace

std::string WeightCost::text() const {
    std::string parts;
    const auto add = [&](const char* name, std::int64_t bytes) {
        if (bytes > 0) parts += (parts.empty() ? "" : ", ") + std::string(name) + " " + bytesText(bytes);
    };
    add("packed", packed);
    add("made anew", made);
    add("read where they lie in the file", in_place);
    return bytesText(bytes()) + (parts.empty() ? "" : " (" + parts + ")");
}

WeightCost weightCost(const ModelFile& file, const LoadOptions& options, const WeightQuantizer* quantizer) {
    WeightCost cost;
    const bool tied_output = file.tensor("output.weight") == nullptr;
    for (const ModelTensor& tensor : file.tensors())
        addTensor(tensor, tied_output, options.packed, quantizer, options.weight_quant, cost);
    return cost;
}

Result<void> checkWeightsFit(const WeightCost& cost, const std::string& path, std::optional<std::int64_t> available) {
    if (!available || cost.bytes() <= *available) return {};
    return fail(ErrorCode::DoesNotFit,
                path + ": the weights take " + cost.text() + ", and " + bytesText(*available) + " of memory are free",
                "Close other programs, or choose a smaller model or one with fewer bits a weight");
}

}  // namespace quibble
