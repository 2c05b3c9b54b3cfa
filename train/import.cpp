#include "train/import.h"

#include <string>

#include "engine/file/model_file.h"
#include "kernels/ops.h"
#include "train/export.h"

namespace quibble::train {
namespace {

using torch::Tensor;

/// Where a parameter lies in the file: a tensor, and which of its slices along the last dimension (-1: all of it).
struct Place {
    std::string tensor;
    int64_t slice = -1;
};

/// "blk.0.ffn_up_exps.weight.3" is slice 3 of "blk.0.ffn_up_exps.weight".
Place placeOf(const std::string& parameter) {
    constexpr std::string_view kEnd = ".weight";
    if (parameter.ends_with(kEnd)) return {parameter, -1};
    const std::size_t dot = parameter.rfind('.');
    return {parameter.substr(0, dot), std::stoll(parameter.substr(dot + 1))};
}

bool fits(const ModelTensor& stored, const Place& place, const Tensor& tensor, int64_t experts) {
    std::vector<std::uint64_t> dims;
    for (int64_t i = tensor.dim() - 1; i >= 0; --i) dims.push_back(static_cast<std::uint64_t>(tensor.size(i)));
    if (place.slice >= 0) dims.push_back(static_cast<std::uint64_t>(experts));
    return stored.dims == dims && kernels::typeTraits(stored.type)->readable;
}

void copyRows(const ModelTensor& stored, const Place& place, const Tensor& tensor, float* to) {
    const int64_t cols = tensor.size(tensor.dim() - 1);
    const int64_t rows = tensor.numel() / cols;
    const std::size_t row_bytes = stored.bytes / (stored.elements() / static_cast<std::uint64_t>(cols));
    const std::byte* from =
        stored.data + static_cast<std::size_t>(place.slice < 0 ? 0 : place.slice * rows) * row_bytes;
    for (int64_t r = 0; r < rows; ++r)
        kernels::ops().dequantizeRow(stored.type, from + static_cast<std::size_t>(r) * row_bytes, cols, to + r * cols);
}

}  // namespace

Result<void> importGguf(const std::filesystem::path& path, Transformer& model) {
    const torch::NoGradGuard no_grad;
    const auto file = ModelFile::open(path);
    if (!file) return tl::unexpected(file.error());
    const std::string hint = "Give a file that quibble-train wrote for this model.";
    const ModelShape& shape = model.shape();
    const std::string architecture((*file)->getString("general.architecture").value_or(""));
    if (architecture != architectureOf(shape))
        return fail(ErrorCode::FileCorrupt,
                    path.string() + " is of architecture " + architecture + ", not " + architectureOf(shape), hint);
    for (const auto& [name, parameter] : model.named()) {
        const Place place = placeOf(name);
        const ModelTensor* stored = (*file)->tensor(place.tensor);
        Tensor tensor = parameter.detach();
        if (stored == nullptr || !fits(*stored, place, tensor, shape.experts))
            return fail(ErrorCode::FileCorrupt,
                        path.string() + ": " + place.tensor + " is missing or has another shape than this model's",
                        hint);
        copyRows(*stored, place, tensor, tensor.data_ptr<float>());
    }
    return {};
}

}  // namespace quibble::train
