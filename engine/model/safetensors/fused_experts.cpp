#include "engine/model/safetensors/fused_experts.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "engine/model/safetensors/tensor_names.h"
#include "kernels/formats/mxfp4.h"

namespace quibble {
namespace {

constexpr const char* kHint = "Download the model's folder again, with all its files";
constexpr std::string_view kInside = ".mlp.experts.";
constexpr std::array<std::string_view, 8> kParts = {"gate_up_proj", "gate_up_proj_blocks", "gate_up_proj_scales", "gate_up_proj_bias",
                                                    "down_proj",    "down_proj_blocks",    "down_proj_scales",    "down_proj_bias"};

// A tensor of the parts with data of its own.
std::byte* addMade(const std::string& name, std::vector<std::uint64_t> dims, kernels::TensorType type, std::uint64_t bytes, std::size_t file, std::uint64_t offset,
                   ModelFileParts& parts) {
    auto& data = parts.made.emplace_back(std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(bytes)));
    ModelTensor made;
    made.name = name;
    made.dims = std::move(dims);
    made.type = type;
    made.file = file;
    made.offset = offset;
    made.bytes = bytes;
    made.data = data.get();
    parts.tensors.push_back(std::move(made));
    return data.get();
}

// Sixteen bytes hold 32 codes: neighbours share a byte in the source, a code and the one 16 places behind it in a GGUF block.
void writeBlock(const std::byte* codes, std::byte scale, std::byte* out) {
    static_assert(sizeof(kernels::BlockMXFP4) == 17);
    const auto code = [&](std::size_t i) { return i % 2 == 0 ? codes[i / 2] & std::byte{15} : codes[i / 2] >> 4; };
    out[0] = scale;
    for (std::size_t i = 0; i < 16; ++i) out[1 + i] = code(i) | (code(i + 16) << 4);
}

}  // namespace

bool FusedExperts::take(const SafeTensor& tensor, const std::byte* data, std::size_t file) {
    const std::size_t inside = tensor.name.find(kInside);
    constexpr std::string_view kLayers = "model.layers.";
    if (!tensor.name.starts_with(kLayers) || inside == std::string::npos || inside < kLayers.size()) return false;
    const std::string part = tensor.name.substr(inside + kInside.size());
    if (std::find(kParts.begin(), kParts.end(), part) == kParts.end()) return false;
    const std::string layer = tensor.name.substr(kLayers.size(), inside - kLayers.size());
    if (!isLayerNumber(layer)) return false;
    return layers_[layer].emplace(part, Part{tensor, data, file}).second;
}

Result<void> FusedExperts::addStack(const std::string& place, const Sources& sources, const Stack& stack, ModelFileParts& parts) {
    const auto corrupt = [&](const char* what) { return fail(ErrorCode::FileCorrupt, place + what, kHint); };
    if (sources.bias == nullptr) return corrupt("_bias is missing");
    if ((sources.floats != nullptr) == (sources.blocks != nullptr || sources.scales != nullptr)) return corrupt(" is missing, or there as floats and as blocks");
    if (sources.floats == nullptr && (sources.blocks == nullptr || sources.scales == nullptr)) return corrupt("_blocks or _scales is missing");
    const SafeTensor& matrix = sources.floats != nullptr ? sources.floats->tensor : sources.blocks->tensor;
    const auto& shape = matrix.shape;
    for (const Part* part : {sources.floats, sources.blocks, sources.scales, sources.bias}) {
        if (part != nullptr && part->tensor.bytes == 0) return corrupt(" is empty");
    }
    if (!floatTypeOf(sources.bias->tensor.dtype) || (sources.floats != nullptr && !floatTypeOf(matrix.dtype)) ||
        (sources.blocks != nullptr && (matrix.dtype != "U8" || sources.scales->tensor.dtype != "U8"))) {
        return fail(ErrorCode::Unsupported, place + " has an element type for which there is no arithmetic here", "Read are: F32, F16, BF16, and U8 for MXFP4 blocks");
    }
    // Floats: [experts, inputs, outputs]. Blocks: [experts, outputs, blocks of a row, 16], scales without the last.
    const bool fits = sources.floats != nullptr ? shape.size() == 3
                                                : shape.size() == 4 && shape[3] == 16 && sources.scales->tensor.shape == std::vector<std::uint64_t>(shape.begin(), shape.end() - 1);
    const std::uint64_t rows = !fits ? 0 : sources.floats != nullptr ? shape[2] : shape[1];
    if (!fits || rows % stack.step != 0 || sources.bias->tensor.shape != std::vector<std::uint64_t>{shape[0], rows}) return corrupt(": its parts have shapes that do not fit together");
    if (sources.floats != nullptr) addFloats(*sources.floats, stack, parts);
    else addBlocks(sources, stack, parts);
    addBias(*sources.bias, stack, parts);
    return {};
}

void FusedExperts::addBlocks(const Sources& sources, const Stack& stack, ModelFileParts& parts) {
    const auto& shape = sources.blocks->tensor.shape;
    const std::uint64_t experts = shape[0], all_rows = shape[1], blocks = shape[2], rows = all_rows / stack.step;
    std::byte* out = addMade(stack.name + ".weight", {blocks * kernels::kMXFP4Elements, rows, experts}, kernels::TensorType::MXFP4, experts * rows * blocks * 17, sources.blocks->file,
                             sources.blocks->tensor.offset, parts);
    for (std::uint64_t expert = 0; expert < experts; ++expert) {
        for (std::uint64_t row = stack.first; row < all_rows; row += stack.step) {
            const std::uint64_t block = (expert * all_rows + row) * blocks;
            for (std::uint64_t i = block; i < block + blocks; ++i, out += 17) writeBlock(sources.blocks->data + i * 16, sources.scales->data[i], out);
        }
    }
}

void FusedExperts::addFloats(const Part& floats, const Stack& stack, ModelFileParts& parts) {
    const auto& shape = floats.tensor.shape;
    const std::uint64_t experts = shape[0], inputs = shape[1], all_rows = shape[2], rows = all_rows / stack.step;
    const std::uint64_t element = floats.tensor.bytes / (experts * inputs * all_rows);
    std::byte* out = addMade(stack.name + ".weight", {inputs, rows, experts}, *floatTypeOf(floats.tensor.dtype), floats.tensor.bytes / stack.step, floats.file, floats.tensor.offset, parts);
    for (std::uint64_t expert = 0; expert < experts; ++expert) {
        for (std::uint64_t row = stack.first; row < all_rows; row += stack.step) {
            for (std::uint64_t input = 0; input < inputs; ++input, out += element) {
                std::memcpy(out, floats.data + ((expert * inputs + input) * all_rows + row) * element, element);
            }
        }
    }
}

void FusedExperts::addBias(const Part& bias, const Stack& stack, ModelFileParts& parts) {
    const std::uint64_t experts = bias.tensor.shape[0], all_rows = bias.tensor.shape[1], element = bias.tensor.bytes / (experts * all_rows);
    std::byte* out = addMade(stack.name + ".bias", {all_rows / stack.step, experts}, *floatTypeOf(bias.tensor.dtype), bias.tensor.bytes / stack.step, bias.file, bias.tensor.offset, parts);
    for (std::uint64_t expert = 0; expert < experts; ++expert) {
        for (std::uint64_t row = stack.first; row < all_rows; row += stack.step, out += element) std::memcpy(out, bias.data + (expert * all_rows + row) * element, element);
    }
}

Result<void> FusedExperts::finish(const std::string& where, ModelFileParts& parts) const {
    for (const auto& [layer, found] : layers_) {
        const auto part = [&parts_of_layer = found](const std::string& name) -> const Part* {
            const auto at = parts_of_layer.find(name);
            return at == parts_of_layer.end() ? nullptr : &at->second;
        };
        const std::string prefix = "blk." + layer + ".";
        for (const auto& [matrix, stack] : {std::pair<std::string, Stack>{"gate_up_proj", {prefix + "ffn_gate_exps", 0, 2}}, {"gate_up_proj", {prefix + "ffn_up_exps", 1, 2}},
                                            {"down_proj", {prefix + "ffn_down_exps", 0, 1}}}) {
            const Sources sources{part(matrix), part(matrix + "_blocks"), part(matrix + "_scales"), part(matrix + "_bias")};
            if (auto added = addStack(where + ": layer " + layer + ", experts." + matrix, sources, stack, parts); !added) return added;
        }
    }
    return {};
}

}  // namespace quibble
