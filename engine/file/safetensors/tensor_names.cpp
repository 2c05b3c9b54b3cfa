#include "engine/file/safetensors/tensor_names.h"

#include <algorithm>
#include <utility>

namespace quibble {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr Pair kOutside[] = {
    {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}};
constexpr Pair kInLayer[] = {
    {"input_layernorm", "attn_norm"},    {"post_attention_layernorm", "ffn_norm"},
    {"self_attn.q_proj", "attn_q"},      {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},      {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"}, {"self_attn.k_norm", "attn_k_norm"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},       {"mlp.gate", "ffn_gate_inp"},
    {"mlp.router", "ffn_gate_inp"},      {"block_sparse_moe.gate", "ffn_gate_inp"},
};
constexpr Pair kInExpert[] = {{"gate_proj", "ffn_gate"}, {"up_proj", "ffn_up"}, {"down_proj", "ffn_down"},
                              {"w1", "ffn_gate"},        {"w3", "ffn_up"},      {"w2", "ffn_down"}};

template <std::size_t N>
std::string_view lookup(const Pair (&table)[N], std::string_view name) {
    for (const Pair& pair : table) {
        if (pair.first == name) return pair.second;
    }
    return {};
}

// Cuts "12." from the front; empty when there is no number as it is written of a small count.
std::string_view takeNumber(std::string_view& text) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || !isLayerNumber(text.substr(0, dot))) return {};
    const std::string_view number = text.substr(0, dot);
    text.remove_prefix(dot + 1);
    return number;
}

std::optional<std::string> nameInLayer(std::string_view rest, std::string_view kind, std::string_view architecture) {
    for (const std::string_view experts : {"mlp.experts.", "block_sparse_moe.experts."}) {
        if (!rest.starts_with(experts)) continue;
        rest.remove_prefix(experts.size());
        const std::string_view expert = takeNumber(rest);
        const std::string_view stem = lookup(kInExpert, rest);
        if (expert.empty() || stem.empty()) return std::nullopt;
        return std::string(stem) + "." + std::string(expert) + std::string(kind);
    }
    std::string_view stem = lookup(kInLayer, rest);
    if (stem.empty()) return std::nullopt;
    if (stem == "ffn_norm" && architecture == "gpt-oss") stem = "post_attention_norm";
    return std::string(stem) + std::string(kind);
}

}  // namespace

bool isLayerNumber(std::string_view text) {
    const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return digits && !text.empty() && text.size() <= 4 && (text.size() == 1 || text[0] != '0');
}

std::optional<std::string> ggufTensorName(std::string_view name, std::string_view architecture) {
    if (name.ends_with(".rotary_emb.inv_freq")) return "";  // follows from the configuration
    const bool sinks = name.ends_with(".self_attn.sinks");  // the one tensor without an ending
    const std::size_t dot = name.rfind('.');
    const std::string_view kind = sinks ? ".weight" : dot == std::string_view::npos ? "" : name.substr(dot);
    if (kind != ".weight" && kind != ".bias") return std::nullopt;
    std::string_view stem = sinks ? name : name.substr(0, dot);
    if (const std::string_view outside = lookup(kOutside, stem); !outside.empty())
        return std::string(outside) + std::string(kind);
    constexpr std::string_view kLayers = "model.layers.";
    if (!stem.starts_with(kLayers)) return std::nullopt;
    stem.remove_prefix(kLayers.size());
    const std::string_view layer = takeNumber(stem);
    if (layer.empty()) return std::nullopt;
    const auto inner = sinks && stem == "self_attn.sinks" ? std::optional<std::string>("attn_sinks.weight")
                                                          : nameInLayer(stem, kind, architecture);
    if (!inner) return std::nullopt;
    return "blk." + std::string(layer) + "." + *inner;
}

}  // namespace quibble
