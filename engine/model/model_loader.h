// Builds a Model: finds every tensor, checks its shape against the configuration, quantizes when asked. One object a load.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "engine/model/model.h"

namespace quibble {

class ModelLoader {
public:
    ModelLoader(std::shared_ptr<const ModelFile> file, std::shared_ptr<const Tokenizer> tokenizer, const LoadOptions& options);
    [[nodiscard]] Result<std::shared_ptr<const Model>> load();

private:
    [[nodiscard]] Result<void> loadLayer(int index);
    /// F32, F16 or BF16 tensor of one dimension as owned floats; nullptr without error when optional and absent.
    [[nodiscard]] Result<const float*> vector(const std::string& name, std::int64_t length, bool required);
    [[nodiscard]] Result<kernels::WeightView> matrix(const std::string& name, std::int64_t rows, std::int64_t cols);
    /// NAME.weight, quantized when asked, with NAME.bias when there is one.
    [[nodiscard]] Result<Linear> linear(const std::string& name, std::int64_t rows, std::int64_t cols);
    [[nodiscard]] Result<void> loadRope();
    void describeWeights();
    [[nodiscard]] tl::unexpected<Error> corrupt(std::string what) const;

    std::shared_ptr<Model> model_;
    const ModelFile& file_;
    const LoadOptions& options_;
    const WeightQuantizer* quantizer_ = nullptr;
    double stored_bits_ = 0;
    std::map<std::string, std::int64_t> weights_by_type_;  // of the layers' matrices
};

}  // namespace quibble
