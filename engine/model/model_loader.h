// Builds a Model: finds every tensor, checks its shape against the configuration, quantizes when asked. One object a
// load.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/model.h"
#include "engine/model/weight_format.h"

namespace quibble {

class ModelLoader {
public:
    ModelLoader(std::shared_ptr<const ModelFile> file, std::shared_ptr<const Tokenizer> tokenizer,
                const LoadOptions& options);
    [[nodiscard]] Result<std::shared_ptr<const Model>> load();

private:
    [[nodiscard]] Result<void> loadLayer(int index);
    [[nodiscard]] Result<void> loadNorms(const std::string& prefix, LayerWeights& layer);
    [[nodiscard]] Result<void> loadAttention(const std::string& prefix, LayerWeights& layer);
    [[nodiscard]] Result<void> loadFeedForward(const std::string& prefix, LayerWeights& layer);
    [[nodiscard]] Result<void> loadExperts(const std::string& prefix, LayerWeights& layer);
    /// The tensor of that name, which counts as used from now on; nullptr when there is none.
    [[nodiscard]] const ModelTensor* find(const std::string& name);
    /// F32, F16 or BF16 tensor as owned floats; nullptr without error when optional and absent.
    [[nodiscard]] Result<const float*> vector(const std::string& name, std::int64_t length, bool required);
    /// A matrix, or `count` of one shape in a stack, as one view of count * rows rows.
    [[nodiscard]] Result<kernels::WeightView> matrix(const std::string& name, std::int64_t rows, std::int64_t cols,
                                                     std::int64_t count = 1);
    /// NAME.weight, quantized when asked, with NAME.bias when there is one.
    [[nodiscard]] Result<Linear> linear(const std::string& name, std::int64_t rows, std::int64_t cols,
                                        bool keep_stored = false);
    /// One Linear an expert, [rows, cols]: rows first ... of the `stacked` rows that an expert has in NAME_exps, or the
    /// single tensors NAME.0, NAME.1 ...
    [[nodiscard]] Result<std::vector<Linear>> experts(const std::string& name, std::int64_t stacked, std::int64_t first,
                                                      std::int64_t rows, std::int64_t cols);
    using MadeRows = std::shared_ptr<std::byte[]>;
    /// The rows that the view has from `first` on, made of what the file holds; the view then points at them.
    [[nodiscard]] MadeRows makeRows(const ModelTensor& tensor, std::int64_t first, kernels::WeightView& view);
    /// Keeps the made rows where `linear` reads them. Where they were packed or quantized in turn, they are not needed
    /// any more.
    void keepOrForget(Linear& linear, const MadeRows& made);
    /// The weights that are used in place of stored ones: the view itself, or what the quantizer makes of it. They are
    /// added to the model's counts.
    [[nodiscard]] Result<Linear> finish(const kernels::WeightView& view, const float* bias, const std::string& name,
                                        bool keep_stored = false);
    [[nodiscard]] Result<void> checkAllUsed() const;
    /// Whether the architecture always has a bias for the matrix of this name (without its ending).
    [[nodiscard]] bool biasRequired(const std::string& name) const;
    /// Packs the weights of a matrix when the options ask for it and its type can be packed.
    void pack(Linear& linear);
    [[nodiscard]] Result<void> loadRope();
    void describeWeights();
    [[nodiscard]] tl::unexpected<Error> corrupt(const std::string& what) const;

    std::shared_ptr<Model> model_;
    const ModelFile& file_;
    const LoadOptions& options_;
    const WeightQuantizer* quantizer_ = nullptr;
    std::set<std::string_view> used_;  // tensors
    std::map<std::string, const float*> vectors_;
    ThreadPool pool_{0};  // its threads pack weights
    double stored_bits_ = 0;
};

}  // namespace quibble
