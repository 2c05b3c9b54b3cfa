#include "engine/file/safetensors/config_keys.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numbers>
#include <optional>

#include "engine/file/safetensors/json.h"

namespace quibble {
namespace {

using nlohmann::json;

struct Family {
    const char* model_type;
    const char* architecture;
    const char* expert_width;  // the setting; nullptr: a dense model
    bool says_head_dim;        // the head size must be stated
    bool norm_setting;         // norm_topk_prob decides whether expert weights are renormalised
    double theta;              // where the configuration is silent; 0: it must not be
};
constexpr Family kFamilies[] = {
    {"llama", "llama", nullptr, false, false, 10000},
    {"mistral", "llama", nullptr, false, false, 10000},
    {"mixtral", "llama", "intermediate_size", false, false, 0},
    {"qwen2", "qwen2", nullptr, false, false, 10000},
    {"qwen3", "qwen3", nullptr, true, false, 0},
    {"qwen3_moe", "qwen3moe", "moe_intermediate_size", true, true, 0},
    {"olmoe", "olmoe", "intermediate_size", false, true, 10000},
    {"gpt_oss", "gpt-oss", "intermediate_size", true, false, 0},
};

// Reads settings. The first fault is kept and asked for at the end, so that the code that reads is a plain list of
// settings.
class Settings {
public:
    Settings(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

    std::uint64_t whole(const char* name) {
        const auto value = optionalWhole(name);
        if (!value && !has(name)) corrupt(std::string(name) + " is missing");
        return value.value_or(1);
    }
    /// One setting that has had several names; where it is there under more than one, they agree.
    std::uint64_t whole(std::initializer_list<const char*> names) {
        std::optional<std::uint64_t> found;
        const char* first = *names.begin();
        for (const char* name : names) {
            const auto value = optionalWhole(name);
            if (value && found && *value != *found) corrupt(std::string(first) + " and " + name + " differ");
            if (!value || found) continue;
            found = value;
            first = name;
        }
        return found ? *found : whole(first);
    }
    /// Nothing where it is absent; a fault where it is no whole number.
    [[nodiscard]] std::optional<std::uint64_t> optionalWhole(const char* name) {
        const json* member =
            known(name, jsonMember(object_, name) == nullptr || jsonMember(object_, name)->is_number_unsigned(),
                  "a whole number");
        return member == nullptr ? std::nullopt : std::optional(member->get<std::uint64_t>());
    }
    [[nodiscard]] const json* optionalObject(const char* name) {
        return known(name, jsonMember(object_, name) == nullptr || jsonMember(object_, name)->is_object(), "an object");
    }
    [[nodiscard]] const json* optionalList(const char* name) {
        return known(name, jsonMember(object_, name) == nullptr || jsonMember(object_, name)->is_array(), "a list");
    }
    double real(const char* name, std::optional<double> fallback = {}) {
        const json* member = jsonMember(object_, name);
        if (member == nullptr && fallback) return *fallback;
        if (member == nullptr || !member->is_number()) {
            corrupt(std::string(name) + (member == nullptr ? " is missing" : " is not a number"));
            return fallback.value_or(1);
        }
        return member->get<double>();
    }
    [[nodiscard]] bool has(const char* name) const { return jsonMember(object_, name) != nullptr; }
    [[nodiscard]] bool flag(const char* name, bool fallback) {
        const json* member = known(
            name, jsonMember(object_, name) == nullptr || jsonMember(object_, name)->is_boolean(), "true or false");
        return member == nullptr ? fallback : member->get<bool>();
    }
    [[nodiscard]] const json& object() const { return object_; }

    void corrupt(std::string what) {
        keep({ErrorCode::FileCorrupt, where_ + ": " + std::move(what),
              "Download the model's folder again, with all its .json files"});
    }
    void refuse(std::string what, std::string hint) {
        keep({ErrorCode::Unsupported, where_ + ": " + std::move(what), std::move(hint)});
    }
    /// The member must be absent or have this text.
    void only(const char* name, std::string_view allowed) {
        const json* member = jsonMember(object_, name);
        if (member == nullptr) return;
        const std::string* text = member->get_ptr<const std::string*>();
        if (text == nullptr || *text != allowed)
            refuse(std::string(name) + " is " + shownName(member->dump()) + ", which is not supported",
                   "Supported is: " + std::string(allowed));
    }
    /// Takes the fault of a part over, unless there is an earlier one.
    void keep(Error error) {
        if (!error_) error_ = std::move(error);
    }
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }
    [[nodiscard]] const std::string& where() const { return where_; }

private:
    // A setting that is there but of another kind is a fault: taking it for absent would run another model.
    const json* known(const char* name, bool fits, const char* kind) {
        if (fits) return jsonMember(object_, name);
        corrupt(std::string(name) + " is not " + kind);
        return nullptr;
    }

    const json& object_;
    std::string where_;
    std::optional<Error> error_;
};

// "llama3" scaling, as Llama 3.1 published it: long waves are divided by the factor, short ones kept, those between
// mixed.
std::vector<float> llama3Divisors(Settings& scaling, double theta, std::uint64_t head_dim, double context) {
    const double factor = scaling.real("factor"), low = scaling.real("low_freq_factor"),
                 high = scaling.real("high_freq_factor");
    if (!(factor >= 1 && low > 0 && high > low && context > 0 && theta > 1) || head_dim > 8192) {
        scaling.corrupt("the rope scaling \"llama3\" has absurd numbers");
        return {};
    }
    std::vector<float> divisors;
    for (std::uint64_t pair = 0; pair < head_dim / 2; ++pair) {
        const double wave =
            2 * std::numbers::pi * std::pow(theta, 2 * static_cast<double>(pair) / static_cast<double>(head_dim));
        const double smooth = (context / wave - low) / (high - low);
        const double divisor = wave < context / high  ? 1
                               : wave > context / low ? factor
                                                      : 1 / ((1 - smooth) / factor + smooth);
        divisors.push_back(static_cast<float>(divisor));
    }
    return divisors;
}

void addYarn(Settings& scaling, const std::string& prefix, double factor, std::uint64_t context, KeyBuilder& keys) {
    for (const char* name : {"mscale", "mscale_all_dim"}) {
        if (scaling.has(name))
            scaling.refuse("rope scaling with " + std::string(name) + " is not supported",
                           "Supported is YaRN with factor, beta_fast, beta_slow, attention_factor");
    }
    keys.uint(prefix + "rope.scaling.original_context_length",
              scaling.optionalWhole("original_max_position_embeddings").value_or(context));
    keys.real(prefix + "rope.scaling.yarn_beta_fast", scaling.real("beta_fast", 32));
    keys.real(prefix + "rope.scaling.yarn_beta_slow", scaling.real("beta_slow", 1));
    keys.flag(prefix + "rope.scaling.yarn_truncate", scaling.flag("truncate", true));
    // The GGUF key multiplies the factor that YaRN itself prescribes. The setting of the checkpoint takes the place of
    // that factor.
    const double own = 1 + 0.1 * std::log(std::max(factor, 1.0));
    keys.real(prefix + "rope.scaling.attn_factor", scaling.real("attention_factor", own) / own);
}

// Some files give each kind of layer its own settings; they must be the same.
const json* ropeOfAllLayers(Settings& config, const json& rope) {
    const json* full = jsonObject(rope, "full_attention");
    const json* sliding = jsonObject(rope, "sliding_attention");
    if (full == nullptr && sliding == nullptr) return &rope;
    if (full != nullptr && sliding != nullptr && *full != *sliding) {
        config.refuse("rope_parameters differ between kinds of layers, which is not supported",
                      "Supported are models whose layers are rotated alike");
    }
    return full != nullptr ? full : sliding;
}

void addRope(Settings& config, const Family& family, std::uint64_t head_dim, KeyBuilder& keys, CheckpointShape& shape) {
    const std::string prefix = shape.architecture + ".";
    static const json kNone = json::object();
    // Since transformers 5 the base and the scaling are rope_parameters; rope_scaling may be left over beside them.
    const json* older = config.optionalObject("rope_scaling");
    const json* member = config.optionalObject("rope_parameters");
    if (member == nullptr) member = older;
    if (member != nullptr) member = ropeOfAllLayers(config, *member);
    Settings scaling(member == nullptr ? kNone : *member, config.where());
    const double known = scaling.real("rope_theta", family.theta);
    const double theta = known > 0 ? config.real("rope_theta", known) : config.real("rope_theta");
    keys.real(prefix + "rope.freq_base", theta);
    if (config.real("partial_rotary_factor", 1) != 1 || scaling.real("partial_rotary_factor", 1) != 1)
        config.refuse("partial_rotary_factor is not supported",
                      "Supported are models whose heads are rotated as a whole");

    const json* kind = jsonMember(scaling.object(), "rope_type");
    if (kind == nullptr) kind = jsonMember(scaling.object(), "type");
    const std::string* named = kind == nullptr ? nullptr : kind->get_ptr<const std::string*>();
    const std::string type = kind == nullptr ? "default" : named == nullptr ? kind->dump() : *named;
    const std::uint64_t context = config.whole("max_position_embeddings");
    if (type == "linear" || type == "yarn") {
        const double factor = scaling.real("factor");
        keys.text(prefix + "rope.scaling.type", type);
        keys.real(prefix + "rope.scaling.factor", factor);
        if (type == "yarn") addYarn(scaling, prefix, factor, context, keys);
    } else if (type == "llama3") {
        shape.rope_divisors = llama3Divisors(scaling, theta, head_dim,
                                             static_cast<double>(scaling.whole("original_max_position_embeddings")));
    } else if (type != "default") {
        scaling.refuse("RoPE scaling " + shownName(type) + " is not supported",
                       "Supported are: default, linear, yarn, llama3");
    }
    if (scaling.error()) config.keep(*scaling.error());
}

void addExperts(Settings& config, const Family& family, KeyBuilder& keys) {
    if (family.expert_width == nullptr) return;
    const std::string prefix = std::string(family.architecture) + ".";
    keys.uint(prefix + "expert_count", config.whole({"num_experts", "num_local_experts"}));
    keys.uint(prefix + "expert_used_count", config.whole({"num_experts_per_tok", "experts_per_token"}));
    keys.uint(prefix + "expert_feed_forward_length", config.whole(family.expert_width));
    if (family.norm_setting) keys.flag(prefix + "expert_weights_norm", config.flag("norm_topk_prob", false));
    if (config.optionalWhole("decoder_sparse_step").value_or(1) != 1)
        config.refuse("decoder_sparse_step is not 1", "Supported are mixtures with experts in every layer");
    if (const json* dense = config.optionalList("mlp_only_layers"); dense != nullptr && !dense->empty()) {
        config.refuse("mlp_only_layers is not empty", "Supported are mixtures with experts in every layer");
    }
    if (config.has("clip_qkv"))
        config.refuse("clip_qkv is set, which is not supported", "Supported are models without it");
}

// Windows: gpt-oss has them in every second layer, the others must not use any.
void addWindow(Settings& config, const CheckpointShape& shape, KeyBuilder& keys) {
    const bool gpt_oss = shape.architecture == "gpt-oss";
    if (gpt_oss) {
        keys.uint("gpt-oss.attention.sliding_window", config.whole("sliding_window"));
        if (config.real("swiglu_limit", 7) != 7)
            config.refuse("swiglu_limit is not 7", "Supported is the activation of the published gpt-oss models");
    } else if (config.has("sliding_window") &&
               config.flag("use_sliding_window",
                           !shape.architecture.starts_with("qwen"))) {  // off where Qwen's files are silent
        config.refuse("sliding_window is set, which is not supported for " + shape.architecture,
                      "Supported are models that attend to all positions, and gpt-oss");
    }
    const json* layers = config.optionalList("layer_types");
    for (std::size_t i = 0; layers != nullptr && i < layers->size(); ++i) {
        if ((*layers)[i] != (gpt_oss && i % 2 == 0 ? "sliding_attention" : "full_attention")) {
            config.refuse("layer_types differs from what is supported at layer " + std::to_string(i),
                          "Supported are full attention, and gpt-oss with windows in its even layers");
            break;
        }
    }
}

std::string knownFamilies() {
    std::string list;
    for (const Family& family : kFamilies) list += (list.empty() ? "" : ", ") + std::string(family.model_type);
    return list;
}

}  // namespace

Result<CheckpointShape> addConfigKeys(const json& object, const std::string& where, KeyBuilder& keys) {
    const std::string* type = jsonText(object, "model_type");
    if (type == nullptr)
        return fail(ErrorCode::FileCorrupt, where + ": model_type is missing or no text",
                    "This is not the config.json of a language model");
    const Family* family = nullptr;
    for (const Family& candidate : kFamilies) {
        if (*type == candidate.model_type) family = &candidate;
    }
    if (family == nullptr)
        return fail(ErrorCode::Unsupported, where + ": the model type " + shownName(*type) + " is not supported",
                    "Supported are: " + knownFamilies());

    CheckpointShape shape;
    shape.architecture = family->architecture;
    const std::string prefix = shape.architecture + ".";
    Settings config(object, where);
    config.only("hidden_act", "silu");
    if (const json* quantization = config.optionalObject("quantization_config")) {
        const std::string* method = jsonText(*quantization, "quant_method");
        if (shape.architecture != "gpt-oss" || method == nullptr || *method != "mxfp4") {
            config.refuse("the weights are quantized (" + shownName(method == nullptr ? "?" : *method) +
                              "), which is not supported in safetensors files",
                          "Open the unquantized model, or a GGUF file of the quantized one");
        }
    }
    shape.layers = config.whole("num_hidden_layers");
    shape.tied_output = config.flag("tie_word_embeddings", false);
    const std::uint64_t width = config.whole("hidden_size"), heads = config.whole("num_attention_heads");
    keys.uint(prefix + "block_count", shape.layers);
    keys.uint(prefix + "context_length", config.whole("max_position_embeddings"));
    keys.uint(prefix + "embedding_length", width);
    keys.uint(prefix + "feed_forward_length", config.whole("intermediate_size"));
    keys.uint(prefix + "attention.head_count", heads);
    keys.uint(prefix + "attention.head_count_kv",
              config.has("num_key_value_heads") ? config.whole("num_key_value_heads") : heads);
    keys.real(prefix + "attention.layer_norm_rms_epsilon", config.real("rms_norm_eps"));
    const bool stated = family->says_head_dim || config.has("head_dim");
    const std::uint64_t head_dim = stated ? config.whole("head_dim") : width / std::max<std::uint64_t>(heads, 1);
    keys.uint(prefix + "attention.key_length", head_dim);
    keys.uint(prefix + "attention.value_length", head_dim);
    // Published weights turn a head in halves; GGUF files of this architecture have their rows reordered into adjacent
    // pairs.
    if (shape.architecture == "llama") keys.flag("quibble.rope.halves", true);
    addRope(config, *family, head_dim, keys, shape);
    addExperts(config, *family, keys);
    addWindow(config, shape, keys);
    if (config.error()) return tl::unexpected<Error>(*config.error());
    return shape;
}

}  // namespace quibble
