#include "engine/model/model_config.h"

#include <cmath>
#include <filesystem>

namespace quibble {

namespace {

constexpr std::uint64_t kMaxLayers = 1024;
constexpr std::uint64_t kMaxWidth = 1 << 20;
constexpr std::uint64_t kMaxContext = 1 << 24;

struct ArchitectureEntry {
    const char* name;
    Architecture architecture;
    bool adjacent_pairs;
};
constexpr ArchitectureEntry kArchitectures[] = {
    {"llama", Architecture::Llama, true},
    {"qwen2", Architecture::Qwen2, false},
    {"qwen3", Architecture::Qwen3, false},
};

// Collects the first fault while keys are read, so that the reading stays a list.
class KeyReader {
public:
    KeyReader(const ModelFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

    int required(const char* key, std::uint64_t low, std::uint64_t high) {
        const std::string full = prefix_ + key;
        const auto value = file_.getUint(full);
        if (!value) {
            setFault(full + (file_.value(full) == nullptr ? " is missing" : " is not a single whole number"));
            return 0;
        }
        return checked(full, *value, low, high);
    }
    int optional(const char* key, int fallback, std::uint64_t low, std::uint64_t high) {
        const std::string full = prefix_ + key;
        const auto value = file_.getUint(full);
        return value ? checked(full, *value, low, high) : fallback;
    }
    double real(const char* key, double fallback, double low, double high) {
        const std::string full = prefix_ + key;
        const auto value = file_.getFloat(full);
        if (!value) return fallback;
        if (!(*value >= low && *value <= high)) setFault(full + " is " + std::to_string(*value));
        return *value;
    }
    void setFault(std::string text) {
        if (fault_.empty()) fault_ = std::move(text);
    }
    [[nodiscard]] const std::string& fault() const { return fault_; }

private:
    int checked(const std::string& full, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
        if (value < low || value > high) {
            setFault(full + " is " + std::to_string(value) + ", outside " + std::to_string(low) + " to " + std::to_string(high));
            return static_cast<int>(low);
        }
        return static_cast<int>(value);
    }
    const ModelFile& file_;
    std::string prefix_;
    std::string fault_;
};

std::string knownArchitectures() {
    std::string list;
    for (const ArchitectureEntry& entry : kArchitectures) list += (list.empty() ? "" : ", ") + std::string(entry.name);
    return list;
}

}  // namespace

Result<ModelConfig> readModelConfig(const ModelFile& file) {
    const auto name = file.getString("general.architecture");
    if (!name) {
        return fail(ErrorCode::FileCorrupt, file.path() + ": general.architecture is missing", "This is not a model file");
    }
    const ArchitectureEntry* entry = nullptr;
    for (const ArchitectureEntry& candidate : kArchitectures) {
        if (*name == candidate.name) entry = &candidate;
    }
    if (entry == nullptr) {
        return fail(ErrorCode::Unsupported, file.path() + ": architecture \"" + std::string(*name) + "\" is not supported",
                    "Supported are: " + knownArchitectures());
    }

    ModelConfig c;
    c.architecture = entry->architecture;
    c.architecture_name = entry->name;
    c.rope_adjacent_pairs = entry->adjacent_pairs;
    const auto title = file.getString("general.name");
    c.name = title && !title->empty() ? std::string(*title) : std::filesystem::path(file.path()).stem().string();

    KeyReader keys(file, c.architecture_name + ".");
    c.n_layers = keys.required("block_count", 1, kMaxLayers);
    c.d_model = keys.required("embedding_length", 1, kMaxWidth);
    c.n_heads = keys.required("attention.head_count", 1, kMaxWidth);
    c.n_kv_heads = keys.optional("attention.head_count_kv", c.n_heads, 1, kMaxWidth);
    const int default_head_dim = c.n_heads > 0 ? c.d_model / c.n_heads : 0;
    c.head_dim = keys.optional("attention.key_length", default_head_dim, 1, 8192);
    if (keys.optional("attention.value_length", c.head_dim, 1, 8192) != c.head_dim) {
        keys.setFault("attention.value_length differs from attention.key_length");
    }
    c.d_ff = keys.required("feed_forward_length", 1, kMaxWidth);
    c.context_length = keys.optional("context_length", 2048, 1, kMaxContext);
    c.norm_eps = static_cast<float>(keys.real("attention.layer_norm_rms_epsilon", 1e-5, 0, 1));
    c.rope_dim = keys.optional("rope.dimension_count", c.head_dim, 2, 8192);
    c.rope_theta = keys.real("rope.freq_base", 10000, 1, 1e12);
    c.rope_linear_scale = keys.real("rope.scale_linear", 1, 1e-6, 1e6);
    if (c.head_dim < 1) keys.setFault("attention.head_count is larger than embedding_length");
    if (c.n_kv_heads > 0 && c.n_heads % c.n_kv_heads != 0) keys.setFault("attention.head_count is not a multiple of head_count_kv");
    if (c.rope_dim > c.head_dim || c.rope_dim % 2 != 0) keys.setFault("rope.dimension_count is odd or larger than a head");
    if (!keys.fault().empty()) {
        return fail(ErrorCode::FileCorrupt, file.path() + ": " + keys.fault(), "Download or convert the file again");
    }

    if (keys.optional("expert_count", 0, 0, kMaxWidth) > 0) {
        return fail(ErrorCode::Unsupported, file.path() + ": " + c.architecture_name + " with experts is not supported",
                    "Open a dense model of one of: " + knownArchitectures());
    }
    const auto scaling = file.getString(c.architecture_name + ".rope.scaling.type");
    if (scaling && *scaling == "linear") c.rope_linear_scale = keys.real("rope.scaling.factor", 1, 1e-6, 1e6);
    else if (scaling && *scaling != "none") {
        return fail(ErrorCode::Unsupported, file.path() + ": RoPE scaling \"" + std::string(*scaling) + "\" is not supported",
                    "Supported are: none, linear, and a rope_freqs tensor");
    }
    if (!keys.fault().empty()) return fail(ErrorCode::FileCorrupt, file.path() + ": " + keys.fault());

    const ModelTensor* embedding = file.tensor("token_embd.weight");
    if (embedding == nullptr) {
        return fail(ErrorCode::FileCorrupt, file.path() + ": tensor token_embd.weight is missing",
                    "A vocabulary-only file has no model in it; open the full model file");
    }
    if (embedding->dims.size() < 2 || embedding->dims[1] > kMaxContext) {
        return fail(ErrorCode::FileCorrupt, file.path() + ": tensor token_embd.weight is not a matrix [vocabulary, width]");
    }
    c.vocab_size = static_cast<int>(embedding->dims[1]);
    c.tied_output = file.tensor("output.weight") == nullptr;
    return c;
}

std::vector<double> ropeInverseFrequencies(const ModelConfig& config, const std::vector<float>& factors) {
    std::vector<double> frequencies(static_cast<std::size_t>(config.rope_dim / 2));
    for (std::size_t pair = 0; pair < frequencies.size(); ++pair) {
        frequencies[pair] = std::pow(config.rope_theta, -2.0 * static_cast<double>(pair) / config.rope_dim) / config.rope_linear_scale;
        if (!factors.empty()) frequencies[pair] /= static_cast<double>(factors[pair]);
    }
    return frequencies;
}

}  // namespace quibble
