#include "engine/model/model_config.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/file/gguf/gguf_keys.h"
#include "engine/file/model_title.h"

namespace quibble {

namespace {

constexpr std::uint64_t kMaxLayers = 1024;
constexpr std::uint64_t kMaxWidth = 1 << 20;
constexpr std::uint64_t kMaxContext = 1 << 24;
constexpr std::uint64_t kMaxExperts = 4096;

// Numbers of `expert_gating_func`.
constexpr int kGatingSoftmax = 1, kGatingSoftmaxOfSelected = 3;

struct ArchitectureEntry {
    const char* name;
    Architecture architecture;
    bool adjacent_pairs;
    QkNorm qk_norm;
    bool may_be_dense, may_have_experts;
    bool renormalise;  // of expert weights, where the file does not say
    int gating;
};
constexpr ArchitectureEntry kArchitectures[] = {
    {"llama", Architecture::Llama, true, QkNorm::None, true, true, true, kGatingSoftmax},
    {"qwen2", Architecture::Qwen2, false, QkNorm::None, true, false, false, 0},
    {"qwen3", Architecture::Qwen3, false, QkNorm::PerHead, true, false, false, 0},
    {"qwen3moe", Architecture::Qwen3Moe, false, QkNorm::PerHead, false, true, true, kGatingSoftmax},
    {"olmoe", Architecture::Olmoe, false, QkNorm::FullWidth, false, true, false, kGatingSoftmax},
    // A softmax over the chosen logits gives the same weights as a softmax over all logits whose chosen part is
    // renormalised.
    {"gpt-oss", Architecture::GptOss, false, QkNorm::None, false, true, true, kGatingSoftmaxOfSelected},
};

// Reads the keys of an architecture within their ranges. The first fault is kept and asked for at the end, so that the
// code that reads is a plain list of keys.
class KeyReader {
public:
    KeyReader(TypedKeys& keys, std::string prefix) : keys_(keys), file_(keys.file()), prefix_(std::move(prefix)) {}

    int required(const char* key, std::uint64_t low, std::uint64_t high) {
        const std::string full = prefix_ + key;
        const auto value = whole(full);
        if (value) return checked(full, *value, low, high);
        if (file_.value(full) == nullptr) setFault(full + " is missing");
        return 0;
    }
    int optional(const char* key, int fallback, std::uint64_t low, std::uint64_t high) {
        const std::string full = prefix_ + key;
        const auto value = whole(full);
        return value ? checked(full, *value, low, high) : fallback;
    }
    double real(const char* key, double fallback, double low, double high) {
        const std::string full = prefix_ + key;
        const double value = keys_.number(full).value_or(fallback);
        if (!(value >= low && value <= high)) setFault(full + " is " + std::to_string(value));
        return value;
    }
    double requiredReal(const char* key, double low, double high) {
        if (file_.value(prefix_ + key) == nullptr) setFault(prefix_ + key + " is missing");
        return real(key, low, low, high);
    }
    /// A window's pattern over the layers: a number as in ModelConfig::window_period, or a flag a layer that comes to
    /// the fallback.
    int pattern(const char* key, int fallback, int layers) {
        const std::string full = prefix_ + key;
        const GgufArray* array = file_.getArray(full);
        if (array == nullptr) return optional(key, fallback, 0, kMaxLayers);
        if (array->size() != static_cast<std::size_t>(layers)) setFault(full + " does not have one entry a layer");
        for (std::size_t i = 0; i < array->size(); ++i) {
            const bool windowed = static_cast<int>(i) % fallback < fallback - 1;
            if (array->integer(i) != std::int64_t{windowed ? 1 : 0} && uneven_.empty()) uneven_ = full;
        }
        return fallback;
    }
    bool truth(const char* key, bool fallback) { return keys_.truth(prefix_ + key).value_or(fallback); }
    [[nodiscard]] std::optional<std::string_view> text(const char* key) { return keys_.text(prefix_ + key); }
    void setFault(std::string text) { keys_.setFault(std::move(text)); }
    /// A key that says something else for each layer, which nothing here runs; empty when there is none.
    [[nodiscard]] const std::string& uneven() const { return uneven_; }

private:
    // A number, or an array with one number a layer that are all the same.
    std::optional<std::uint64_t> whole(const std::string& full) {
        static constexpr const char* kKind = "a single whole number";
        const GgufArray* array = file_.getArray(full);
        if (array == nullptr) return keys_.known(full, file_.getUint(full), kKind);
        const auto first = array->integer(0);
        if (!first || *first < 0) return keys_.known(full, std::optional<std::uint64_t>(), kKind);
        for (std::size_t i = 1; i < array->size(); ++i) {
            if (array->integer(i) != first && uneven_.empty()) uneven_ = full;
        }
        return static_cast<std::uint64_t>(*first);
    }
    int checked(const std::string& full, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
        if (value < low || value > high) {
            setFault(full + " is " + std::to_string(value) + ", outside " + std::to_string(low) + " to " +
                     std::to_string(high));
            return static_cast<int>(low);
        }
        return static_cast<int>(value);
    }
    TypedKeys& keys_;
    const ModelFile& file_;
    std::string prefix_;
    std::string uneven_;
};

std::string knownArchitectures() {
    std::string list;
    for (const ArchitectureEntry& entry : kArchitectures) list += (list.empty() ? "" : ", ") + std::string(entry.name);
    return list;
}

void readShape(KeyReader& keys, ModelConfig& c) {
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
    c.norm_eps = static_cast<float>(keys.requiredReal("attention.layer_norm_rms_epsilon", 0, 1));
    if (c.head_dim < 1) keys.setFault("attention.head_count is larger than embedding_length");
    if (c.n_kv_heads > 0 && c.n_heads % c.n_kv_heads != 0)
        keys.setFault("attention.head_count is not a multiple of head_count_kv");
    if (c.architecture == Architecture::GptOss) {
        c.sliding_window = keys.required("attention.sliding_window", 1, kMaxContext);
        c.window_period = keys.pattern("attention.sliding_window_pattern", 2, c.n_layers);
        c.attention_sinks = true;
        c.clamped_swiglu = true;
    }
}

void readRope(KeyReader& keys, ModelConfig& c) {
    RopeConfig& rope = c.rope;
    rope.dim = keys.optional("rope.dimension_count", c.head_dim, 2, 8192);
    rope.theta = keys.real("rope.freq_base", 10000, 1, 1e12);
    if (rope.dim > c.head_dim || rope.dim % 2 != 0) keys.setFault("rope.dimension_count is odd or larger than a head");
    // Newer files call it yarn_attn_factor; where there are both, both count.
    rope.attention_factor =
        keys.real("rope.scaling.attn_factor", 1, 1e-3, 1e3) * keys.real("rope.scaling.yarn_attn_factor", 1, 1e-3, 1e3);
    // Without a type the factor divides positions. Files that are older than the types call it scale_linear. A factor
    // of 0 means that there is none.
    const std::string_view scaling = keys.text("rope.scaling.type").value_or("linear");
    const double stated = keys.real("rope.scaling.factor", keys.real("rope.scale_linear", 0, 0, 1e6), 0, 1e6);
    const double factor = stated == 0 ? 1 : stated;
    if (factor < 1e-6) keys.setFault("rope.scaling.factor is below 0.000001");
    if (scaling == "linear") rope.linear_scale = factor;
    if (scaling != "yarn") return;
    rope.yarn = true;
    rope.yarn_factor = factor;
    rope.yarn_original_context =
        keys.optional("rope.scaling.original_context_length", c.context_length, 1, kMaxContext);
    rope.yarn_beta_fast = keys.real("rope.scaling.yarn_beta_fast", 32, 1e-3, 1e6);
    rope.yarn_beta_slow = keys.real("rope.scaling.yarn_beta_slow", 1, 1e-3, 1e6);
    rope.yarn_mix = keys.real("rope.scaling.yarn_ext_factor", 1, 0, 1);
    rope.yarn_truncate = keys.truth("rope.scaling.yarn_truncate", true);
    if (factor < 1) keys.setFault("rope.scaling.factor is below 1, for which YaRN is not defined");
    if (rope.theta <= 1) keys.setFault("rope.freq_base is 1, for which YaRN is not defined");
}

void readExperts(KeyReader& keys, const ArchitectureEntry& entry, ModelConfig& c) {
    ExpertConfig& experts = c.experts;
    experts.count = keys.optional("expert_count", 0, 0, kMaxExperts);
    if (experts.count == 0) return;
    experts.used = keys.required("expert_used_count", 1, static_cast<std::uint64_t>(experts.count));
    experts.d_ff = keys.optional("expert_feed_forward_length", c.d_ff, 1, kMaxWidth);
    experts.renormalise =
        entry.gating == kGatingSoftmaxOfSelected || keys.truth("expert_weights_norm", entry.renormalise);
    const double scale = keys.real("expert_weights_scale", 1, 0, 1e6);
    experts.weight_scale = scale == 0 ? 1.0F : static_cast<float>(scale);  // 0 is how files say that there is none
}

// What the keys ask for that nothing here computes, and what could be asked for instead; empty when there is nothing.
struct Refusal {
    std::string what, hint;
};
Refusal refused(KeyReader& keys, const ArchitectureEntry& entry, const ModelConfig& c) {
    const std::string name = c.architecture_name;
    if (!keys.uneven().empty()) {
        return {keys.uneven() + " differs from layer to layer, which is not supported",
                "Supported are models whose layers have one shape"};
    }
    if (c.hasExperts() && !entry.may_have_experts) {
        return {name + " with experts is not supported",
                "Mixtures of experts are supported for: llama, qwen3moe, olmoe, gpt-oss"};
    }
    if (!c.hasExperts() && !entry.may_be_dense)
        return {name + " without experts is not supported", "Its dense models have another architecture name"};
    const auto scaling = keys.text("rope.scaling.type");
    if (scaling && *scaling != "none" && *scaling != "linear" && *scaling != "yarn") {
        return {"RoPE scaling \"" + std::string(*scaling) + "\" is not supported",
                "Supported are: none, linear, yarn, and a rope_freqs tensor"};
    }
    for (const char* key : {"expert_shared_count", "leading_dense_block_count", "expert_group_count"}) {
        const int value = keys.optional(key, 0, 0, kMaxExperts);
        const int allowed = std::string_view(key) == "expert_group_count" ? 1 : 0;
        if (value > allowed) {
            return {
                name + "." + key + " is " + std::to_string(value) + ", which is not supported",
                "Supported are mixtures of routed experts in every layer, without shared experts and without groups"};
        }
    }
    // Numbers that change the arithmetic; 0 is how files say that there is none, as does the number that changes
    // nothing.
    const std::pair<const char*, double> numbers[] = {
        {"attention.scale", 1 / std::sqrt(std::max(1, c.head_dim))},
        {"attention.clamp_kqv", 0},
        {"attn_logit_softcapping", 0},
        {"final_logit_softcapping", 0},
        {"logit_scale", 1},
        {"residual_scale", 1},
        {"embedding_scale", 1},
        {"rope.scaling.yarn_log_multiplier", 0},
        // Layers with a window may turn by another base; without windows the key says nothing.
        {"rope.freq_base_swa", c.sliding_window > 0 ? c.rope.theta : keys.real("rope.freq_base_swa", 0, -1e12, 1e12)}};
    for (const auto& [key, neutral] : numbers) {
        const double value = keys.real(key, 0, -1e12, 1e12);
        if (value != 0 && std::abs(value - neutral) > 1e-5)
            return {name + "." + key + " is " + std::to_string(value) + ", which is not supported",
                    "Supported are models without it"};
    }
    if (!keys.truth("attention.causal", true))
        return {name + ".attention.causal is false, which is not supported",
                "Supported are models in which a token sees those before it"};
    const int gating = keys.optional("expert_gating_func", entry.gating, 0, 1000);
    if (c.hasExperts() && gating != 0 && gating != entry.gating) {
        return {name + ".expert_gating_func is " + std::to_string(gating) + ", which is not supported",
                "Supported are: softmax over all experts (1; llama, qwen3moe, olmoe), softmax over the chosen (3; "
                "gpt-oss)"};
    }
    return {};
}

Result<void> readVocabulary(const ModelFile& file, ModelConfig& c) {
    const ModelTensor* embedding = file.tensor("token_embd.weight");
    if (embedding == nullptr) {
        return fail(ErrorCode::FileCorrupt, file.path() + ": tensor token_embd.weight is missing",
                    "A vocabulary-only file has no model in it; open the full model file");
    }
    if (embedding->dims.size() < 2 || embedding->dims[1] > kMaxContext) {
        return fail(ErrorCode::FileCorrupt,
                    file.path() + ": tensor token_embd.weight is not a matrix [vocabulary, width]",
                    "Download or convert the file again");
    }
    c.vocab_size = static_cast<int>(embedding->dims[1]);
    c.tied_output = file.tensor("output.weight") == nullptr;
    return {};
}

}  // namespace

Result<ModelConfig> readModelConfig(const ModelFile& file) {
    TypedKeys typed(file);
    const auto name = typed.text("general.architecture");
    if (!name) {
        if (!typed.fault().empty())
            return fail(ErrorCode::FileCorrupt, file.path() + ": " + typed.fault(),
                        "Download or convert the file again");
        return fail(ErrorCode::FileCorrupt, file.path() + ": general.architecture is missing",
                    "This is not a model file");
    }
    const ArchitectureEntry* entry = nullptr;
    for (const ArchitectureEntry& candidate : kArchitectures) {
        if (*name == candidate.name) entry = &candidate;
    }
    if (entry == nullptr) {
        return fail(ErrorCode::Unsupported,
                    file.path() + ": architecture \"" + std::string(*name) + "\" is not supported",
                    "Supported are: " + knownArchitectures());
    }

    ModelConfig c;
    c.architecture = entry->architecture;
    c.architecture_name = entry->name;
    c.qk_norm = entry->qk_norm;
    // Weights that were not reordered for adjacent pairs say so.
    c.rope.adjacent_pairs = entry->adjacent_pairs && !typed.truth("quibble.rope.halves").value_or(false);
    const auto title = typed.text("general.name");
    c.name = title && !title->empty() ? std::string(*title) : modelTitle(file.path());

    KeyReader keys(typed, c.architecture_name + ".");
    readShape(keys, c);
    readRope(keys, c);
    readExperts(keys, *entry, c);
    const Refusal refusal = refused(keys, *entry, c);
    if (!typed.fault().empty()) {
        return fail(ErrorCode::FileCorrupt, file.path() + ": " + typed.fault(), "Download or convert the file again");
    }
    if (!refusal.what.empty()) return fail(ErrorCode::Unsupported, file.path() + ": " + refusal.what, refusal.hint);
    if (auto vocabulary = readVocabulary(file, c); !vocabulary) return tl::unexpected(vocabulary.error());
    return c;
}

}  // namespace quibble
