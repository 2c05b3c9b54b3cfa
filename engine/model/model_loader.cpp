#include "engine/model/model_loader.h"

#include <cmath>

#include <xxhash.h>

#include "kernels/ops.h"

namespace quibble {

namespace {

constexpr std::uint64_t kHashWholeFileBelow = std::uint64_t{256} << 20;
constexpr std::size_t kHashTensorEnd = 4096;

bool isFloatType(kernels::TensorType type) {
    return type == kernels::TensorType::F32 || type == kernels::TensorType::F16 || type == kernels::TensorType::BF16;
}

std::string shapeText(const ModelTensor& tensor) {
    std::string text = "[";
    for (auto dim = tensor.dims.rbegin(); dim != tensor.dims.rend(); ++dim) {
        text += (text.size() > 1 ? ", " : "") + std::to_string(*dim);
    }
    return text + "]";
}

std::string modelHash(const ModelFile& file) {
    XXH3_state_t* state = XXH3_createState();
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, file.contentHash().data(), file.contentHash().size());
    for (const ModelTensor& tensor : file.tensors()) {
        const auto bytes = static_cast<std::size_t>(tensor.bytes);
        if (file.fileSize() < kHashWholeFileBelow || bytes <= 2 * kHashTensorEnd) {
            XXH3_128bits_update(state, tensor.data, bytes);
        } else {
            XXH3_128bits_update(state, tensor.data, kHashTensorEnd);
            XXH3_128bits_update(state, tensor.data + bytes - kHashTensorEnd, kHashTensorEnd);
        }
    }
    const XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (const unsigned char byte : canonical.digest) {
        hex += kDigits[byte >> 4];
        hex += kDigits[byte & 15];
    }
    return hex;
}

}  // namespace

ModelLoader::ModelLoader(std::shared_ptr<const ModelFile> file, std::shared_ptr<const Tokenizer> tokenizer, const LoadOptions& options)
    : model_(new Model()), file_(*file), options_(options) {
    model_->file_ = std::move(file);
    model_->tokenizer_ = std::move(tokenizer);
    model_->weight_quant_ = options.weight_quant;
}

tl::unexpected<Error> ModelLoader::corrupt(std::string what) const {
    return fail(ErrorCode::FileCorrupt, file_.path() + ": " + what, "Download or convert the file again");
}

Result<const float*> ModelLoader::vector(const std::string& name, std::int64_t length, bool required) {
    const ModelTensor* tensor = file_.tensor(name);
    if (tensor == nullptr) {
        if (required) return corrupt("tensor " + name + " is missing");
        return nullptr;
    }
    if (tensor->elements() != static_cast<std::uint64_t>(length) || !isFloatType(tensor->type)) {
        return corrupt("tensor " + name + " is " + kernels::typeTraits(static_cast<std::uint32_t>(tensor->type))->name + " " + shapeText(*tensor) +
                       ", expected " + std::to_string(length) + " floats");
    }
    auto values = std::make_unique<float[]>(static_cast<std::size_t>(length));
    kernels::ops().dequantizeRow(tensor->type, tensor->data, length, values.get());
    model_->parameters_ += length;
    stored_bits_ += static_cast<double>(tensor->bytes) * 8;
    model_->owned_bytes_ += static_cast<std::size_t>(length) * sizeof(float);
    model_->owned_vectors_.push_back(std::move(values));
    return model_->owned_vectors_.back().get();
}

Result<kernels::WeightView> ModelLoader::matrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
    const ModelTensor* tensor = file_.tensor(name);
    if (tensor == nullptr) return corrupt("tensor " + name + " is missing");
    const auto& dims = tensor->dims;
    const bool fits = dims.size() >= 2 && dims[0] == static_cast<std::uint64_t>(cols) && dims[1] == static_cast<std::uint64_t>(rows) &&
                      tensor->elements() == static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(cols);
    if (!fits) {
        return corrupt("tensor " + name + " is " + shapeText(*tensor) + ", expected [" + std::to_string(rows) + ", " + std::to_string(cols) + "]");
    }
    const kernels::TypeTraits* traits = kernels::typeTraits(static_cast<std::uint32_t>(tensor->type));
    if (traits == nullptr || !traits->readable) {
        return fail(ErrorCode::Unsupported, file_.path() + ": tensor " + name + " has the type " + (traits != nullptr ? traits->name : "unknown") +
                                                ", for which there is no arithmetic here",
                    "Use a file in F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K");
    }
    kernels::WeightView view{};
    view.type = tensor->type;
    view.rows = rows;
    view.cols = cols;
    view.data = tensor->data;
    view.row_bytes = static_cast<std::size_t>(tensor->bytes) / static_cast<std::size_t>(rows);
    model_->parameters_ += rows * cols;
    return view;
}

Result<Linear> ModelLoader::linear(const std::string& name, std::int64_t rows, std::int64_t cols) {
    auto view = matrix(name + ".weight", rows, cols);
    if (!view) return tl::unexpected(view.error());
    auto bias = vector(name + ".bias", rows, false);
    if (!bias) return tl::unexpected(bias.error());
    if (!isFloatType(view->type)) model_->stored_unquantized_ = false;

    if (quantizer_ == nullptr) {
        stored_bits_ += static_cast<double>(view->row_bytes) * 8 * static_cast<double>(rows);
        weights_by_type_[kernels::typeTraits(static_cast<std::uint32_t>(view->type))->name] += rows * cols;
        return Linear{*view, *bias};
    }
    if (!isFloatType(view->type)) {
        return fail(ErrorCode::InvalidArgument,
                    file_.path() + ": tensor " + name + ".weight is already quantized (" +
                        kernels::typeTraits(static_cast<std::uint32_t>(view->type))->name + ")",
                    "Quantizing in place needs a file in F32, F16 or BF16");
    }
    auto quantized = quantizer_->quantize({*view, name + ".weight"}, options_.weight_quant);
    if (!quantized) return tl::unexpected(quantized.error());
    stored_bits_ += (*quantized)->storedBits();
    model_->owned_bytes_ += (*quantized)->memoryBytes();
    model_->owned_matrices_.push_back(std::move(*quantized));
    return Linear{model_->owned_matrices_.back()->view(), *bias};
}

Result<void> ModelLoader::loadLayer(int index) {
    const ModelConfig& c = model_->config_;
    const std::string prefix = "blk." + std::to_string(index) + ".";
    LayerWeights layer;
    struct VectorSlot {
        const float** target;
        const char* name;
        int length;
        bool required;
    };
    const bool qk_norm = c.architecture == Architecture::Qwen3;
    for (const VectorSlot& slot : {VectorSlot{&layer.attn_norm, "attn_norm.weight", c.d_model, true},
                                   VectorSlot{&layer.ffn_norm, "ffn_norm.weight", c.d_model, true},
                                   VectorSlot{&layer.q_norm, "attn_q_norm.weight", c.head_dim, qk_norm},
                                   VectorSlot{&layer.k_norm, "attn_k_norm.weight", c.head_dim, qk_norm}}) {
        auto values = vector(prefix + slot.name, slot.length, slot.required);
        if (!values) return tl::unexpected(values.error());
        *slot.target = *values;
    }
    struct LinearSlot {
        Linear* target;
        const char* name;
        int rows, cols;
    };
    for (const LinearSlot& slot : {LinearSlot{&layer.q, "attn_q", c.dQ(), c.d_model}, LinearSlot{&layer.k, "attn_k", c.dKv(), c.d_model},
                                   LinearSlot{&layer.v, "attn_v", c.dKv(), c.d_model}, LinearSlot{&layer.o, "attn_output", c.d_model, c.dQ()},
                                   LinearSlot{&layer.gate, "ffn_gate", c.d_ff, c.d_model}, LinearSlot{&layer.up, "ffn_up", c.d_ff, c.d_model},
                                   LinearSlot{&layer.down, "ffn_down", c.d_model, c.d_ff}}) {
        auto values = linear(prefix + slot.name, slot.rows, slot.cols);
        if (!values) return tl::unexpected(values.error());
        *slot.target = *values;
    }
    model_->layers_.push_back(layer);
    return {};
}

Result<void> ModelLoader::loadRope() {
    std::vector<float> factors;
    const int pairs = model_->config_.rope_dim / 2;
    auto values = vector("rope_freqs.weight", pairs, false);
    if (!values) return tl::unexpected(values.error());
    if (*values != nullptr) {
        factors.assign(*values, *values + pairs);
        const bool usable = std::all_of(factors.begin(), factors.end(), [](float f) { return std::isfinite(f) && f > 0; });
        if (!usable) return corrupt("tensor rope_freqs.weight holds a divisor that is not a positive number");
    }
    model_->rope_frequencies_ = ropeInverseFrequencies(model_->config_, factors);
    return {};
}

void ModelLoader::describeWeights() {
    model_->bits_per_weight_ = stored_bits_ / static_cast<double>(std::max<std::int64_t>(1, model_->parameters_));
    if (quantizer_ != nullptr) {
        model_->weight_format_ = quantizer_->describe(options_.weight_quant);
        return;
    }
    std::vector<std::pair<std::int64_t, std::string>> order;
    for (const auto& [name, count] : weights_by_type_) order.emplace_back(-count, name);
    std::sort(order.begin(), order.end());
    for (const auto& [count, name] : order) model_->weight_format_ += (model_->weight_format_.empty() ? "" : ", ") + name;
}

Result<std::shared_ptr<const Model>> ModelLoader::load() {
    auto config = readModelConfig(file_);
    if (!config) return tl::unexpected(config.error());
    model_->config_ = *config;
    const ModelConfig& c = model_->config_;
    auto quantizer = findWeightQuantizer(options_.weight_quant);
    if (!quantizer) return tl::unexpected(quantizer.error());
    quantizer_ = *quantizer;
    if (model_->tokenizer_->vocabSize() > static_cast<std::size_t>(c.vocab_size)) {
        return corrupt("the tokenizer has " + std::to_string(model_->tokenizer_->vocabSize()) + " tokens but token_embd.weight only " +
                       std::to_string(c.vocab_size) + " rows");
    }

    auto embedding = matrix("token_embd.weight", c.vocab_size, c.d_model);
    if (!embedding) return tl::unexpected(embedding.error());
    model_->embedding_ = *embedding;
    stored_bits_ += static_cast<double>(embedding->row_bytes) * 8 * c.vocab_size;
    if (c.tied_output) {
        model_->output_ = {*embedding, nullptr};
    } else {
        auto output = matrix("output.weight", c.vocab_size, c.d_model);
        if (!output) return tl::unexpected(output.error());
        stored_bits_ += static_cast<double>(output->row_bytes) * 8 * c.vocab_size;
        model_->output_ = {*output, nullptr};
    }
    auto norm = vector("output_norm.weight", c.d_model, true);
    if (!norm) return tl::unexpected(norm.error());
    model_->output_norm_ = *norm;
    if (auto rope = loadRope(); !rope) return tl::unexpected(rope.error());

    model_->layers_.reserve(static_cast<std::size_t>(c.n_layers));
    for (int index = 0; index < c.n_layers; ++index) {
        if (options_.stop.stop_requested()) return fail(ErrorCode::Cancelled, "loading was stopped");
        if (options_.progress) options_.progress(index, c.n_layers);
        if (auto layer = loadLayer(index); !layer) return tl::unexpected(layer.error());
    }
    if (options_.progress) options_.progress(c.n_layers, c.n_layers);
    model_->hash_ = modelHash(file_);
    describeWeights();
    return std::shared_ptr<const Model>(model_);
}

}  // namespace quibble
