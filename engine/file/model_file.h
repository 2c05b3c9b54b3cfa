// A model file, opened: metadata under GGUF keys, tensors under GGUF names, whatever the format on the disk. Everything
// behind it (configuration, weights, tokenizer, caches, `inspect`) sees only this. What keys and tensors mean is not
// decided here. The file is untrusted: its readers compare every length with the bytes that are there, and an error
// names the fault, the place and what to do. Immutable after opening, so any number of threads may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/file/gguf/gguf_value.h"
#include "engine/file/model_file_parts.h"
#include "engine/values/result.h"

namespace quibble {

/// One row of `inspect`: a key, its type and its value in words.
struct ModelKeyText {
    std::string key;
    std::string type;   // "u32", "string", "array of string"
    std::string value;  // describeGgufValue
};

class ModelFile {
public:
    /// Maps and reads a GGUF file, or a published checkpoint: a .safetensors file, model.safetensors.index.json or
    /// their folder, with config.json and tokenizer.json beside them. Of a model cut into parts, any part stands for
    /// the whole. Errors: NotFound, Io, FileCorrupt (truncated, contradictory, parts that do not fit), Unsupported (a
    /// version, byte order, tensor type, tokenizer or setting that nothing here reads).
    [[nodiscard]] static Result<std::shared_ptr<const ModelFile>> open(const std::filesystem::path& path);

    /// A GGUF file from bytes in memory, which are borrowed: they must outlive the result. `name` stands in for the
    /// path.
    [[nodiscard]] static Result<std::shared_ptr<const ModelFile>> parse(std::span<const std::byte> bytes,
                                                                        std::string name);

    explicit ModelFile(ModelFileParts parts);  // for the readers
    ModelFile(const ModelFile&) = delete;
    ModelFile& operator=(const ModelFile&) = delete;

    /// "GGUF version 3", "safetensors"
    [[nodiscard]] const std::string& format() const { return parts_.format; }
    /// The path that was opened.
    [[nodiscard]] const std::string& path() const { return parts_.name; }
    /// The files that hold the tensors; one unless the model is split.
    [[nodiscard]] const std::vector<std::string>& paths() const { return parts_.paths; }
    /// Bytes of all files together.
    [[nodiscard]] std::uint64_t fileSize() const { return parts_.file_bytes; }

    /// Tensors in file order.
    [[nodiscard]] const std::vector<ModelTensor>& tensors() const { return parts_.tensors; }
    /// nullptr when there is none of that name.
    [[nodiscard]] const ModelTensor* tensor(std::string_view name) const;

    // Typed getters give nothing when the key is missing or its value is of another kind or does not fit.
    [[nodiscard]] std::optional<std::uint64_t> getUint(std::string_view key) const;  // any non-negative integer
    [[nodiscard]] std::optional<std::int64_t> getInt(std::string_view key) const;
    [[nodiscard]] std::optional<double> getFloat(std::string_view key) const;  // also from integers
    [[nodiscard]] std::optional<bool> getBool(std::string_view key) const;
    [[nodiscard]] std::optional<std::string_view> getString(std::string_view key) const;
    [[nodiscard]] const GgufArray* getArray(std::string_view key) const;
    /// nullptr when missing.
    [[nodiscard]] const GgufValue* value(std::string_view key) const;

    /// Every key in file order, for people.
    [[nodiscard]] std::vector<ModelKeyText> describeKeys() const;

    /// Fast identity: hex of XXH3-128 over the headers (everything before the tensor data) seeded with the file size.
    /// Two files that differ only inside tensor data share it.
    [[nodiscard]] const std::string& contentHash() const { return parts_.content_hash; }

    /// Gives the memory of mapped pages that lie wholly inside `bytes` back to the system; they are read again when
    /// somebody looks at them. For tensors that have been copied and are not expected to be read soon.
    void dropPages(std::span<const std::byte> bytes) const;
    /// As MappedFile::useLargePages, for whichever file `bytes` lie in.
    void useLargePages(std::span<const std::byte> bytes) const;

private:
    ModelFileParts parts_;
    // Ordered maps: a hostile file cannot make them slow with colliding hashes.
    std::map<std::string_view, std::size_t> key_index_;
    std::map<std::string_view, std::size_t> tensor_index_;
};

}  // namespace quibble
