// A loaded model: configuration, tokenizer and weights. Immutable after loading and shared between runs and threads; a
// quantized model and the reference made from the same file share the mapping and every tensor that is not quantized.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/memory_use.h"
#include "engine/file/model_file.h"
#include "engine/forward/rope_table.h"
#include "engine/model/model_config.h"
#include "engine/model/packed_weights.h"
#include "engine/quant/weights/weight_quantizer.h"
#include "engine/text/tokenizer.h"
#include "engine/values/param_spec.h"
#include "kernels/packed.h"
#include "kernels/weight_view.h"

namespace quibble {

class ModelTuning;

/// y = W x + bias, W: [outputs, inputs].
struct Linear {
    kernels::WeightView weight;
    const float* bias = nullptr;  // [outputs] or nullptr
    kernels::PackedView packed;   // the same weights for native arithmetic; data == nullptr: none
};

/// Bytes that one reading of the weights takes.
[[nodiscard]] std::size_t weightBytes(const Linear& linear);

struct LayerWeights {
    const float* attn_norm = nullptr;  // [d_model]
    Linear q, k, v, o;
    const float* q_norm = nullptr;    // QkNorm::PerHead: [head_dim]; FullWidth: [n_heads * head_dim]; else nullptr
    const float* k_norm = nullptr;    // the same of the K/V heads
    const float* sinks = nullptr;     // [n_heads] or nullptr
    const float* ffn_norm = nullptr;  // [d_model]
    Linear gate, up, down;            // of a dense model
    // Of a mixture of experts: one entry an expert; fused and stacked tensors are cut into views.
    Linear router;  // [n_experts, d_model]
    std::vector<Linear> gate_exps, up_exps, down_exps;
};

struct LoadOptions {
    MethodChoice weight_quant;  // "none": as stored
    bool packed = true;         // native arithmetic will be used: pack the matrices whose type has 8-bit products
    std::function<void(std::int64_t done, std::int64_t total)> progress;  // layers; may be empty
    std::stop_token stop;
    std::function<std::optional<std::int64_t>()> free_memory =
        memoryLimit;  // that the weights must fit in; nothing: not checked
};

/// Identity of a model file for provenance: hex of XXH3-128 over the header and the tensor data (files above 256 MiB:
/// the ends of each tensor).
[[nodiscard]] std::string modelHash(const ModelFile& file);

class Model {
public:
    /// Opens a GGUF file. Errors: those of ModelFile, readModelConfig and Tokenizer; FileCorrupt for a tensor that is
    /// missing or of the wrong shape (named); Unsupported for a tensor type without arithmetic; InvalidArgument for a
    /// quantizer that does not fit; OutOfMemory before anything is loaded when the weights would take more than there
    /// is, with numbers.
    [[nodiscard]] static Result<std::shared_ptr<const Model>> load(const std::filesystem::path& path,
                                                                   const LoadOptions& options);
    /// The same from an open file, so that a quantized model and its reference share one mapping.
    [[nodiscard]] static Result<std::shared_ptr<const Model>> load(std::shared_ptr<const ModelFile> file,
                                                                   std::shared_ptr<const Tokenizer> tokenizer,
                                                                   const LoadOptions& options);

    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    [[nodiscard]] const ModelConfig& config() const { return config_; }
    [[nodiscard]] const std::shared_ptr<const ModelFile>& file() const { return file_; }
    [[nodiscard]] const std::shared_ptr<const Tokenizer>& tokenizer() const { return tokenizer_; }
    [[nodiscard]] const std::vector<LayerWeights>& layers() const { return layers_; }
    [[nodiscard]] const kernels::WeightView& embedding() const { return embedding_; }  // [vocab, d_model]
    [[nodiscard]] const Linear& output() const { return output_; }                     // [vocab, d_model]
    [[nodiscard]] const float* outputNorm() const { return output_norm_; }
    [[nodiscard]] const RopeTable& rope() const { return rope_; }
    /// How its kernels go about their work on this machine; changes no number, so a model that is const can be tuned.
    [[nodiscard]] ModelTuning& tuning() const { return *tuning_; }

    /// modelHash of the file.
    [[nodiscard]] const std::string& hash() const { return hash_; }
    [[nodiscard]] const MethodChoice& weightQuant() const { return weight_quant_; }
    /// What the weights in use are called: "F16", "Q4_K_M", "RTN 3 bit g64", "RTN 3 bit g64 of Q4_K_M"
    /// (engine/model/weight_format.h).
    [[nodiscard]] const std::string& weightFormat() const { return weight_format_; }
    /// The same of the weights in the file, whatever was made of them.
    [[nodiscard]] const std::string& storedFormat() const { return stored_format_; }
    /// The types of the layers' matrices in the file, the one of most weights first: "Q4_K, Q6_K".
    [[nodiscard]] const std::string& storedTypes() const { return stored_types_; }
    [[nodiscard]] double bitsPerWeight() const { return bits_per_weight_; }  // over all tensors
    [[nodiscard]] std::int64_t parameters() const { return parameters_; }
    /// Bytes of memory that this object holds beside the mapped file.
    [[nodiscard]] std::size_t ownedBytes() const { return owned_bytes_; }
    /// Bytes of the file that packing has replaced: they stay on the disk, and their pages in memory are given back.
    [[nodiscard]] std::size_t replacedBytes() const { return packed_file_bytes_; }
    /// The layers have matrices that are stored in BF16.
    [[nodiscard]] bool hasBf16Layers() const;
    /// Weights that were packed can still be read as they were stored, for other arithmetic than native. False of
    /// experts that a checkpoint holds in another form: of those only the packed weights are kept.
    [[nodiscard]] bool storedReadable() const { return stored_readable_; }
    /// All matrices of the layers are float in the file: as a reference its stored weights are full precision.
    [[nodiscard]] bool storedUnquantized() const { return stored_unquantized_; }

private:
    friend class ModelLoader;
    Model() = default;

    ModelConfig config_;
    std::shared_ptr<const ModelFile> file_;
    std::shared_ptr<const Tokenizer> tokenizer_;
    std::vector<LayerWeights> layers_;
    kernels::WeightView embedding_;
    Linear output_;
    const float* output_norm_ = nullptr;
    RopeTable rope_;
    std::shared_ptr<ModelTuning> tuning_;
    std::vector<std::unique_ptr<float[]>> owned_vectors_;  // norms and biases as F32
    std::vector<std::unique_ptr<QuantizedMatrix>> owned_matrices_;
    PackedWeights packed_weights_;
    std::vector<std::shared_ptr<const std::byte[]>> made_rows_;  // of tensors that the file holds in another form
    std::size_t packed_file_bytes_ = 0;
    std::string hash_;
    MethodChoice weight_quant_;
    std::string weight_format_, stored_format_, stored_types_;
    double bits_per_weight_ = 0;
    std::int64_t parameters_ = 0;
    std::size_t owned_bytes_ = 0;
    bool stored_unquantized_ = true;
    bool stored_readable_ = true;
};

}  // namespace quibble
