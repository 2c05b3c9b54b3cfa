#include "engine/model/model.h"

#include <algorithm>

#include "engine/model/model_loader.h"

namespace quibble {

std::size_t weightBytes(const Linear& linear) {
    if (linear.packed.data != nullptr)
        return kernels::packedBytes(linear.packed.type, linear.packed.rows, linear.packed.cols);
    const kernels::WeightView& w = linear.weight;
    const auto rows = static_cast<std::size_t>(w.rows), cols = static_cast<std::size_t>(w.cols);
    if (w.type != kernels::TensorType::RtnGroup) return rows * w.row_bytes;
    const std::size_t groups = (cols + w.rtn.group - 1) / w.rtn.group;
    return rows * (cols + 2 * groups * sizeof(float));
}

bool Model::hasBf16Layers() const {
    const auto isBf16 = [](const Linear& linear) { return linear.weight.type == kernels::TensorType::BF16; };
    return std::any_of(layers_.begin(), layers_.end(), [&](const LayerWeights& layer) {
        const auto someOf = [&](const std::vector<Linear>& experts) {
            return std::any_of(experts.begin(), experts.end(), isBf16);
        };
        return isBf16(layer.q) || isBf16(layer.k) || isBf16(layer.v) || isBf16(layer.o) || isBf16(layer.gate) ||
               isBf16(layer.up) || isBf16(layer.down) || someOf(layer.gate_exps) || someOf(layer.up_exps) ||
               someOf(layer.down_exps);
    });
}

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& path, const LoadOptions& options) {
    auto file = ModelFile::open(path);
    if (!file) return tl::unexpected(file.error());
    // The configuration first: "architecture X is not supported" helps more than a complaint about its tokenizer.
    if (auto config = readModelConfig(**file); !config) return tl::unexpected(config.error());
    auto tokenizer = Tokenizer::fromFile(**file);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    return load(std::move(*file), std::move(*tokenizer), options);
}

Result<std::shared_ptr<const Model>> Model::load(std::shared_ptr<const ModelFile> file,
                                                 std::shared_ptr<const Tokenizer> tokenizer,
                                                 const LoadOptions& options) {
    return ModelLoader(std::move(file), std::move(tokenizer), options).load();
}

}  // namespace quibble
