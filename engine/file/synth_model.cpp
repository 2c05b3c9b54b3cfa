#include "engine/file/synth_model.h"

#include <algorithm>
#include <ostream>
#include <string>
#include <system_error>
#include <vector>

#include "engine/file/gguf/gguf_writer.h"
#include "engine/file/synth_blocks.h"
#include "kernels/tensor_type.h"

namespace quibble {

namespace {

using kernels::TensorType;

constexpr SynthShape kShapes[] = {
    {"r1-distill-qwen-1.5b", "qwen2", 28, 1536, 12, 2, 128, 8960, 151936, false, 10000},
    {"r1-distill-qwen-7b", "qwen2", 28, 3584, 28, 4, 128, 18944, 152064, false, 10000},
    {"r1-distill-llama-8b", "llama", 32, 4096, 32, 8, 128, 14336, 128256, false, 500000},
    {"llama-3.2-1b", "llama", 16, 2048, 32, 8, 64, 8192, 128256, true, 500000},
    {"qwen3-0.6b", "qwen3", 28, 1024, 16, 8, 128, 3072, 151936, true, 1e6},
    {"qwen3-4b", "qwen3", 36, 2560, 32, 8, 128, 9728, 151936, true, 1e6},
    {"qwen3-30b-a3b", "qwen3moe", 48, 2048, 32, 4, 128, 768, 151936, false, 1e6, 128, 8},
    {"olmoe", "olmoe", 16, 2048, 16, 16, 128, 1024, 50304, false, 10000, 64, 8},
    {"olmoe-like", "olmoe", 4, 512, 8, 8, 64, 256, 4096, false, 10000, 16, 4},
    {"moe-bench", "qwen3moe", 16, 1024, 16, 8, 64, 1024, 50257, false, 1e6, 32, 4},
    {"mixtral-like", "llama", 4, 1024, 16, 4, 64, 3584, 4096, false, 1e6, 8, 2},
    {"gpt-oss-20b", "gpt-oss", 24, 2880, 64, 8, 64, 2880, 201088, false, 150000, 32, 4},
    {"gpt-oss-like", "gpt-oss", 4, 576, 8, 2, 64, 576, 4096, false, 150000, 8, 4},
};

// The mixtures that the usual quantizing programs write, and the type that most tensors of each have.
struct Mixture {
    std::string_view name;
    TensorType base;
};
constexpr Mixture kMixtures[] = {{"Q2_K_M", TensorType::Q2_K}, {"Q3_K_M", TensorType::Q3_K},
                                 {"Q4_K_M", TensorType::Q4_K}, {"Q5_K_M", TensorType::Q5_K},
                                 {"Q6_K_M", TensorType::Q6_K}, {"MXFP4_MOE", TensorType::Q8_0}};
constexpr TensorType kPlain[] = {TensorType::F32,  TensorType::F16,    TensorType::BF16,   TensorType::Q8_0,
                                 TensorType::Q4_0, TensorType::Q4_1,   TensorType::Q5_0,   TensorType::Q5_1,
                                 TensorType::Q2_K, TensorType::Q3_K,   TensorType::Q4_K,   TensorType::Q5_K,
                                 TensorType::Q6_K, TensorType::IQ4_NL, TensorType::IQ4_XS, TensorType::MXFP4};

// The type that takes rows whose length is no multiple of 256.
TensorType fallback(TensorType type) {
    switch (type) {
        case TensorType::Q4_K: return TensorType::Q5_0;
        case TensorType::Q5_K: return TensorType::Q5_1;
        case TensorType::Q6_K: return TensorType::Q8_0;
        case TensorType::Q2_K:
        case TensorType::Q3_K:
        case TensorType::IQ4_XS: return TensorType::IQ4_NL;
        default: return TensorType::F16;
    }
}

// True for the first and the last eighth of the layers, and for every third layer between them.
bool getsMoreBits(int layer, int layers) {
    return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

TensorType mixedType(const Mixture& mixture, std::string_view name, int layer, const SynthShape& shape, int layers) {
    const auto is = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
    const TensorType base = mixture.base;
    if (base == TensorType::Q8_0) return is("_exps") ? TensorType::MXFP4 : base;
    if (name == "output.weight" || (name == "token_embd.weight" && shape.tied_output)) return TensorType::Q6_K;
    if (shape.experts == 8 && (is("attn_v") || is("attn_k"))) return TensorType::Q8_0;
    const bool more = getsMoreBits(layer, layers);
    if (is("attn_v")) {
        if (base == TensorType::Q2_K)
            return shape.n_heads >= 4 * shape.n_kv_heads ? TensorType::Q4_K : TensorType::Q3_K;
        if (base == TensorType::Q3_K) return layer < 2 ? TensorType::Q5_K : TensorType::Q4_K;
        return more ? TensorType::Q6_K : base;
    }
    if (is("ffn_down")) {
        if (base == TensorType::Q2_K) return TensorType::Q3_K;
        if (base == TensorType::Q3_K) return layer < layers / 16 ? TensorType::Q5_K : more ? TensorType::Q4_K : base;
        return more ? TensorType::Q6_K : base;
    }
    if (is("attn_output")) {
        if (base == TensorType::Q2_K) return TensorType::Q3_K;
        if (base == TensorType::Q3_K) return TensorType::Q4_K;
    }
    return base;
}

constexpr std::size_t kChunkBlocks = 1 << 14;

void writeMatrix(std::ostream& out, TensorType type, std::uint64_t bytes, std::uint64_t seed) {
    const std::size_t chunk = kChunkBlocks * kernels::typeTraits(type)->block_bytes;
    std::vector<std::byte> data(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, chunk)));
    for (std::uint64_t done = 0; done < bytes; done += data.size()) {
        data.resize(static_cast<std::size_t>(std::min<std::uint64_t>(bytes - done, data.size())));
        fillRandomWeights(type, ++seed * 0x9E3779B97F4A7C15ULL, data);
        out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    }
}

// 256 byte tokens, then fillers that no text encodes to.
void addVocabulary(GgufWriter& writer, int size) {
    std::vector<std::string> tokens;
    std::vector<std::int32_t> types(static_cast<std::size_t>(size), 1);
    std::uint32_t next_unprintable = 256;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        const std::uint32_t code = printable ? byte : next_unprintable++;
        std::string text;
        if (code < 0x80)
            text += static_cast<char>(code);
        else {
            text += static_cast<char>(0xC0 | (code >> 6));
            text += static_cast<char>(0x80 | (code & 0x3F));
        }
        tokens.push_back(std::move(text));
    }
    while (tokens.size() < static_cast<std::size_t>(size)) tokens.push_back("<" + std::to_string(tokens.size()) + ">");
    writer.addString("tokenizer.ggml.model", "gpt2");
    writer.addString("tokenizer.ggml.pre", "qwen2");
    writer.addStrings("tokenizer.ggml.tokens", tokens);
    writer.addI32s("tokenizer.ggml.token_type", types);
    writer.addStrings("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
    tokens.clear();
    writer.addU32("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(size - 1));
    writer.addBool("tokenizer.ggml.add_bos_token", false);
}

class SynthWriter {
public:
    SynthWriter(const SynthShape& shape, const Mixture& mixture, bool mixed, const SynthRequest& request)
        : shape_(shape),
          mixture_(mixture),
          mixed_(mixed),
          layers_(request.layers > 0 ? request.layers : shape.n_layers),
          seed_(request.seed << 20) {}

    Result<void> write(const std::filesystem::path& path) {
        addKeys();
        addVocabulary(writer_, shape_.vocab_size);
        matrix("token_embd.weight", 0, shape_.vocab_size, shape_.d_model);
        if (!shape_.tied_output) matrix("output.weight", 0, shape_.vocab_size, shape_.d_model);
        vector("output_norm.weight", shape_.d_model, 1);
        for (int layer = 0; layer < layers_; ++layer) addLayer("blk." + std::to_string(layer) + ".", layer);
        std::error_code code;
        const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
        const auto space = std::filesystem::space(folder, code);
        if (!code && space.available < bytes_ + kSpareBytes) {
            return fail(ErrorCode::Io,
                        path.string() + " needs " + std::to_string(bytes_ >> 20) + " MiB and the disk has " +
                            std::to_string(space.available >> 20) + " MiB left",
                        "Free some room, or take fewer layers or a smaller type");
        }
        if (const auto fault = writer_.write(path.string())) return fail(ErrorCode::Io, *fault);
        return {};
    }

private:
    static constexpr std::uint64_t kSpareBytes = std::uint64_t{64} << 20;

    bool gptOss() const { return shape_.architecture == "gpt-oss"; }

    void addKeys() {
        const std::string a(shape_.architecture);
        writer_.addString("general.architecture", a);
        writer_.addString("general.name", std::string(shape_.id) + " (random weights)");
        const auto put = [&](const char* key, int value) {
            writer_.addU32(a + key, static_cast<std::uint32_t>(value));
        };
        put(".context_length", 32768);
        put(".block_count", layers_);
        put(".embedding_length", shape_.d_model);
        put(".feed_forward_length", shape_.d_ff);
        put(".attention.head_count", shape_.n_heads);
        put(".attention.head_count_kv", shape_.n_kv_heads);
        put(".attention.key_length", shape_.head_dim);
        put(".attention.value_length", shape_.head_dim);
        writer_.addF32(a + ".attention.layer_norm_rms_epsilon", 1e-6F);
        writer_.addF32(a + ".rope.freq_base", static_cast<float>(shape_.rope_theta));
        if (shape_.experts > 0) {
            put(".expert_count", shape_.experts);
            put(".expert_used_count", shape_.experts_used);
            put(".expert_feed_forward_length", shape_.d_ff);
        }
        if (gptOss()) {
            put(".attention.sliding_window", 128);
            writer_.addString(a + ".rope.scaling.type", "yarn");
            writer_.addF32(a + ".rope.scaling.factor", 32);
            put(".rope.scaling.original_context_length", 4096);
        }
    }
    void addLayer(const std::string& prefix, int layer) {
        const int d_q = shape_.n_heads * shape_.head_dim, d_kv = shape_.n_kv_heads * shape_.head_dim;
        vector(prefix + "attn_norm.weight", shape_.d_model, 1);
        vector(prefix + (gptOss() ? "post_attention_norm.weight" : "ffn_norm.weight"), shape_.d_model, 1);
        matrix(prefix + "attn_q.weight", layer, d_q, shape_.d_model);
        matrix(prefix + "attn_k.weight", layer, d_kv, shape_.d_model);
        matrix(prefix + "attn_v.weight", layer, d_kv, shape_.d_model);
        matrix(prefix + "attn_output.weight", layer, shape_.d_model, d_q);
        if (shape_.experts > 0)
            addExperts(prefix, layer);
        else {
            matrix(prefix + "ffn_gate.weight", layer, shape_.d_ff, shape_.d_model);
            matrix(prefix + "ffn_up.weight", layer, shape_.d_ff, shape_.d_model);
            matrix(prefix + "ffn_down.weight", layer, shape_.d_model, shape_.d_ff);
        }
        if (shape_.architecture == "qwen2" || gptOss()) {
            vector(prefix + "attn_q.bias", d_q, 0);
            vector(prefix + "attn_k.bias", d_kv, 0);
            vector(prefix + "attn_v.bias", d_kv, 0);
        }
        if (gptOss()) {
            vector(prefix + "attn_output.bias", shape_.d_model, 0);
            vector(prefix + "attn_sinks.weight", shape_.n_heads, 0);
        }
        const bool per_head = shape_.architecture == "qwen3" || shape_.architecture == "qwen3moe";
        if (per_head || shape_.architecture == "olmoe") {
            vector(prefix + "attn_q_norm.weight", per_head ? shape_.head_dim : d_q, 1);
            vector(prefix + "attn_k_norm.weight", per_head ? shape_.head_dim : d_kv, 1);
        }
    }
    void addExperts(const std::string& prefix, int layer) {
        stream(prefix + "ffn_gate_inp.weight", TensorType::F32, {size(shape_.d_model), size(shape_.experts)});
        const auto experts = [&](const char* name, int rows, int cols) {
            stream(prefix + name + "_exps.weight", typeOf(prefix + name + "_exps.weight", layer, cols),
                   {size(cols), size(rows), size(shape_.experts)});
            if (gptOss()) stream(prefix + name + "_exps.bias", TensorType::F32, {size(rows), size(shape_.experts)});
        };
        experts("ffn_gate", shape_.d_ff, shape_.d_model);
        experts("ffn_up", shape_.d_ff, shape_.d_model);
        experts("ffn_down", shape_.d_model, shape_.d_ff);
        if (gptOss()) vector(prefix + "ffn_gate_inp.bias", shape_.experts, 0);
    }

    static std::uint64_t size(int count) { return static_cast<std::uint64_t>(count); }
    TensorType typeOf(std::string_view name, int layer, int cols) const {
        const TensorType type = mixed_ ? mixedType(mixture_, name, layer, shape_, layers_) : mixture_.base;
        return size(cols) % kernels::typeTraits(type)->block_elements == 0 ? type : fallback(type);
    }
    void vector(const std::string& name, int length, float value) {
        const std::vector<float> values(static_cast<std::size_t>(length), value);
        const std::uint64_t dims[] = {size(length)};
        writer_.addTensorF32(name, dims, values);
    }
    void matrix(const std::string& name, int layer, int rows, int cols) {
        stream(name, typeOf(name, layer, cols), {size(cols), size(rows)});
    }
    void stream(const std::string& name, TensorType type, const std::vector<std::uint64_t>& dims) {
        const kernels::TypeTraits& traits = *kernels::typeTraits(type);
        std::uint64_t bytes = dims[0] / traits.block_elements * traits.block_bytes;
        for (std::size_t i = 1; i < dims.size(); ++i) bytes *= dims[i];
        bytes_ += bytes;
        seed_ += std::uint64_t{1} << 40;  // more than the pieces of a tensor
        writer_.addTensorStream(
            name, dims, static_cast<std::uint32_t>(type), bytes,
            [type, bytes, seed = seed_](std::ostream& out) { writeMatrix(out, type, bytes, seed); });
    }

    const SynthShape& shape_;
    Mixture mixture_;
    bool mixed_;
    int layers_;
    std::uint64_t seed_, bytes_ = 0;
    GgufWriter writer_;
};

}  // namespace

std::span<const SynthShape> synthShapes() { return kShapes; }

std::string synthTypeNames() {
    std::string names;
    for (const TensorType type : kPlain) names += std::string(kernels::typeTraits(type)->name) + ", ";
    for (const Mixture& mixture : kMixtures)
        names += std::string(mixture.name) + (&mixture == std::end(kMixtures) - 1 ? "" : ", ");
    return names;
}

Result<void> writeSynthModel(const SynthRequest& request, const std::filesystem::path& path) {
    const SynthShape* chosen = nullptr;
    std::string known;
    for (const SynthShape& candidate : kShapes) {
        if (candidate.id == request.shape) chosen = &candidate;
        known += (known.empty() ? "" : ", ") + std::string(candidate.id);
    }
    if (chosen == nullptr)
        return fail(ErrorCode::NotFound, "no shape is called \"" + std::string(request.shape) + "\"",
                    "Known are: " + known);
    if (request.layers < 0 || request.layers > chosen->n_layers) {
        return fail(ErrorCode::InvalidArgument, "the shape has 1 to " + std::to_string(chosen->n_layers) +
                                                    " layers, not " + std::to_string(request.layers));
    }
    for (const Mixture& mixture : kMixtures) {
        if (request.type == mixture.name) return SynthWriter(*chosen, mixture, true, request).write(path);
    }
    for (const TensorType type : kPlain) {
        if (request.type == kernels::typeTraits(type)->name)
            return SynthWriter(*chosen, {request.type, type}, false, request).write(path);
    }
    return fail(ErrorCode::InvalidArgument, "no model is written in the type \"" + std::string(request.type) + "\"",
                "Use one of: " + synthTypeNames());
}

}  // namespace quibble
