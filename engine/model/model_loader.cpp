#include "engine/model/model_loader.h"

#include <cmath>

#include <xxhash.h>

#include "engine/model/model_tuning.h"
#include "engine/model/weight_cost.h"
#include "kernels/ops.h"

namespace quibble {

namespace {

constexpr std::int64_t kMadeRowsPerChunk = 64;
constexpr std::uint64_t kHashWholeFileBelow = std::uint64_t{256} << 20;
constexpr std::uint64_t kHashTensorEnd = 4096;

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

void hashBytes(XXH3_state_t* state, const ModelTensor& tensor, std::uint64_t begin, std::uint64_t end) {
    if (tensor.data != nullptr) {
        XXH3_128bits_update(state, tensor.data + begin, static_cast<std::size_t>(end - begin));
        return;
    }
    const std::uint64_t row_bytes = tensor.rowBytes();
    std::vector<std::byte> row(static_cast<std::size_t>(row_bytes));
    for (std::uint64_t at = begin; at < end;) {
        const std::uint64_t inside = at % row_bytes, count = std::min(row_bytes - inside, end - at);
        tensor.readRows(at / row_bytes, at / row_bytes + 1, row.data());
        XXH3_128bits_update(state, row.data() + inside, static_cast<std::size_t>(count));
        at += count;
    }
}

kernels::WeightView rowsOf(kernels::WeightView view, std::int64_t first, std::int64_t rows) {
    if (view.data != nullptr) view.data += static_cast<std::size_t>(first) * view.row_bytes;
    view.rows = rows;
    return view;
}

}  // namespace

std::string modelHash(const ModelFile& file) {
    XXH3_state_t* state = XXH3_createState();
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, file.contentHash().data(), file.contentHash().size());
    for (const ModelTensor& tensor : file.tensors()) {
        if (file.fileSize() < kHashWholeFileBelow || tensor.bytes <= 2 * kHashTensorEnd) {
            hashBytes(state, tensor, 0, tensor.bytes);
        } else {
            hashBytes(state, tensor, 0, kHashTensorEnd);
            hashBytes(state, tensor, tensor.bytes - kHashTensorEnd, tensor.bytes);
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

ModelLoader::ModelLoader(std::shared_ptr<const ModelFile> file, std::shared_ptr<const Tokenizer> tokenizer,
                         const LoadOptions& options)
    : model_(new Model()), file_(*file), options_(options) {
    model_->file_ = std::move(file);
    model_->tokenizer_ = std::move(tokenizer);
    model_->weight_quant_ = options.weight_quant;
}

tl::unexpected<Error> ModelLoader::corrupt(const std::string& what) const {
    return fail(ErrorCode::FileCorrupt, file_.path() + ": " + what, "Download or convert the file again");
}

const ModelTensor* ModelLoader::find(const std::string& name) {
    const ModelTensor* tensor = file_.tensor(name);
    if (tensor != nullptr) used_.insert(tensor->name);
    return tensor;
}

Result<const float*> ModelLoader::vector(const std::string& name, std::int64_t length, bool required) {
    if (const auto known = vectors_.find(name); known != vectors_.end())
        return known->second;  // a fused tensor is asked for twice
    const ModelTensor* tensor = find(name);
    if (tensor == nullptr) {
        if (required) return corrupt("tensor " + name + " is missing");
        return nullptr;
    }
    if (tensor->elements() != static_cast<std::uint64_t>(length) || !isFloatType(tensor->type)) {
        return corrupt("tensor " + name + " is " + kernels::typeTraits(static_cast<std::uint32_t>(tensor->type))->name +
                       " " + shapeText(*tensor) + ", expected " + std::to_string(length) + " floats");
    }
    auto values = std::make_unique<float[]>(static_cast<std::size_t>(length));
    kernels::ops().dequantizeRow(tensor->type, tensor->data, length, values.get());
    model_->parameters_ += length;
    stored_bits_ += static_cast<double>(tensor->bytes) * 8;
    model_->owned_bytes_ += static_cast<std::size_t>(length) * sizeof(float);
    model_->owned_vectors_.push_back(std::move(values));
    vectors_[name] = model_->owned_vectors_.back().get();
    return vectors_[name];
}

Result<kernels::WeightView> ModelLoader::matrix(const std::string& name, std::int64_t rows, std::int64_t cols,
                                                std::int64_t count) {
    const ModelTensor* tensor = find(name);
    if (tensor == nullptr) return corrupt("tensor " + name + " is missing");
    const auto& dims = tensor->dims;
    const auto is = [&](std::size_t index, std::int64_t expected) {
        return (dims.size() > index ? dims[index] : 1) == static_cast<std::uint64_t>(expected);
    };
    const bool fits = dims.size() >= 2 && is(0, cols) && is(1, rows) && is(2, count) && is(3, 1);
    if (!fits) {
        return corrupt("tensor " + name + " is " + shapeText(*tensor) + ", expected [" +
                       (count > 1 ? std::to_string(count) + ", " : "") + std::to_string(rows) + ", " +
                       std::to_string(cols) + "]");
    }
    const kernels::TypeTraits* traits = kernels::typeTraits(static_cast<std::uint32_t>(tensor->type));
    if (traits == nullptr || !traits->readable) {
        return fail(ErrorCode::Unsupported,
                    file_.path() + ": tensor " + name + " has the type " +
                        (traits != nullptr ? traits->name : "unknown") + ", for which there is no arithmetic here",
                    "Use a file in F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K");
    }
    kernels::WeightView view{};
    view.type = tensor->type;
    view.rows = rows * count;
    view.cols = cols;
    view.data = tensor->data;
    view.row_bytes = static_cast<std::size_t>(tensor->bytes) / static_cast<std::size_t>(view.rows);
    return view;
}

Result<Linear> ModelLoader::finish(const kernels::WeightView& view, const float* bias, const std::string& name,
                                   bool keep_stored) {
    model_->parameters_ += view.rows * view.cols;
    if (!isFloatType(view.type)) model_->stored_unquantized_ = false;
    if (quantizer_ == nullptr || keep_stored) {
        stored_bits_ += static_cast<double>(view.row_bytes) * 8 * static_cast<double>(view.rows);
        Linear stored{view, bias, {}};
        pack(stored);
        return stored;
    }
    auto quantized = quantizer_->quantize({view, name, &pool_}, options_.weight_quant);
    if (!quantized) return tl::unexpected(quantized.error());
    file_.dropPages({view.data, view.row_bytes * static_cast<std::size_t>(view.rows)});
    stored_bits_ += (*quantized)->storedBits();
    model_->owned_bytes_ += (*quantized)->memoryBytes();
    model_->owned_matrices_.push_back(std::move(*quantized));
    return Linear{model_->owned_matrices_.back()->view(), bias, {}};
}

// The other architectures have models with biases and models without.
bool ModelLoader::biasRequired(const std::string& name) const {
    const Architecture architecture = model_->config_.architecture;
    const bool queries_keys_values = name.find(".attn_") != std::string::npos && !name.ends_with("attn_output");
    return architecture == Architecture::GptOss || (architecture == Architecture::Qwen2 && queries_keys_values);
}

void ModelLoader::pack(Linear& linear) {
    const kernels::WeightView& w = linear.weight;
    const std::size_t bytes = w.row_bytes * static_cast<std::size_t>(w.rows);
    if (!options_.packed || !kernels::hasPacked(w.type)) return file_.useLargePages({w.data, bytes});
    linear.packed = model_->packed_weights_.add(w, pool_);
    model_->owned_bytes_ += kernels::packedBytes(w.type, w.rows, w.cols);
    model_->packed_file_bytes_ += bytes;
    file_.dropPages({w.data, bytes});
}

Result<Linear> ModelLoader::linear(const std::string& name, std::int64_t rows, std::int64_t cols, bool keep_stored) {
    auto view = matrix(name + ".weight", rows, cols);
    if (!view) return tl::unexpected(view.error());
    auto bias = vector(name + ".bias", rows, biasRequired(name));
    if (!bias) return tl::unexpected(bias.error());
    return finish(*view, *bias, name + ".weight", keep_stored);
}

Result<std::vector<Linear>> ModelLoader::experts(const std::string& name, std::int64_t stacked, std::int64_t first,
                                                 std::int64_t rows, std::int64_t cols) {
    const int count = model_->config_.experts.count;
    std::vector<Linear> all;
    if (file_.tensor(name + "_exps.weight") == nullptr && file_.tensor(name + ".0.weight") != nullptr) {
        for (int expert = 0; expert < count; ++expert) {
            auto one = linear(name + "." + std::to_string(expert), rows, cols);
            if (!one) return tl::unexpected(one.error());
            all.push_back(*one);
        }
        return all;
    }
    auto stack = matrix(name + "_exps.weight", stacked, cols, count);
    if (!stack) return tl::unexpected(stack.error());
    const ModelTensor& stored = *file_.tensor(name + "_exps.weight");
    auto biases = vector(name + "_exps.bias", stacked * count, biasRequired(name));
    if (!biases) return tl::unexpected(biases.error());
    for (std::int64_t expert = 0; expert < count; ++expert) {
        const std::int64_t begin = expert * stacked + first;
        kernels::WeightView view = rowsOf(*stack, begin, rows);
        const MadeRows made = stored.made_rows == nullptr ? nullptr : makeRows(stored, begin, view);
        auto one = finish(view, *biases == nullptr ? nullptr : *biases + begin,
                          name + "_exps.weight[" + std::to_string(expert) + "]");
        if (!one) return tl::unexpected(one.error());
        if (made != nullptr) keepOrForget(*one, made);
        all.push_back(*one);
    }
    return all;
}

ModelLoader::MadeRows ModelLoader::makeRows(const ModelTensor& tensor, std::int64_t first, kernels::WeightView& view) {
    const auto begin = static_cast<std::uint64_t>(first), end = begin + static_cast<std::uint64_t>(view.rows);
    MadeRows made(new std::byte[view.row_bytes * static_cast<std::size_t>(view.rows)]);
    pool_.parallelFor(view.rows, kMadeRowsPerChunk, [&](std::int64_t from, std::int64_t to) {
        tensor.readRows(begin + static_cast<std::uint64_t>(from), begin + static_cast<std::uint64_t>(to),
                        made.get() + static_cast<std::size_t>(from) * view.row_bytes);
    });
    for (const auto& source : tensor.made_rows->sources(begin, end)) file_.dropPages(source);
    view.data = made.get();
    return made;
}

void ModelLoader::keepOrForget(Linear& linear, const MadeRows& made) {
    if (linear.packed.data != nullptr) {
        linear.weight.data = nullptr;
        model_->stored_readable_ = false;
    } else if (linear.weight.data == made.get()) {
        model_->owned_bytes_ += linear.weight.row_bytes * static_cast<std::size_t>(linear.weight.rows);
        model_->made_rows_.push_back(made);
    }
}

Result<void> ModelLoader::loadNorms(const std::string& prefix, LayerWeights& layer) {
    const ModelConfig& c = model_->config_;
    struct Slot {
        const float** target;
        const char* name;
        int length;
    };
    // The norm in front of the feed-forward layer has two names in files. One of them sounds like a norm behind
    // attention, which no architecture here has.
    const bool gpt_oss = c.architecture == Architecture::GptOss;
    std::vector<Slot> slots{{&layer.attn_norm, "attn_norm.weight", c.d_model},
                            {&layer.ffn_norm, gpt_oss ? "post_attention_norm.weight" : "ffn_norm.weight", c.d_model}};
    if (c.qk_norm != QkNorm::None) {
        const bool full = c.qk_norm == QkNorm::FullWidth;
        slots.push_back({&layer.q_norm, "attn_q_norm.weight", full ? c.dQ() : c.head_dim});
        slots.push_back({&layer.k_norm, "attn_k_norm.weight", full ? c.dKv() : c.head_dim});
    }
    if (c.attention_sinks) slots.push_back({&layer.sinks, "attn_sinks.weight", c.n_heads});
    for (const Slot& slot : slots) {
        auto values = vector(prefix + slot.name, slot.length, true);
        if (!values) return tl::unexpected(values.error());
        *slot.target = *values;
    }
    return {};
}

Result<void> ModelLoader::loadAttention(const std::string& prefix, LayerWeights& layer) {
    const ModelConfig& c = model_->config_;
    struct Slot {
        Linear* target;
        const char* name;
        int rows;
    };
    const Slot slots[] = {{&layer.q, "attn_q", c.dQ()}, {&layer.k, "attn_k", c.dKv()}, {&layer.v, "attn_v", c.dKv()}};
    if (const std::string fused = prefix + "attn_qkv"; file_.tensor(fused + ".weight") != nullptr) {
        auto view = matrix(fused + ".weight", c.dQ() + 2 * c.dKv(), c.d_model);
        if (!view) return tl::unexpected(view.error());
        auto bias = vector(fused + ".bias", c.dQ() + 2 * c.dKv(), biasRequired(fused));
        if (!bias) return tl::unexpected(bias.error());
        std::int64_t first = 0;
        for (const Slot& slot : slots) {
            auto part = finish(rowsOf(*view, first, slot.rows), *bias == nullptr ? nullptr : *bias + first,
                               prefix + slot.name + " in attn_qkv");
            if (!part) return tl::unexpected(part.error());
            *slot.target = *part;
            first += slot.rows;
        }
    } else {
        for (const Slot& slot : slots) {
            auto values = linear(prefix + slot.name, slot.rows, c.d_model);
            if (!values) return tl::unexpected(values.error());
            *slot.target = *values;
        }
    }
    auto output = linear(prefix + "attn_output", c.d_model, c.dQ());
    if (!output) return tl::unexpected(output.error());
    layer.o = *output;
    return {};
}

Result<void> ModelLoader::loadExperts(const std::string& prefix, LayerWeights& layer) {
    const ModelConfig& c = model_->config_;
    // The router stays as it is stored: it is small, and rounding it changes which experts are asked.
    auto router = linear(prefix + "ffn_gate_inp", c.experts.count, c.d_model, true);
    if (!router) return tl::unexpected(router.error());
    layer.router = *router;
    struct Slot {
        std::vector<Linear>* target;
        const char* name;
        int stacked, first, rows, cols;  // rows of an expert in the file, and which of them
    };
    const int d_ff = c.experts.d_ff;
    // Fused: the gate's rows of an expert, then its up rows.
    const bool fused = file_.tensor(prefix + "ffn_gate_up_exps.weight") != nullptr;
    const int stacked = fused ? 2 * d_ff : d_ff;
    const char* gate = fused ? "ffn_gate_up" : "ffn_gate";
    const char* up = fused ? "ffn_gate_up" : "ffn_up";
    for (const Slot& slot : {Slot{&layer.gate_exps, gate, stacked, 0, d_ff, c.d_model},
                             Slot{&layer.up_exps, up, stacked, stacked - d_ff, d_ff, c.d_model},
                             Slot{&layer.down_exps, "ffn_down", c.d_model, 0, c.d_model, d_ff}}) {
        auto values = experts(prefix + slot.name, slot.stacked, slot.first, slot.rows, slot.cols);
        if (!values) return tl::unexpected(values.error());
        *slot.target = std::move(*values);
    }
    return {};
}

Result<void> ModelLoader::loadFeedForward(const std::string& prefix, LayerWeights& layer) {
    const ModelConfig& c = model_->config_;
    struct Slot {
        Linear* target;
        const char* name;
        int rows, cols;
    };
    for (const Slot& slot :
         {Slot{&layer.gate, "ffn_gate", c.d_ff, c.d_model}, Slot{&layer.up, "ffn_up", c.d_ff, c.d_model},
          Slot{&layer.down, "ffn_down", c.d_model, c.d_ff}}) {
        auto values = linear(prefix + slot.name, slot.rows, slot.cols);
        if (!values) return tl::unexpected(values.error());
        *slot.target = *values;
    }
    return {};
}

Result<void> ModelLoader::loadLayer(int index) {
    const std::string prefix = "blk." + std::to_string(index) + ".";
    LayerWeights layer;
    if (auto norms = loadNorms(prefix, layer); !norms) return norms;
    if (auto attention = loadAttention(prefix, layer); !attention) return attention;
    auto feed_forward = model_->config_.hasExperts() ? loadExperts(prefix, layer) : loadFeedForward(prefix, layer);
    if (!feed_forward) return feed_forward;
    model_->layers_.push_back(std::move(layer));
    return {};
}

// A tensor that nothing has read is a part of the model that would be left out in silence.
Result<void> ModelLoader::checkAllUsed() const {
    for (const ModelTensor& tensor : file_.tensors()) {
        if (used_.count(tensor.name) != 0) continue;
        return fail(ErrorCode::Unsupported,
                    file_.path() + ": tensor " + tensor.name + " belongs to no part of the architecture " +
                        model_->config_.architecture_name,
                    "The file holds a variant of the architecture that is not supported here");
    }
    return {};
}

Result<void> ModelLoader::loadRope() {
    std::vector<float> factors;
    const int pairs = model_->config_.rope.dim / 2;
    auto values = vector("rope_freqs.weight", pairs, false);
    if (!values) return tl::unexpected(values.error());
    if (*values != nullptr) {
        factors.assign(*values, *values + pairs);
        const bool usable =
            std::all_of(factors.begin(), factors.end(), [](float f) { return std::isfinite(f) && f > 0; });
        if (!usable) return corrupt("tensor rope_freqs.weight holds a divisor that is not a positive number");
    }
    model_->rope_ = RopeTable(model_->config_.rope, factors);
    return {};
}

void ModelLoader::describeWeights() {
    model_->bits_per_weight_ = stored_bits_ / static_cast<double>(std::max<std::int64_t>(1, model_->parameters_));
    model_->stored_types_ = typeList(layerWeights(file_));
    model_->stored_format_ = storedFormatName(file_);
    model_->weight_format_ = weightFormatName(model_->stored_format_, quantizer_, options_.weight_quant);
}

Result<std::shared_ptr<const Model>> ModelLoader::load() {
    auto config = readModelConfig(file_);
    if (!config) return tl::unexpected(config.error());
    model_->config_ = *config;
    const ModelConfig& c = model_->config_;
    auto quantizer = findWeightQuantizer(options_.weight_quant);
    if (!quantizer) return tl::unexpected(quantizer.error());
    quantizer_ = *quantizer;
    auto pinned = tuningFromEnvironment();
    if (!pinned) return tl::unexpected(pinned.error());
    model_->tuning_ = std::make_shared<ModelTuning>(*pinned);
    if (model_->tokenizer_->vocabSize() > static_cast<std::size_t>(c.vocab_size)) {
        return corrupt("the tokenizer has " + std::to_string(model_->tokenizer_->vocabSize()) +
                       " tokens but token_embd.weight only " + std::to_string(c.vocab_size) + " rows");
    }

    if (auto fits = checkWeightsFit(weightCost(file_, options_, quantizer_), file_.path(), options_.free_memory());
        !fits)
        return tl::unexpected(fits.error());
    auto embedding = matrix("token_embd.weight", c.vocab_size, c.d_model);
    if (!embedding) return tl::unexpected(embedding.error());
    model_->embedding_ = *embedding;
    model_->parameters_ += embedding->rows * embedding->cols;
    stored_bits_ += static_cast<double>(embedding->row_bytes) * 8 * c.vocab_size;
    if (c.tied_output) {
        model_->output_ = {*embedding, nullptr, {}};
    } else {
        auto output = matrix("output.weight", c.vocab_size, c.d_model);
        if (!output) return tl::unexpected(output.error());
        model_->parameters_ += output->rows * output->cols;
        stored_bits_ += static_cast<double>(output->row_bytes) * 8 * c.vocab_size;
        model_->output_ = {*output, nullptr, {}};
    }
    pack(model_->output_);
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
    if (auto used = checkAllUsed(); !used) return tl::unexpected(used.error());
    if (options_.progress) options_.progress(c.n_layers, c.n_layers);
    model_->hash_ = modelHash(file_);
    describeWeights();
    return std::shared_ptr<const Model>(model_);
}

}  // namespace quibble
