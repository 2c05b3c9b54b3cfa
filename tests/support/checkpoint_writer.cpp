#include "tests/support/checkpoint_writer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string_view>

#include "engine/file/safetensors/split_rules.h"
#include "engine/text/utf8.h"
#include "engine/values/check.h"

namespace quibble::testing {

namespace {

using nlohmann::json;

std::string architectureOf(const ModelFile& file) {
    return std::string(file.getString("general.architecture").value_or(""));
}

std::uint64_t number(const ModelFile& file, const std::string& key) {
    return file.getUint(architectureOf(file) + "." + key).value_or(0);
}

const char* dtypeOf(kernels::TensorType type) {
    switch (type) {
        case kernels::TensorType::F32: return "F32";
        case kernels::TensorType::F16: return "F16";
        case kernels::TensorType::BF16: return "BF16";
        default: break;
    }
    QUIBBLE_CHECK(false, "a published tensor is float");
    return "";
}

// Stem of a layer's tensor, by its GGUF stem.
std::string layerStem(const ModelFile& file, const std::string& stem) {
    static const std::map<std::string, std::string> names = {
        {"attn_norm", "input_layernorm"},
        {"ffn_norm", "post_attention_layernorm"},
        {"post_attention_norm", "post_attention_layernorm"},
        {"attn_q", "self_attn.q_proj"},
        {"attn_k", "self_attn.k_proj"},
        {"attn_v", "self_attn.v_proj"},
        {"attn_output", "self_attn.o_proj"},
        {"attn_q_norm", "self_attn.q_norm"},
        {"attn_k_norm", "self_attn.k_norm"},
        {"ffn_gate", "mlp.gate_proj"},
        {"ffn_up", "mlp.up_proj"},
        {"ffn_down", "mlp.down_proj"},
    };
    const std::string architecture = architectureOf(file);
    if (stem == "ffn_gate_inp")
        return architecture == "llama"     ? "block_sparse_moe.gate"
               : architecture == "gpt-oss" ? "mlp.router"
                                           : "mlp.gate";
    return names.at(stem);
}

std::string expertStem(const ModelFile& file, const std::string& stem, std::uint64_t expert) {
    const bool mixtral = architectureOf(file) == "llama";
    static const std::map<std::string, std::array<const char*, 2>> names = {{"ffn_gate_exps", {"gate_proj", "w1"}},
                                                                            {"ffn_up_exps", {"up_proj", "w3"}},
                                                                            {"ffn_down_exps", {"down_proj", "w2"}}};
    return (mixtral ? "block_sparse_moe.experts." : "mlp.experts.") + std::to_string(expert) + "." +
           names.at(stem)[mixtral ? 1 : 0];
}

// Rows of each head from adjacent pairs (GGUF of llama) back into halves.
std::string inHalves(const std::string& bytes, std::uint64_t rows, std::uint64_t head_dim) {
    const std::size_t row_bytes = bytes.size() / rows;
    std::string out;
    for (std::uint64_t row = 0; row < rows; ++row) {
        const std::uint64_t head = row / head_dim, inside = row % head_dim, half = head_dim / 2;
        const std::uint64_t from = head * head_dim + (inside < half ? 2 * inside : 2 * (inside - half) + 1);
        out += bytes.substr(from * row_bytes, row_bytes);
    }
    return out;
}

// One expert's row of a stack, as MXFP4 codes in the published order with the scales apart, or as its floats.
struct PublishedRow {
    std::string values, scales;
};
PublishedRow rowOf(const ModelTensor& stack, std::uint64_t expert, std::uint64_t row) {
    const std::size_t bytes = stack.bytes / (stack.dims[1] * stack.dims[2]);
    const std::string raw(reinterpret_cast<const char*>(stack.data) + (expert * stack.dims[1] + row) * bytes, bytes);
    if (stack.type != kernels::TensorType::MXFP4) return {raw, {}};
    PublishedRow made;
    for (std::size_t block = 0; block < bytes; block += 17) {
        made.scales += raw[block];
        std::array<unsigned, 32> codes{};
        for (std::size_t i = 0; i < 16; ++i) {
            codes[i] = static_cast<unsigned char>(raw[block + 1 + i]) & 15U;
            codes[i + 16] = static_cast<unsigned char>(raw[block + 1 + i]) >> 4;
        }
        for (std::size_t i = 0; i < 32; i += 2) made.values += static_cast<char>(codes[i] | (codes[i + 1] << 4));
    }
    return made;
}

// Floats of [rows, columns] as [columns, rows].
std::string exchanged(const std::string& bytes, std::uint64_t rows, std::uint64_t columns) {
    const std::size_t element = bytes.size() / (rows * columns);
    std::string out;
    for (std::uint64_t column = 0; column < columns; ++column) {
        for (std::uint64_t row = 0; row < rows; ++row) out += bytes.substr((row * columns + column) * element, element);
    }
    return out;
}

// gpt-oss: the rows of `stacks` in turn, all experts in one tensor.
void publishFused(const std::string& name, const std::vector<const ModelTensor*>& stacks,
                  const std::vector<const ModelTensor*>& biases, std::vector<PublishedTensor>& out) {
    const std::uint64_t columns = stacks[0]->dims[0], rows = stacks[0]->dims[1], experts = stacks[0]->dims[2],
                        all_rows = rows * stacks.size();
    std::string values, scales, bias;
    for (std::uint64_t expert = 0; expert < experts; ++expert) {
        std::string matrix;
        for (std::uint64_t row = 0; row < rows; ++row) {
            for (std::size_t i = 0; i < stacks.size(); ++i) {
                const PublishedRow made = rowOf(*stacks[i], expert, row);
                matrix += made.values;
                scales += made.scales;
                bias.append(reinterpret_cast<const char*>(biases[i]->data) + (expert * rows + row) * 4, 4);
            }
        }
        values += scales.empty() ? exchanged(matrix, all_rows, columns) : matrix;
    }
    if (scales.empty()) {
        out.push_back({name, dtypeOf(stacks[0]->type), {experts, columns, all_rows}, values});
    } else {
        out.push_back({name + "_blocks", "U8", {experts, all_rows, columns / 32, 16}, values});
        out.push_back({name + "_scales", "U8", {experts, all_rows, columns / 32}, scales});
    }
    out.push_back({name + "_bias", "F32", {experts, all_rows}, bias});
}

// Every tensor of a layer's experts when the first is met.
void publishFusedExperts(const ModelFile& file, const ModelTensor& tensor, const std::string& layer,
                         std::vector<PublishedTensor>& out) {
    if (!tensor.name.ends_with(".ffn_gate_exps.weight")) return;
    const std::string stem =
        tensor.name.substr(0, tensor.name.size() - std::string_view("ffn_gate_exps.weight").size());
    const auto named = [&](const char* name) { return file.tensor(stem + name); };
    publishFused(layer + "mlp.experts.gate_up_proj", {&tensor, named("ffn_up_exps.weight")},
                 {named("ffn_gate_exps.bias"), named("ffn_up_exps.bias")}, out);
    publishFused(layer + "mlp.experts.down_proj", {named("ffn_down_exps.weight")}, {named("ffn_down_exps.bias")}, out);
}

void publishLayerTensor(const ModelFile& file, const ModelTensor& tensor, PublishedTensor made,
                        std::vector<PublishedTensor>& out) {
    const std::size_t dot = tensor.name.find('.', 4), ending = tensor.name.rfind('.');
    const std::string layer = "model.layers." + tensor.name.substr(4, dot - 4) + ".";
    const std::string stem = tensor.name.substr(dot + 1, ending - dot - 1), kind = tensor.name.substr(ending);
    if (stem.ends_with("_exps") && architectureOf(file) == "gpt-oss")
        return publishFusedExperts(file, tensor, layer, out);
    if (stem.ends_with("_exps")) {
        const std::uint64_t count = tensor.dims[2];
        made.shape.erase(made.shape.begin());
        for (std::uint64_t expert = 0; expert < count; ++expert) {
            const std::size_t bytes = made.bytes.size() / count;
            out.push_back({layer + expertStem(file, stem, expert) + kind, made.dtype, made.shape,
                           made.bytes.substr(expert * bytes, bytes)});
        }
        return;
    }
    if (architectureOf(file) == "llama" && (stem == "attn_q" || stem == "attn_k"))
        made.bytes = inHalves(made.bytes, made.shape[0], number(file, "attention.key_length"));
    made.name = stem == "attn_sinks" ? layer + "self_attn.sinks" : layer + layerStem(file, stem) + kind;
    out.push_back(std::move(made));
}

// What a name in tokenizer_config.json stands for.
json tokenText(const ModelFile& file, const char* key) {
    const auto id = file.getUint(std::string("tokenizer.ggml.") + key);
    const GgufArray* tokens = file.getArray("tokenizer.ggml.tokens");
    if (!id || tokens == nullptr || *id >= tokens->size()) return nullptr;
    return std::string(tokens->strings()[*id]);
}

// The merges that SentencePiece's scores amount to, as the publishers' converter lists them: every way to make a token
// of two others, the highest score first.
std::vector<std::pair<std::string, std::string>> mergesFromScores(const ModelFile& file,
                                                                  const std::map<std::string, std::size_t>& ids) {
    struct Merge {
        double score;
        std::string left, right;
    };
    const GgufArray& scores = *file.getArray("tokenizer.ggml.scores");
    std::vector<Merge> merges;
    for (const auto& [text, id] : ids) {
        for (std::size_t at = utf8Length(text, 0); at < text.size();
             at += std::max<std::size_t>(utf8Length(text, at), 1)) {
            const std::string left = text.substr(0, at), right = text.substr(at);
            if (ids.count(left) != 0 && ids.count(right) != 0)
                merges.push_back({scores.number(id).value_or(0), left, right});
        }
    }
    std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) { return a.score > b.score; });
    std::vector<std::pair<std::string, std::string>> pairs;
    for (Merge& merge : merges) pairs.emplace_back(std::move(merge.left), std::move(merge.right));
    return pairs;
}

json byteLevelStages(std::string_view name) {
    const json bytes = {{"type", "ByteLevel"},
                        {"add_prefix_space", false},
                        {"trim_offsets", true},
                        {"use_regex", name == "gpt-2" || name == "olmo"}};
    if (bytes["use_regex"]) return bytes;
    json stages = json::array();
    for (const PublishedSplitRule& rule : publishedSplitRules()) {
        if (rule.name != (name == "deepseek-r1-qwen" ? "qwen2" : name)) continue;
        for (const std::string_view pattern : rule.patterns) {
            if (pattern == kSingleDigitPattern)
                stages.push_back({{"type", "Digits"}, {"individual_digits", true}});
            else
                stages.push_back({{"type", "Split"},
                                  {"pattern", {{"Regex", pattern}}},
                                  {"behavior", "Isolated"},
                                  {"invert", false}});
        }
    }
    stages.push_back(bytes);
    return {{"type", "Sequence"}, {"pretokenizers", stages}};
}

void addSentencePiece(json& made) {
    made["normalizer"] = {
        {"type", "Sequence"},
        {"normalizers", json::array({{{"type", "Prepend"}, {"prepend", "\u2581"}},
                                     {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}}})}};
    made["model"]["byte_fallback"] = true;
    made["model"]["unk_token"] = "<unk>";
}

// Whole pieces before merges, and the beginning token from the file's last stage.
void addLlama3(json& made, const json& bos) {
    made["model"]["ignore_merges"] = true;
    const json single =
        json::array({{{"SpecialToken", {{"id", bos}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}});
    made["post_processor"] = {
        {"type", "Sequence"},
        {"processors", json::array({{{"type", "ByteLevel"}}, {{"type", "TemplateProcessing"}, {"single", single}}})}};
}

}  // namespace

std::string safetensorsBytes(const std::vector<PublishedTensor>& tensors, std::size_t alignment) {
    json header = {{"__metadata__", {{"format", "pt"}}}};
    std::uint64_t at = 0;
    std::string data;
    for (const PublishedTensor& tensor : tensors) {
        header[tensor.name] = {
            {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.bytes.size()}}};
        at += tensor.bytes.size();
        data += tensor.bytes;
    }
    std::string text = header.dump();
    while ((8 + text.size()) % alignment != 0) text += ' ';
    const std::uint64_t length = text.size();
    std::string bytes(sizeof length, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes + text + data;
}

std::vector<PublishedTensor> publishedTensors(const ModelFile& file) {
    static const std::map<std::string, std::string> outside = {{"token_embd.weight", "model.embed_tokens.weight"},
                                                               {"output_norm.weight", "model.norm.weight"},
                                                               {"output.weight", "lm_head.weight"}};
    std::vector<PublishedTensor> all;
    for (const ModelTensor& tensor : file.tensors()) {
        if (tensor.name == "rope_freqs.weight") continue;               // a setting in config.json
        const bool blocks = tensor.type == kernels::TensorType::MXFP4;  // published by its parts
        PublishedTensor made{"",
                             blocks ? "" : dtypeOf(tensor.type),
                             {tensor.dims.rbegin(), tensor.dims.rend()},
                             {reinterpret_cast<const char*>(tensor.data), tensor.bytes}};
        if (tensor.name.starts_with("blk.")) {
            publishLayerTensor(file, tensor, std::move(made), all);
        } else {
            made.name = outside.at(tensor.name);
            all.push_back(std::move(made));
        }
    }
    return all;
}

json publishedConfig(const ModelFile& file) {
    const std::string architecture = architectureOf(file);
    const std::uint64_t experts = number(file, "expert_count");
    static const std::map<std::string, std::string> types = {
        {"qwen2", "qwen2"}, {"qwen3", "qwen3"}, {"qwen3moe", "qwen3_moe"}, {"olmoe", "olmoe"}, {"gpt-oss", "gpt_oss"}};
    json config = {{"model_type", architecture != "llama" ? types.at(architecture)
                                  : experts > 0           ? "mixtral"
                                                          : "llama"},
                   {"hidden_act", "silu"},
                   {"num_hidden_layers", number(file, "block_count")},
                   {"hidden_size", number(file, "embedding_length")},
                   {"intermediate_size", number(file, "feed_forward_length")},
                   {"num_attention_heads", number(file, "attention.head_count")},
                   {"num_key_value_heads", number(file, "attention.head_count_kv")},
                   {"head_dim", number(file, "attention.key_length")},
                   {"max_position_embeddings", number(file, "context_length")},
                   {"rms_norm_eps", file.getFloat(architecture + ".attention.layer_norm_rms_epsilon").value_or(1e-5)},
                   {"rope_theta", file.getFloat(architecture + ".rope.freq_base").value_or(10000)},
                   {"rope_scaling", nullptr},
                   {"sliding_window", nullptr},
                   {"tie_word_embeddings", file.tensor("output.weight") == nullptr}};
    if (experts > 0) {
        config[architecture == "llama" || architecture == "gpt-oss" ? "num_local_experts" : "num_experts"] = experts;
        config["num_experts_per_tok"] = number(file, "expert_used_count");
        config[architecture == "qwen3moe" ? "moe_intermediate_size" : "intermediate_size"] =
            number(file, "expert_feed_forward_length");
        if (architecture == "qwen3moe" || architecture == "olmoe")
            config["norm_topk_prob"] = architecture == "qwen3moe";
        if (architecture == "qwen3moe") config.update({{"decoder_sparse_step", 1}, {"mlp_only_layers", json::array()}});
        if (architecture == "olmoe") config["clip_qkv"] = nullptr;
    }
    if (file.getString(architecture + ".rope.scaling.type") == "yarn") {
        config["rope_scaling"] = {
            {"rope_type", "yarn"},
            {"beta_fast", 32.0},
            {"beta_slow", 1.0},
            {"factor", file.getFloat(architecture + ".rope.scaling.factor").value_or(1)},
            {"original_max_position_embeddings", number(file, "rope.scaling.original_context_length")},
            {"truncate", file.getBool(architecture + ".rope.scaling.yarn_truncate").value_or(true)}};
    }
    if (architecture == "gpt-oss") {
        config.update({{"sliding_window", number(file, "attention.sliding_window")},
                       {"swiglu_limit", 7.0},
                       {"layer_types", json::array()},
                       {"quantization_config", {{"quant_method", "mxfp4"}, {"modules_to_not_convert", {"lm_head"}}}}});
        for (std::uint64_t layer = 0; layer < number(file, "block_count"); ++layer)
            config["layer_types"].push_back(layer % 2 == 0 ? "sliding_attention" : "full_attention");
    }
    return config;
}

json publishedTokenizer(const ModelFile& file, MergeForm form) {
    const auto tokens = file.getArray("tokenizer.ggml.tokens")->strings();
    const GgufArray* kinds = file.getArray("tokenizer.ggml.token_type");
    const bool sentence_piece = file.getString("tokenizer.ggml.model") == "llama";
    json made = {{"version", "1.0"},
                 {"added_tokens", json::array()},
                 {"normalizer", nullptr},
                 {"post_processor", nullptr},
                 {"model", {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"byte_fallback", false}}}};
    std::map<std::string, std::size_t> ids;
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        const std::string text(tokens[id]);
        const auto kind = kinds->integer(id);
        if (kind == 3 || kind == 4) {
            made["added_tokens"].push_back({{"id", id},
                                            {"content", text},
                                            {"special", kind == 3},
                                            {"lstrip", false},
                                            {"rstrip", false},
                                            {"single_word", false},
                                            {"normalized", false}});
        } else if (kind != 5) {
            ids.emplace(text, id);
        }
    }
    made["model"]["vocab"] = ids;
    std::vector<std::pair<std::string, std::string>> merges;
    if (sentence_piece) {
        addSentencePiece(made);
        merges = mergesFromScores(file, ids);
    } else {
        made["pre_tokenizer"] = byteLevelStages(file.getString("tokenizer.ggml.pre").value_or(""));
        if (file.getString("tokenizer.ggml.pre") == "llama-bpe") addLlama3(made, tokenText(file, "bos_token_id"));
        for (const std::string_view merge : file.getArray("tokenizer.ggml.merges")->strings()) {
            const std::size_t space = merge.find(' ', 1);
            merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
        }
    }
    made["model"]["merges"] = json::array();
    for (const auto& [left, right] : merges)
        made["model"]["merges"].push_back(form == MergeForm::Pairs ? json::array({left, right})
                                                                   : json(left + " " + right));
    return made;
}

json publishedTokenizerConfig(const ModelFile& file) {
    json made = {{"bos_token", tokenText(file, "bos_token_id")},
                 {"eos_token", {{"content", tokenText(file, "eos_token_id")}, {"lstrip", false}}}};
    for (const char* name : {"add_bos_token", "add_eos_token"}) {
        if (const auto adds = file.getBool(std::string("tokenizer.ggml.") + name)) made[name] = *adds;
    }
    if (const auto text = file.getString("tokenizer.chat_template")) made["chat_template"] = std::string(*text);
    return made;
}

void writeText(const std::filesystem::path& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    QUIBBLE_CHECK(!out.fail(), "a file of a test can be written");
}

void writeCheckpoint(const ModelFile& file, const std::filesystem::path& folder, std::size_t shards) {
    std::filesystem::create_directories(folder);
    writeText(folder / "config.json", publishedConfig(file).dump());
    writeText(folder / "tokenizer.json", publishedTokenizer(file).dump());
    writeText(folder / "tokenizer_config.json", publishedTokenizerConfig(file).dump());
    const std::vector<PublishedTensor> tensors = publishedTensors(file);
    if (shards == 1) return writeText(folder / "model.safetensors", safetensorsBytes(tensors));
    json map = json::object();
    for (std::size_t shard = 0; shard < shards; ++shard) {
        std::array<char, 64> name{};
        std::snprintf(name.data(), name.size(), "model-%05u-of-%05u.safetensors", static_cast<unsigned>(shard + 1),
                      static_cast<unsigned>(shards));
        std::vector<PublishedTensor> part;
        for (std::size_t i = shard; i < tensors.size(); i += shards) {
            part.push_back(tensors[i]);
            map[tensors[i].name] = name.data();
        }
        writeText(folder / name.data(), safetensorsBytes(part));
    }
    writeText(folder / "model.safetensors.index.json", json{{"metadata", json::object()}, {"weight_map", map}}.dump());
}

}  // namespace quibble::testing
