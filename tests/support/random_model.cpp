#include "tests/support/random_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <ostream>
#include <random>

#include "engine/file/gguf/gguf_writer.h"
#include "engine/file/synth_blocks.h"
#include "engine/text/utf8.h"
#include "engine/text/vocabulary.h"
#include "engine/values/check.h"
#include "kernels/formats/half.h"

namespace quibble::testing {

namespace {

using kernels::TensorType;

bool isFloat(TensorType type) { return type == TensorType::F32 || type == TensorType::F16 || type == TensorType::BF16; }

std::string encoded(TensorType type, const std::vector<float>& values) {
    std::string bytes;
    for (const float value : values) {
        if (type == TensorType::F32) {
            bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
        } else {
            const std::uint16_t half = type == TensorType::F16 ? kernels::f32ToF16(value) : kernels::f32ToBf16(value);
            bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
        }
    }
    return bytes;
}

class Maker {
public:
    explicit Maker(const RandomShape& shape) : shape_(shape), random_(shape.seed * 1000003) {
        model_.architecture = shape.architecture;
    }

    RandomModel make() {
        addKeys();
        addVocabulary();
        matrix("token_embd.weight", shape_.vocab, shape_.d_model, 1);
        if (!shape_.tied_output) matrix("output.weight", shape_.vocab, shape_.d_model, columnSpread(shape_.d_model));
        vector("output_norm.weight", shape_.d_model, 1, 0.3);
        if (shape_.rope_factors) {
            std::vector<float> factors(static_cast<std::size_t>(rotated() / 2));
            for (float& factor : factors) factor = static_cast<float>(1 + 7 * uniform());
            add("rope_freqs.weight", {factors.size()}, TensorType::F32, encoded(TensorType::F32, factors));
        }
        for (int layer = 0; layer < shape_.n_layers; ++layer) addLayer("blk." + std::to_string(layer) + ".");
        return std::move(model_);
    }

private:
    bool is(std::string_view architecture) const { return shape_.architecture == architecture; }
    int dQ() const { return shape_.n_heads * shape_.head_dim; }
    int dKv() const { return shape_.n_kv_heads * shape_.head_dim; }
    int rotated() const {
        for (const auto& [key, value] : shape_.keys) {
            if (key == "rope.dimension_count") return static_cast<int>(std::get<std::uint32_t>(value));
        }
        return shape_.head_dim;
    }

    void addKeys() {
        model_.keys.emplace_back("general.architecture", shape_.architecture);
        const auto put = [&](const char* key, int value) { model_.set(key, static_cast<std::uint32_t>(value)); };
        put("block_count", shape_.n_layers);
        put("context_length", 512);
        put("embedding_length", shape_.d_model);
        put("feed_forward_length", shape_.d_ff);
        put("attention.head_count", shape_.n_heads);
        put("attention.head_count_kv", shape_.n_kv_heads);
        put("attention.key_length", shape_.head_dim);
        put("attention.value_length", shape_.head_dim);
        model_.set("attention.layer_norm_rms_epsilon", 1e-5F);
        if (shape_.experts > 0) {
            put("expert_count", shape_.experts);
            put("expert_used_count", shape_.experts_used);
            put("expert_feed_forward_length", shape_.d_ff);
        }
        if (is("gpt-oss")) put("attention.sliding_window", 8);
        for (const auto& [key, value] : shape_.keys) model_.set(key, value);
    }
    // The bytes of ASCII and fillers that no text becomes.
    void addVocabulary() {
        std::vector<std::string> tokens;
        for (int id = 0; id < shape_.vocab; ++id) {
            std::string text;
            if (id < 128)
                utf8Append(text, byteLevelCharacter(static_cast<std::uint8_t>(id)));
            else
                text = "<" + std::to_string(id) + ">";
            tokens.push_back(std::move(text));
        }
        model_.keys.emplace_back("tokenizer.ggml.model", std::string("gpt2"));
        model_.keys.emplace_back("tokenizer.ggml.pre", std::string("qwen2"));
        model_.keys.emplace_back("tokenizer.ggml.token_type", std::vector<std::int32_t>(tokens.size(), 1));
        model_.keys.emplace_back("tokenizer.ggml.tokens", std::move(tokens));
        model_.keys.emplace_back("tokenizer.ggml.merges", std::vector<std::string>{});
        model_.keys.emplace_back("tokenizer.ggml.eos_token_id", std::uint32_t{0});
        model_.keys.emplace_back("tokenizer.ggml.add_bos_token", false);
    }

    void addLayer(const std::string& prefix) {
        vector(prefix + "attn_norm.weight", shape_.d_model, 1, 0.3);
        addAttention(prefix);
        vector(prefix + (is("gpt-oss") ? "post_attention_norm.weight" : "ffn_norm.weight"), shape_.d_model, 1, 0.3);
        if (shape_.experts > 0) return addExperts(prefix);
        matrix(prefix + "ffn_gate.weight", shape_.d_ff, shape_.d_model, columnSpread(shape_.d_model));
        matrix(prefix + "ffn_up.weight", shape_.d_ff, shape_.d_model, columnSpread(shape_.d_model));
        matrix(prefix + "ffn_down.weight", shape_.d_model, shape_.d_ff, columnSpread(shape_.d_ff));
    }
    void addAttention(const std::string& prefix) {
        const bool biases = shape_.biases || is("qwen2") || is("gpt-oss");
        const double sharper = 1.4 * columnSpread(shape_.d_model);
        if (shape_.fused) {
            matrix(prefix + "attn_qkv.weight", dQ() + 2 * dKv(), shape_.d_model, sharper);
            if (biases) vector(prefix + "attn_qkv.bias", dQ() + 2 * dKv(), 0, 0.4);
        } else {
            const std::pair<const char*, int> parts[] = {{"attn_q", dQ()}, {"attn_k", dKv()}, {"attn_v", dKv()}};
            for (const auto& [name, rows] : parts) {
                matrix(prefix + name + ".weight", rows, shape_.d_model, sharper);
                if (biases) vector(prefix + name + ".bias", rows, 0, 0.4);
            }
        }
        if (is("qwen3") || is("qwen3moe") || is("olmoe")) {
            vector(prefix + "attn_q_norm.weight", is("olmoe") ? dQ() : shape_.head_dim, 1.2, 0.4);
            vector(prefix + "attn_k_norm.weight", is("olmoe") ? dKv() : shape_.head_dim, 1.2, 0.4);
        }
        matrix(prefix + "attn_output.weight", shape_.d_model, dQ(), columnSpread(dQ()));
        if (is("gpt-oss")) {
            vector(prefix + "attn_output.bias", shape_.d_model, 0, 0.3);
            vector(prefix + "attn_sinks.weight", shape_.n_heads, 0, 1.5);
        }
    }
    void addExperts(const std::string& prefix) {
        const int count = shape_.experts, d = shape_.d_model, ff = shape_.d_ff;
        // Wide, so that few tokens stand near a tie, and that the clamped activation meets its limits.
        const double wide = (is("gpt-oss") ? 4 : 1) * columnSpread(d);
        add(prefix + "ffn_gate_inp.weight", {size(d), size(count)}, TensorType::F32,
            encoded(TensorType::F32, normals(size(d) * size(count), 0, 2 * columnSpread(d))));
        if (is("gpt-oss")) vector(prefix + "ffn_gate_inp.bias", count, 0, 0.5);
        if (shape_.fused)
            stack(prefix + "ffn_gate_up", 2 * ff, d, wide);
        else {
            stack(prefix + "ffn_gate", ff, d, wide);
            stack(prefix + "ffn_up", ff, d, wide);
        }
        stack(prefix + "ffn_down", d, ff, columnSpread(ff));
    }
    void stack(const std::string& name, int rows, int cols, double spread) {
        const bool biases = is("gpt-oss");
        if (shape_.single_experts) {
            for (int expert = 0; expert < shape_.experts; ++expert) {
                const std::string one = name + "." + std::to_string(expert);
                matrix(one + ".weight", rows, cols, spread);
                if (biases) vector(one + ".bias", rows, 0, 0.5);
            }
            return;
        }
        weights(name + "_exps.weight", {size(cols), size(rows), size(shape_.experts)}, spread);
        if (biases)
            add(name + "_exps.bias", {size(rows), size(shape_.experts)}, TensorType::F32,
                encoded(TensorType::F32, normals(size(rows) * size(shape_.experts), 0, 0.5)));
    }

    static std::uint64_t size(int count) { return static_cast<std::uint64_t>(count); }
    static double columnSpread(int cols) { return 1 / std::sqrt(static_cast<double>(cols)); }
    double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
    // Nearly normal: the sum of three even draws.
    std::vector<float> normals(std::uint64_t count, double mean, double spread) {
        std::vector<float> values(static_cast<std::size_t>(count));
        for (float& value : values) {
            double sum = uniform();
            sum += uniform();
            sum += uniform();
            value = static_cast<float>(mean + spread * 2 * (sum - 1.5));
        }
        return values;
    }
    void add(const std::string& name, std::vector<std::uint64_t> dims, TensorType type, std::string bytes) {
        model_.tensors.push_back({name, std::move(dims), type, std::move(bytes)});
    }
    void vector(const std::string& name, int length, double mean, double spread) {
        // Random blocks have small weights of one spread: the norms before them make up for it.
        const double scale = mean != 0 && !isFloat(shape_.type) ? columnSpread(length) / kSynthSpread : 1;
        add(name, {size(length)}, TensorType::F32,
            encoded(TensorType::F32, normals(size(length), mean * scale, spread * scale)));
    }
    void matrix(const std::string& name, int rows, int cols, double spread) {
        weights(name, {size(cols), size(rows)}, spread);
    }
    void weights(const std::string& name, const std::vector<std::uint64_t>& dims, double spread) {
        std::uint64_t count = 1;
        for (const std::uint64_t dim : dims) count *= dim;
        if (isFloat(shape_.type)) return add(name, dims, shape_.type, encoded(shape_.type, normals(count, 0, spread)));
        const kernels::TypeTraits& traits = *kernels::typeTraits(shape_.type);
        QUIBBLE_CHECK(dims[0] % traits.block_elements == 0, "rows of a random model are whole blocks");
        std::string bytes(static_cast<std::size_t>(count / traits.block_elements * traits.block_bytes), '\0');
        fillRandomWeights(shape_.type, random_(), std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
        add(name, dims, shape_.type, std::move(bytes));
    }

    const RandomShape& shape_;
    std::mt19937_64 random_;
    RandomModel model_;
};

}  // namespace

void RandomModel::set(const std::string& key, KeyValue value) {
    const std::string full = architecture + "." + key;
    for (auto& [known, old] : keys) {
        if (known == full) {
            old = std::move(value);
            return;
        }
    }
    keys.emplace_back(full, std::move(value));
}

void RandomModel::remove(const std::string& key) {
    std::erase_if(keys, [full = architecture + "." + key](const auto& entry) { return entry.first == full; });
}

RandomTensor& RandomModel::tensor(std::string_view name) {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const RandomTensor& one) { return one.name == name; });
    QUIBBLE_CHECK(found != tensors.end(), "the random model has such a tensor");
    return *found;
}

void RandomModel::removeTensor(std::string_view name) {
    const RandomTensor* gone = &tensor(name);
    tensors.erase(tensors.begin() + (gone - tensors.data()));
}

void RandomModel::reshape(std::string_view name, std::vector<std::uint64_t> dims) {
    RandomTensor& one = tensor(name);
    std::size_t bytes = sizeof(float);
    for (const std::uint64_t dim : dims) bytes *= static_cast<std::size_t>(dim);
    one.type = TensorType::F32;
    one.dims = std::move(dims);
    one.bytes.assign(bytes, '\0');
}

void RandomModel::stretch(std::string_view name, std::vector<std::uint64_t> dims) {
    RandomTensor& one = tensor(name);
    const kernels::TypeTraits& traits = *kernels::typeTraits(one.type);
    one.hole = traits.block_bytes;
    for (const std::uint64_t dim : dims) one.hole *= dim;
    one.hole /= traits.block_elements;
    one.dims = std::move(dims);
    one.bytes.clear();
}

std::string RandomModel::gguf() const { return writer().bytes(); }

void RandomModel::write(const std::filesystem::path& path) const {
    const auto error = writer().write(path.string());
    QUIBBLE_CHECK(!error, "a file of a test can be written");
}

GgufWriter RandomModel::writer() const {
    GgufWriter writer;
    for (const auto& [key, value] : keys) {
        struct Put {
            GgufWriter& out;
            const std::string& name;
            void operator()(std::uint32_t number) const { out.addU32(name, number); }
            void operator()(float number) const { out.addF32(name, number); }
            void operator()(bool truth) const { out.addBool(name, truth); }
            void operator()(const std::string& text) const { out.addString(name, text); }
            void operator()(const std::vector<std::string>& texts) const { out.addStrings(name, texts); }
            void operator()(const std::vector<std::int32_t>& numbers) const { out.addI32s(name, numbers); }
        };
        std::visit(Put{writer, key}, value);
    }
    for (const RandomTensor& one : tensors) {
        writer.addTensorStream(one.name, one.dims, static_cast<std::uint32_t>(one.type), one.bytes.size() + one.hole,
                               [&one](std::ostream& out) {
                                   out.write(one.bytes.data(), static_cast<std::streamsize>(one.bytes.size()));
                                   if (one.hole > 0)
                                       out.seekp(static_cast<std::streamoff>(one.hole - 1), std::ios::cur).put('\0');
                               });
    }
    return writer;
}

RandomModel makeRandomModel(const RandomShape& shape) { return Maker(shape).make(); }

RandomModel makeLongContextModel() {
    RandomShape shape;
    shape.vocab = 300;
    shape.n_layers = 4;
    shape.n_heads = shape.n_kv_heads = 8;
    shape.head_dim = 128;
    shape.keys = {{"context_length", kLongContext}};
    return makeRandomModel(shape);
}

RandomModel largerThanMemory(RandomShape shape) {
    constexpr std::uint64_t rows = std::uint64_t{1} << 20, cols = 8192;
    shape.d_model = static_cast<int>(cols);
    RandomModel model = makeRandomModel(shape);
    model.set("feed_forward_length", static_cast<std::uint32_t>(rows));
    for (int layer = 0; layer < shape.n_layers; ++layer) {
        const std::string prefix = "blk." + std::to_string(layer) + ".";
        for (const char* name : {"ffn_gate.weight", "ffn_up.weight"}) model.stretch(prefix + name, {cols, rows});
        model.stretch(prefix + "ffn_down.weight", {rows, cols});
    }
    return model;
}

Result<LoadedModel> load(const RandomModel& model, const LoadOptions& options) {
    LoadedModel loaded;
    loaded.bytes = std::make_unique<const std::string>(model.gguf());
    auto file = ModelFile::parse(std::as_bytes(std::span(loaded.bytes->data(), loaded.bytes->size())), "random.gguf");
    if (!file) return tl::unexpected(file.error());
    loaded.file = *file;
    auto tokenizer = Tokenizer::fromFile(**file);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    auto made = Model::load(*file, *tokenizer, options);
    if (!made) return tl::unexpected(made.error());
    loaded.model = *made;
    return loaded;
}

std::vector<TokenId> randomTokens(std::size_t count, int vocab, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<TokenId> tokens(count);
    for (TokenId& token : tokens) token = static_cast<TokenId>(random() % static_cast<std::uint64_t>(vocab));
    return tokens;
}

}  // namespace quibble::testing
