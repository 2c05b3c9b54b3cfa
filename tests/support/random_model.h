// Small models of random weights in memory, of every architecture and shape, whole or altered on purpose before they
// are written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/file/gguf/gguf_writer.h"
#include "engine/model/model.h"
#include "kernels/tensor_type.h"

namespace quibble::testing {

using KeyValue =
    std::variant<std::uint32_t, float, bool, std::string, std::vector<std::string>, std::vector<std::int32_t>>;

struct RandomShape {
    std::string architecture = "llama";
    int n_layers = 2, d_model = 64, n_heads = 4, n_kv_heads = 2, head_dim = 16, d_ff = 96,
        vocab = 48;  // d_ff: of one expert where there are experts
    bool tied_output = false;
    int experts = 0, experts_used = 0;                    // 0: dense
    kernels::TensorType type = kernels::TensorType::F32;  // of the matrices; norms, biases, routers and sinks are F32
    std::uint64_t seed = 1;
    bool biases = false;                                 // of q, k and v in llama; qwen2 and gpt-oss have theirs anyway
    bool rope_factors = false;                           // a rope_freqs tensor
    bool fused = false;                                  // attn_qkv, and ffn_gate_up_exps where there are experts
    bool single_experts = false;                         // a tensor an expert in place of stacks
    std::vector<std::pair<std::string, KeyValue>> keys;  // "rope.freq_base": set beside or in place of the usual ones
};

struct RandomTensor {
    std::string name;
    std::vector<std::uint64_t> dims;  // as GGUF counts them: columns first
    kernels::TensorType type = kernels::TensorType::F32;
    std::string bytes;
    std::uint64_t hole = 0;  // zeros behind `bytes`, which take no room on a disk
};

struct RandomModel {
    std::string architecture;
    std::vector<std::pair<std::string, KeyValue>> keys;
    std::vector<RandomTensor> tensors;

    /// key: behind "ARCHITECTURE."; takes the place of one of that name.
    void set(const std::string& key, KeyValue value);
    void remove(const std::string& key);
    /// The tensor must be there.
    RandomTensor& tensor(std::string_view name);
    void removeTensor(std::string_view name);
    /// Another shape and the zeros that fill it, as F32.
    void reshape(std::string_view name, std::vector<std::uint64_t> dims);
    /// Another shape of the same type, all of it a hole: for files larger than memory.
    void stretch(std::string_view name, std::vector<std::uint64_t> dims);
    [[nodiscard]] std::string gguf() const;
    /// The same as a file.
    void write(const std::filesystem::path& path) const;

private:
    [[nodiscard]] GgufWriter writer() const;
};

/// Same shape, same bytes. Weights spread so that every layer moves the logits and attention is neither flat nor
/// one-hot.
[[nodiscard]] RandomModel makeRandomModel(const RandomShape& shape);

/// Layers whose feed-forward matrices have a million rows, all of them a hole in the file: 52 GB a layer as F16, 27 as
/// Q8_0.
[[nodiscard]] RandomModel largerThanMemory(RandomShape shape);

/// A small model for kLongContext positions, which take 524 GB of F32 KV cache.
inline constexpr std::uint32_t kLongContext = 16'000'000;
[[nodiscard]] RandomModel makeLongContextModel();

/// An opened file and the memory it lies in.
struct LoadedModel {
    std::unique_ptr<const std::string> bytes;  // what the file borrows: freed last
    std::shared_ptr<const ModelFile> file;
    std::shared_ptr<const Model> model;
};
[[nodiscard]] Result<LoadedModel> load(const RandomModel& model, const LoadOptions& options);

/// Token ids below `vocab`, drawn with the seed.
[[nodiscard]] std::vector<TokenId> randomTokens(std::size_t count, int vocab, std::uint64_t seed);

}  // namespace quibble::testing
