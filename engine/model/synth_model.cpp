#include "engine/model/synth_model.h"

#include <cmath>
#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include "engine/model/gguf_writer.h"
#include "kernels/formats/half.h"
#include "kernels/formats/q4_k.h"
#include "kernels/formats/q6_k.h"
#include "kernels/quantize.h"
#include "kernels/tensor_type.h"

namespace quibble {

namespace {

constexpr SynthShape kShapes[] = {
    {"r1-distill-qwen-1.5b", "qwen2", 28, 1536, 12, 2, 128, 8960, 151936, false, 10000},
    {"qwen3-0.6b", "qwen3", 28, 1024, 16, 8, 128, 3072, 151936, true, 1e6},
    {"llama-3.2-1b", "llama", 16, 2048, 32, 8, 64, 8192, 128256, true, 500000},
};

constexpr double kWeightSpread = 0.02;  // standard deviation, as trained models of this size have

// splitmix64 (Steele, Lea, Flood 2014).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    // Sum of four 16-bit uniforms: close enough to normal for weights.
    float weight() {
        const std::uint64_t bits = next();
        const auto sum = static_cast<double>((bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48));
        return static_cast<float>((sum / 65536.0 - 2.0) * std::sqrt(3.0) * kWeightSpread);
    }
    void fill(void* out, std::size_t bytes) {
        auto* target = static_cast<unsigned char*>(out);
        for (std::size_t i = 0; i < bytes; i += 8) {
            const std::uint64_t bits = next();
            std::memcpy(target + i, &bits, std::min<std::size_t>(8, bytes - i));
        }
    }

private:
    std::uint64_t state_;
};

// K blocks have no public rounding rule, so their codes are drawn directly and the scales give the usual spread.
void randomBlock(kernels::TensorType type, Random& random, std::byte* out) {
    if (type == kernels::TensorType::Q4_K) {
        kernels::BlockQ4_K block;
        random.fill(&block, sizeof block);
        block.d = kernels::f32ToF16(static_cast<float>(kWeightSpread / 140));
        block.dmin = kernels::f32ToF16(static_cast<float>(kWeightSpread / 140 * 7.5));
        std::memcpy(out, &block, sizeof block);
    } else {
        kernels::BlockQ6_K block;
        random.fill(&block, sizeof block);
        block.d = kernels::f32ToF16(static_cast<float>(kWeightSpread / 1300));
        std::memcpy(out, &block, sizeof block);
    }
}

void writeMatrix(std::ostream& out, kernels::TensorType type, std::uint64_t rows, std::uint64_t cols, std::uint64_t seed) {
    const kernels::TypeTraits& traits = *kernels::typeTraits(type);
    const std::size_t row_bytes = static_cast<std::size_t>(cols) / traits.block_elements * traits.block_bytes;
    std::vector<std::byte> row(row_bytes);
    std::vector<float> weights(static_cast<std::size_t>(cols));
    Random random(seed);
    for (std::uint64_t r = 0; r < rows; ++r) {
        if (kernels::canQuantize(type)) {
            for (float& w : weights) w = random.weight();
            kernels::quantizeRow(type, weights.data(), static_cast<std::int64_t>(cols), row.data());
        } else {
            for (std::size_t at = 0; at < row_bytes; at += traits.block_bytes) randomBlock(type, random, row.data() + at);
        }
        out.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row_bytes));
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
        if (code < 0x80) text += static_cast<char>(code);
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
    SynthWriter(const SynthShape& shape, kernels::TensorType type, std::uint64_t seed) : shape_(shape), type_(type), seed_(seed) {}

    Result<void> write(const std::filesystem::path& path) {
        addKeys();
        addVocabulary(writer_, shape_.vocab_size);
        matrix("token_embd.weight", shape_.vocab_size, shape_.d_model);
        if (!shape_.tied_output) matrix("output.weight", shape_.vocab_size, shape_.d_model);
        vector("output_norm.weight", shape_.d_model, 1);
        for (int layer = 0; layer < shape_.n_layers; ++layer) addLayer("blk." + std::to_string(layer) + ".");
        if (const auto fault = writer_.write(path.string())) return fail(ErrorCode::Io, *fault);
        return {};
    }

private:
    void addKeys() {
        const std::string a(shape_.architecture);
        writer_.addString("general.architecture", a);
        writer_.addString("general.name", std::string(shape_.id) + " (random weights)");
        const auto put = [&](const char* key, int value) { writer_.addU32(a + key, static_cast<std::uint32_t>(value)); };
        put(".context_length", 32768);
        put(".block_count", shape_.n_layers);
        put(".embedding_length", shape_.d_model);
        put(".feed_forward_length", shape_.d_ff);
        put(".attention.head_count", shape_.n_heads);
        put(".attention.head_count_kv", shape_.n_kv_heads);
        put(".attention.key_length", shape_.head_dim);
        put(".attention.value_length", shape_.head_dim);
        writer_.addF32(a + ".attention.layer_norm_rms_epsilon", 1e-6F);
        writer_.addF32(a + ".rope.freq_base", static_cast<float>(shape_.rope_theta));
    }
    void addLayer(const std::string& prefix) {
        const int d_q = shape_.n_heads * shape_.head_dim, d_kv = shape_.n_kv_heads * shape_.head_dim;
        vector(prefix + "attn_norm.weight", shape_.d_model, 1);
        vector(prefix + "ffn_norm.weight", shape_.d_model, 1);
        matrix(prefix + "attn_q.weight", d_q, shape_.d_model);
        matrix(prefix + "attn_k.weight", d_kv, shape_.d_model);
        matrix(prefix + "attn_v.weight", d_kv, shape_.d_model);
        matrix(prefix + "attn_output.weight", shape_.d_model, d_q);
        matrix(prefix + "ffn_gate.weight", shape_.d_ff, shape_.d_model);
        matrix(prefix + "ffn_up.weight", shape_.d_ff, shape_.d_model);
        matrix(prefix + "ffn_down.weight", shape_.d_model, shape_.d_ff);
        if (shape_.architecture == "qwen2") {
            vector(prefix + "attn_q.bias", d_q, 0);
            vector(prefix + "attn_k.bias", d_kv, 0);
            vector(prefix + "attn_v.bias", d_kv, 0);
        }
        if (shape_.architecture == "qwen3") {
            vector(prefix + "attn_q_norm.weight", shape_.head_dim, 1);
            vector(prefix + "attn_k_norm.weight", shape_.head_dim, 1);
        }
    }
    void vector(const std::string& name, int length, float value) {
        const std::vector<float> values(static_cast<std::size_t>(length), value);
        const std::uint64_t dims[] = {static_cast<std::uint64_t>(length)};
        writer_.addTensorF32(name, dims, values);
    }
    void matrix(const std::string& name, int rows, int cols) {
        const std::uint64_t dims[] = {static_cast<std::uint64_t>(cols), static_cast<std::uint64_t>(rows)};
        const kernels::TypeTraits& traits = *kernels::typeTraits(type_);
        const std::uint64_t bytes = dims[0] / traits.block_elements * traits.block_bytes * dims[1];
        const std::uint64_t seed = ++seed_;
        writer_.addTensorStream(name, dims, static_cast<std::uint32_t>(type_), bytes, [type = type_, rows = dims[1], cols = dims[0], seed](std::ostream& out) {
            writeMatrix(out, type, rows, cols, seed * 0x9E3779B97F4A7C15ULL);
        });
    }

    const SynthShape& shape_;
    kernels::TensorType type_;
    std::uint64_t seed_;
    GgufWriter writer_;
};

}  // namespace

std::span<const SynthShape> synthShapes() { return kShapes; }

Result<void> writeSynthModel(std::string_view shape, std::string_view type, std::uint64_t seed, const std::filesystem::path& path) {
    const SynthShape* chosen = nullptr;
    std::string known;
    for (const SynthShape& candidate : kShapes) {
        if (candidate.id == shape) chosen = &candidate;
        known += (known.empty() ? "" : ", ") + std::string(candidate.id);
    }
    if (chosen == nullptr) return fail(ErrorCode::NotFound, "no shape is called \"" + std::string(shape) + "\"", "Known are: " + known);
    using kernels::TensorType;
    for (const TensorType candidate : {TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0, TensorType::Q4_0, TensorType::Q4_K, TensorType::Q6_K}) {
        if (type == kernels::typeTraits(candidate)->name) return SynthWriter(*chosen, candidate, seed).write(path);
    }
    return fail(ErrorCode::InvalidArgument, "no model is written in the type \"" + std::string(type) + "\"", "Use F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K");
}

}  // namespace quibble
