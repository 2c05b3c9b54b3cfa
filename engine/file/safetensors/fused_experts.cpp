#include "engine/file/safetensors/fused_experts.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "engine/file/safetensors/tensor_names.h"
#include "kernels/formats/mxfp4.h"

namespace quibble {
namespace {

constexpr std::string_view kInside = ".mlp.experts.";
constexpr std::array<std::string_view, 8> kParts = {"gate_up_proj",      "gate_up_proj_blocks", "gate_up_proj_scales",
                                                    "gate_up_proj_bias", "down_proj",           "down_proj_blocks",
                                                    "down_proj_scales",  "down_proj_bias"};

// Which rows of every expert in the sources make up a stack.
struct Interleaving {
    std::uint64_t rows = 0;         // of an expert in the stack
    std::uint64_t source_rows = 0;  // of an expert in the sources
    std::uint64_t first = 0, step = 1;

    [[nodiscard]] std::uint64_t sourceRow(std::uint64_t row) const {
        return row / rows * source_rows + first + row % rows * step;
    }
};

// Sixteen bytes hold 32 codes: neighbours share a byte in the source, a code and the one 16 places behind it in a GGUF
// block.
void writeBlock(const std::byte* codes, std::byte scale, std::byte* out) {
    static_assert(sizeof(kernels::BlockMXFP4) == 17);
    constexpr std::byte kLow{15}, kHigh{240};
    out[0] = scale;
    for (std::size_t i = 0; i < 8; ++i) {
        const std::byte front = codes[i], back = codes[i + 8];
        out[1 + 2 * i] = (front & kLow) | (back << 4);
        out[2 + 2 * i] = (front >> 4) | (back & kHigh);
    }
}

class BlockRows final : public TensorRows {
public:
    BlockRows(const std::byte* blocks, const std::byte* scales, std::uint64_t per_row, const Interleaving& order)
        : blocks_(blocks), scales_(scales), per_row_(per_row), order_(order) {}

    void write(std::uint64_t begin, std::uint64_t end, std::byte* out) const override {
        for (std::uint64_t row = begin; row < end; ++row) {
            const std::uint64_t first = order_.sourceRow(row) * per_row_;
            for (std::uint64_t i = first; i < first + per_row_; ++i, out += 17)
                writeBlock(blocks_ + i * 16, scales_[i], out);
        }
    }
    [[nodiscard]] std::vector<std::span<const std::byte>> sources(std::uint64_t begin,
                                                                  std::uint64_t end) const override {
        const std::uint64_t first = order_.sourceRow(begin) * per_row_,
                            count = (order_.sourceRow(end - 1) + 1) * per_row_ - first;
        return {{blocks_ + first * 16, count * 16}, {scales_ + first, count}};
    }

private:
    const std::byte *blocks_, *scales_;
    std::uint64_t per_row_;
    Interleaving order_;
};

// Each expert's floats lie as [inputs, outputs]; a stack of GGUF wants [outputs, inputs].
class TransposedRows final : public TensorRows {
public:
    TransposedRows(const std::byte* floats, std::uint64_t element, std::uint64_t inputs, const Interleaving& order)
        : floats_(floats), element_(element), inputs_(inputs), order_(order) {}

    void write(std::uint64_t begin, std::uint64_t end, std::byte* out) const override {
        // A few rows are written at a time, so that floats that lie side by side in the source are used while they are
        // in the cache.
        constexpr std::uint64_t kTogether = 16;
        for (std::uint64_t row = begin; row < end; row += kTogether) {
            const std::uint64_t last = std::min(end, row + kTogether);
            for (std::uint64_t input = 0; input < inputs_; ++input) {
                for (std::uint64_t r = row; r < last; ++r)
                    std::memcpy(out + ((r - begin) * inputs_ + input) * element_, floats_ + place(r, input) * element_,
                                element_);
            }
        }
    }
    [[nodiscard]] std::vector<std::span<const std::byte>> sources(std::uint64_t begin,
                                                                  std::uint64_t end) const override {
        const std::uint64_t expert_bytes = order_.source_rows * inputs_ * element_, first = begin / order_.rows,
                            last = (end - 1) / order_.rows;
        return {{floats_ + first * expert_bytes, (last - first + 1) * expert_bytes}};
    }

private:
    [[nodiscard]] std::uint64_t place(std::uint64_t row, std::uint64_t input) const {
        const std::uint64_t source = order_.sourceRow(row), expert = source / order_.source_rows;
        return (expert * inputs_ + input) * order_.source_rows + source % order_.source_rows;
    }

    const std::byte* floats_;
    std::uint64_t element_, inputs_;
    Interleaving order_;
};

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

Result<void> FusedExperts::addStack(const std::string& place, const Sources& sources, const Stack& stack,
                                    ModelFileParts& parts) {
    const auto corrupt = [&](const char* what) {
        return fail(ErrorCode::FileCorrupt, place + what, kIncompleteFolder);
    };
    if (sources.bias == nullptr) return corrupt("_bias is missing");
    if ((sources.floats != nullptr) == (sources.blocks != nullptr || sources.scales != nullptr))
        return corrupt(" is missing, or there as floats and as blocks");
    if (sources.floats == nullptr && (sources.blocks == nullptr || sources.scales == nullptr))
        return corrupt("_blocks or _scales is missing");
    const SafeTensor& matrix = sources.floats != nullptr ? sources.floats->tensor : sources.blocks->tensor;
    const auto& shape = matrix.shape;
    for (const Part* part : {sources.floats, sources.blocks, sources.scales, sources.bias}) {
        if (part != nullptr && part->tensor.bytes == 0) return corrupt(" is empty");
    }
    if (!floatTypeOf(sources.bias->tensor.dtype) || (sources.floats != nullptr && !floatTypeOf(matrix.dtype)) ||
        (sources.blocks != nullptr && (matrix.dtype != "U8" || sources.scales->tensor.dtype != "U8"))) {
        return fail(ErrorCode::Unsupported, place + " has an element type for which there is no arithmetic here",
                    "Read are: F32, F16, BF16, and U8 for MXFP4 blocks");
    }
    // Floats: [experts, inputs, outputs]. Blocks: [experts, outputs, blocks of a row, 16], scales without the last.
    const bool fits = sources.floats != nullptr ? shape.size() == 3
                                                : shape.size() == 4 && shape[3] == 16 &&
                                                      sources.scales->tensor.shape ==
                                                          std::vector<std::uint64_t>(shape.begin(), shape.end() - 1);
    const std::uint64_t rows = !fits ? 0 : sources.floats != nullptr ? shape[2] : shape[1];
    if (!fits || rows % stack.step != 0 || sources.bias->tensor.shape != std::vector<std::uint64_t>{shape[0], rows})
        return corrupt(": its parts have shapes that do not fit together");
    ModelTensor made;
    made.name = stack.name + ".weight";
    made.file = sources.floats != nullptr ? sources.floats->file : sources.blocks->file;
    made.offset = matrix.offset;
    const std::uint64_t experts = shape[0];
    const Interleaving order{rows / stack.step, rows, stack.first, stack.step};
    if (sources.floats != nullptr) {
        made.dims = {shape[1], order.rows, experts};
        made.type = *floatTypeOf(matrix.dtype);
        made.bytes = matrix.bytes / stack.step;
        made.made_rows = std::make_shared<TransposedRows>(sources.floats->data,
                                                          matrix.bytes / (experts * shape[1] * rows), shape[1], order);
    } else {
        made.dims = {shape[2] * kernels::kMXFP4Elements, order.rows, experts};
        made.type = kernels::TensorType::MXFP4;
        made.bytes = experts * order.rows * shape[2] * 17;
        made.made_rows = std::make_shared<BlockRows>(sources.blocks->data, sources.scales->data, shape[2], order);
    }
    parts.tensors.push_back(std::move(made));
    addBias(*sources.bias, stack, parts);
    return {};
}

// Biases are small, so they are copied.
void FusedExperts::addBias(const Part& bias, const Stack& stack, ModelFileParts& parts) {
    const std::uint64_t experts = bias.tensor.shape[0], all_rows = bias.tensor.shape[1],
                        element = bias.tensor.bytes / (experts * all_rows);
    ModelTensor made;
    made.name = stack.name + ".bias";
    made.dims = {all_rows / stack.step, experts};
    made.type = *floatTypeOf(bias.tensor.dtype);
    made.file = bias.file;
    made.offset = bias.tensor.offset;
    made.bytes = bias.tensor.bytes / stack.step;
    auto& data =
        parts.made.emplace_back(std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(made.bytes)));
    made.data = data.get();
    std::byte* out = data.get();
    for (std::uint64_t expert = 0; expert < experts; ++expert) {
        for (std::uint64_t row = stack.first; row < all_rows; row += stack.step, out += element)
            std::memcpy(out, bias.data + (expert * all_rows + row) * element, element);
    }
    parts.tensors.push_back(std::move(made));
}

Result<void> FusedExperts::finish(const std::string& where, ModelFileParts& parts) const {
    for (const auto& [layer, found] : layers_) {
        const auto part = [&parts_of_layer = found](const std::string& name) -> const Part* {
            const auto at = parts_of_layer.find(name);
            return at == parts_of_layer.end() ? nullptr : &at->second;
        };
        const std::string prefix = "blk." + layer + ".";
        for (const auto& [matrix, stack] :
             {std::pair<std::string, Stack>{"gate_up_proj", {prefix + "ffn_gate_exps", 0, 2}},
              {"gate_up_proj", {prefix + "ffn_up_exps", 1, 2}},
              {"down_proj", {prefix + "ffn_down_exps", 0, 1}}}) {
            const Sources sources{part(matrix), part(matrix + "_blocks"), part(matrix + "_scales"),
                                  part(matrix + "_bias")};
            if (auto added = addStack(where + ": layer " + layer + ", experts." + matrix, sources, stack, parts);
                !added)
                return added;
        }
    }
    return {};
}

}  // namespace quibble
