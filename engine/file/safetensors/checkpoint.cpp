#include "engine/file/safetensors/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "engine/file/content_hash.h"
#include "engine/file/safetensors/config_keys.h"
#include "engine/file/safetensors/fused_experts.h"
#include "engine/file/safetensors/header.h"
#include "engine/file/safetensors/json.h"
#include "engine/file/safetensors/tensor_names.h"

namespace quibble {
namespace {

class Translator {
public:
    explicit Translator(const Checkpoint& checkpoint) : checkpoint_(checkpoint), keys_(parts_) {}

    Result<ModelFileParts> run() {
        parts_.name = checkpoint_.name;
        parts_.format = "safetensors";
        if (checkpoint_.shards.size() > 1) parts_.format += ", " + std::to_string(checkpoint_.shards.size()) + " parts";
        auto config = parseJsonObject(checkpoint_.texts.config, configPath());
        if (!config) return tl::unexpected<Error>(config.error());
        auto shape = addConfigKeys(*config, configPath(), keys_);
        if (!shape) return tl::unexpected<Error>(shape.error());
        shape_ = std::move(*shape);
        keys_.text("general.architecture", shape_.architecture);
        keys_.text("general.name", checkpoint_.title);
        for (const Checkpoint::Shard& shard : checkpoint_.shards) {
            if (auto added = addShard(shard); !added) return tl::unexpected<Error>(added.error());
        }
        if (auto checked = checkIndex(); !checked) return tl::unexpected<Error>(checked.error());
        if (auto made = fused_.finish(checkpoint_.name, parts_); !made) return tl::unexpected<Error>(made.error());
        if (auto checked = checkTensors(); !checked) return tl::unexpected<Error>(checked.error());
        addRopeDivisors();
        if (auto tokenizer = addTokenizerKeys(checkpoint_.texts, *config, checkpoint_.folder, vocabulary_rows_, keys_);
            !tokenizer)
            return tl::unexpected<Error>(tokenizer.error());
        hashContent();
        return std::move(parts_);
    }

private:
    [[nodiscard]] std::string configPath() const { return checkpoint_.folder + "config.json"; }

    Result<void> addShard(const Checkpoint::Shard& shard) {
        auto header = readSafetensorsHeader(shard.bytes, shard.path);
        if (!header) return tl::unexpected<Error>(header.error());
        hashed_ += contentHash(shard.bytes.first(static_cast<std::size_t>(header->data_begin)), shard.bytes.size());
        for (const SafeTensor& tensor : header->tensors) {
            if (!checkpoint_.file_of.empty()) found_.emplace(tensor.name, shard.file);
            if (auto added = addTensor(shard, tensor); !added) return added;
        }
        parts_.paths.push_back(shard.path);
        parts_.file_bytes += shard.bytes.size();
        return {};
    }

    Result<void> addTensor(const Checkpoint::Shard& shard, const SafeTensor& tensor) {
        if (shape_.architecture == "gpt-oss" &&
            fused_.take(tensor, shard.bytes.data() + tensor.offset, parts_.paths.size()))
            return {};
        const std::string place = shard.path + ": tensor " + shownName(tensor.name);
        auto name = ggufTensorName(tensor.name, shape_.architecture);
        if (!name)
            return fail(ErrorCode::Unsupported,
                        place + " belongs to no part of the architecture " + shape_.architecture,
                        "The file holds a variant that is not supported here");
        // A tied output is the embedding, whatever else the file holds.
        if (name->empty() || (shape_.tied_output && *name == "output.weight")) return {};
        const auto type = floatTypeOf(tensor.dtype);
        if (!type)
            return fail(ErrorCode::Unsupported,
                        place + " has the element type " + tensor.dtype + ", for which there is no arithmetic here",
                        "Read are: F32, F16, BF16");
        if (tensor.shape.empty() || tensor.shape.size() > 4 || tensor.bytes == 0) {
            return fail(ErrorCode::FileCorrupt,
                        place + " has " + std::to_string(tensor.shape.size()) + " dimensions and " +
                            std::to_string(tensor.bytes) + " bytes",
                        kIncompleteFolder);
        }
        ModelTensor made;
        made.name = std::move(*name);
        made.dims.assign(tensor.shape.rbegin(), tensor.shape.rend());
        made.type = *type;
        made.file = parts_.paths.size();
        made.offset = tensor.offset;
        made.bytes = tensor.bytes;
        made.data = aligned(shard.bytes.data() + tensor.offset, tensor);
        parts_.tensors.push_back(std::move(made));
        return {};
    }

    // The data is used where it lies. It is copied where its address does not suit its numbers: most writers pad the
    // header to 8 bytes, but the format does not ask for it.
    const std::byte* aligned(const std::byte* data, const SafeTensor& tensor) {
        const std::uintptr_t element = tensor.dtype == "F32" ? 4 : 2;
        if (reinterpret_cast<std::uintptr_t>(data) % element == 0) return data;
        return keepData(data, static_cast<std::size_t>(tensor.bytes));
    }
    const std::byte* keepData(const void* data, std::size_t bytes) {
        auto& copy = parts_.made.emplace_back(std::make_unique<std::byte[]>(bytes));
        std::memcpy(copy.get(), data, bytes);
        return copy.get();
    }

    Result<void> checkTensors() {
        std::set<std::string_view> seen;
        for (const ModelTensor& tensor : parts_.tensors) {
            if (!seen.insert(tensor.name).second)
                return fail(ErrorCode::FileCorrupt,
                            parts_.paths[tensor.file] + ": the tensor that is " + tensor.name + " is there twice",
                            kIncompleteFolder);
            if (tensor.name == "token_embd.weight" && tensor.dims.size() == 2) vocabulary_rows_ = tensor.dims[1];
        }
        if (vocabulary_rows_ == 0)
            return fail(ErrorCode::FileCorrupt,
                        checkpoint_.name + ": tensor model.embed_tokens.weight is missing or no matrix",
                        kIncompleteFolder);
        if (!shape_.tied_output && seen.count("output.weight") == 0) {
            return fail(ErrorCode::FileCorrupt,
                        checkpoint_.name +
                            ": tensor lm_head.weight is missing, and config.json does not set tie_word_embeddings",
                        kIncompleteFolder);
        }
        return {};
    }

    // Every tensor that the index promises must lie in the file that it names.
    Result<void> checkIndex() const {
        for (const auto& [tensor, file] : checkpoint_.file_of) {
            const auto place = found_.find(tensor);
            if (place != found_.end() && place->second == file) continue;
            return fail(ErrorCode::FileCorrupt,
                        checkpoint_.folder + file + ": tensor " + shownName(tensor) +
                            ", which the index says is here, is missing",
                        kIncompleteFolder);
        }
        return {};
    }

    void addRopeDivisors() {
        if (shape_.rope_divisors.empty()) return;
        ModelTensor made;
        made.name = "rope_freqs.weight";
        made.dims = {shape_.rope_divisors.size()};
        made.type = kernels::TensorType::F32;
        made.bytes = shape_.rope_divisors.size() * sizeof(float);
        made.data = keepData(shape_.rope_divisors.data(), static_cast<std::size_t>(made.bytes));
        parts_.tensors.push_back(std::move(made));
    }

    void hashContent() {
        const CheckpointTexts& texts = checkpoint_.texts;
        for (const std::string_view text :
             {texts.config, texts.tokenizer, texts.tokenizer_config, texts.generation_config, texts.chat_template}) {
            hashed_ += contentHash(std::as_bytes(std::span(text)), text.size());
        }
        parts_.content_hash = contentHash(std::as_bytes(std::span(hashed_)), parts_.file_bytes);
    }

    const Checkpoint& checkpoint_;
    ModelFileParts parts_;
    KeyBuilder keys_;
    CheckpointShape shape_;
    std::uint64_t vocabulary_rows_ = 0;
    std::map<std::string, std::string> found_;  // tensor -> file, for checkIndex
    FusedExperts fused_;
    std::string hashed_;
};

}  // namespace

Result<ModelFileParts> translateCheckpoint(const Checkpoint& checkpoint) { return Translator(checkpoint).run(); }

}  // namespace quibble
