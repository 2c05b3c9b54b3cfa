// Writes a model as it would be published: safetensors files with config.json and tokenizer.json beside them, names,
// layouts and settings as the publishers of each architecture have them. The way back from what
// engine/file/safetensors translates, written apart from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/file/model_file.h"

namespace quibble::testing {

struct PublishedTensor {
    std::string name;
    std::string dtype;                 // "F32"
    std::vector<std::uint64_t> shape;  // row-major
    std::string bytes;
};

/// One file: the tensors one after the other behind their header, which is padded with spaces to `alignment`.
[[nodiscard]] std::string safetensorsBytes(const std::vector<PublishedTensor>& tensors, std::size_t alignment = 8);

/// Tensors of a model whose matrices are F32, F16 or BF16; queries and keys of llama in halves; experts of gpt-oss
/// fused, F32 or MXFP4.
[[nodiscard]] std::vector<PublishedTensor> publishedTensors(const ModelFile& file);
[[nodiscard]] nlohmann::json publishedConfig(const ModelFile& file);

enum class MergeForm { Texts, Pairs };
/// Byte-level or SentencePiece-style, as the vocabulary is.
[[nodiscard]] nlohmann::json publishedTokenizer(const ModelFile& file, MergeForm merges = MergeForm::Texts);
/// Names of bos and eos, and the chat template.
[[nodiscard]] nlohmann::json publishedTokenizerConfig(const ModelFile& file);

void writeText(const std::filesystem::path& path, const std::string& text);

/// All of it, the tensors dealt out in turn over that many files (more than one: with an index).
void writeCheckpoint(const ModelFile& file, const std::filesystem::path& folder, std::size_t shards = 1);

}  // namespace quibble::testing
