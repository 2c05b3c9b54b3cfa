#include "train/export.h"

#include <cstdint>
#include <vector>

#include "engine/file/gguf/gguf_writer.h"

namespace quibble::train {

const char* const kChatTemplate =
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + '<|end|>' }}"
    "{% else %}{{ '<|user|>' + message['content'] + '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|><think>\\n' }}{% endif %}";

namespace {

void addShape(GgufWriter& file, const ModelShape& shape) {
    const std::string architecture = architectureOf(shape);
    const auto u32 = [&](const char* key, int64_t value) {
        file.addU32(architecture + "." + key, static_cast<std::uint32_t>(value));
    };
    u32("context_length", shape.context);
    u32("embedding_length", shape.width);
    u32("block_count", shape.layers);
    u32("feed_forward_length", shape.ffn);
    u32("attention.head_count", shape.heads);
    u32("attention.head_count_kv", shape.kv_heads);
    u32("attention.key_length", shape.head_dim);
    u32("attention.value_length", shape.head_dim);
    u32("rope.dimension_count", shape.head_dim);
    u32("vocab_size", shape.vocab);
    if (shape.experts > 0) {
        u32("expert_count", shape.experts);
        u32("expert_used_count", shape.experts_used);
        u32("expert_feed_forward_length", shape.ffn);
    }
    file.addF32(architecture + ".attention.layer_norm_rms_epsilon", static_cast<float>(shape.eps));
    file.addF32(architecture + ".rope.freq_base", static_cast<float>(shape.rope_base));
}

void addTokenizer(GgufWriter& file, const ToyTokenizer& tokenizer) {
    // Token types of the GGUF specification: 1 normal, 3 control, 4 user defined (shown as text).
    std::vector<std::int32_t> types(tokenizer.size(), 1);
    for (std::size_t i = tokenizer.firstSpecial(); i < tokenizer.size(); ++i) {
        types[i] = tokenizer.bytes(static_cast<int>(i)).find("think") == std::string::npos ? 3 : 4;
    }
    const auto end = static_cast<std::uint32_t>(tokenizer.special("<|end|>"));
    file.addString("tokenizer.ggml.model", "gpt2");
    file.addString("tokenizer.ggml.pre", "qwen2");
    file.addStrings("tokenizer.ggml.tokens", tokenizer.ggufTokens());
    file.addI32s("tokenizer.ggml.token_type", types);
    file.addStrings("tokenizer.ggml.merges", tokenizer.ggufMerges());
    file.addU32("tokenizer.ggml.bos_token_id", end);
    file.addU32("tokenizer.ggml.eos_token_id", end);
    file.addU32("tokenizer.ggml.eot_token_id", end);
    file.addU32("tokenizer.ggml.padding_token_id", end);
    file.addBool("tokenizer.ggml.add_bos_token", false);
    file.addBool("tokenizer.ggml.add_eos_token", false);
    file.addString("tokenizer.chat_template", kChatTemplate);
}

/// What one tensor of the file holds: a parameter, or the experts' parameters behind each other.
struct Stored {
    std::string name;
    torch::Tensor data;  ///< float32
};

std::vector<Stored> storedTensors(const Transformer& model) {
    std::vector<Stored> all;
    for (const auto& [parameter, tensor] : model.named()) {
        const std::string name = parameter.substr(0, parameter.find(".weight") + std::string_view(".weight").size());
        const torch::Tensor data = tensor.detach().to(torch::kFloat32).contiguous();
        if (name == parameter) {
            all.push_back({name, data});
        } else if (all.back().name != name) {
            all.push_back({name, data.unsqueeze(0)});
        } else {
            all.back().data = torch::cat({all.back().data, data.unsqueeze(0)});
        }
    }
    return all;
}

}  // namespace

const char* architectureOf(const ModelShape& shape) { return shape.experts > 0 ? "qwen3moe" : "llama"; }

std::optional<std::string> exportGguf(const std::string& path, const Transformer& model, const ToyTokenizer& tokenizer,
                                      const std::string& name) {
    GgufWriter file;
    file.addString("general.architecture", architectureOf(model.shape()));
    file.addString("general.name", name);
    file.addString("general.license", "GPL-3.0-or-later");
    file.addString("general.description",
                   "A small arithmetic reasoner with planted hesitation, trained by quibble-train on generated "
                   "problems (see train/).");
    file.addU32("general.file_type", 1);
    file.addU32("general.quantization_version", 2);
    file.addU32("general.alignment", 32);
    addShape(file, model.shape());
    addTokenizer(file, tokenizer);
    for (const auto& [tensor_name, data] : storedTensors(model)) {
        std::vector<std::uint64_t> dims;
        for (int64_t i = data.dim() - 1; i >= 0; --i) dims.push_back(static_cast<std::uint64_t>(data.size(i)));
        const std::span<const float> values(data.data_ptr<float>(), static_cast<std::size_t>(data.numel()));
        if (dims.size() == 1 || tensor_name.ends_with("ffn_gate_inp.weight")) {
            file.addTensorF32(tensor_name, dims, values);
        } else {
            file.addTensorF16(tensor_name, dims, values);
        }
    }
    return file.write(path);
}

}  // namespace quibble::train
