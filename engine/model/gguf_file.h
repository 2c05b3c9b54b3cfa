// Reads the container of a GGUF model file (versions 2 and 3, little-endian): metadata and where each tensor lies.
// The file is untrusted. Every length is compared with the bytes that are left before anything is allocated, products
// are overflow-checked, and an error names the fault, the byte and what to do. What the tensors mean is not decided here.
// Immutable after opening, so any number of threads may read it.
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
#include <utility>
#include <vector>

#include "engine/model/gguf_value.h"
#include "engine/model/mapped_file.h"
#include "engine/values/result.h"
#include "kernels/tensor_type.h"

namespace quibble {

struct GgufTensor {
    std::string name;
    std::vector<std::uint64_t> dims;    // 1 to 4, file order: dims[0] is the contiguous one (columns), dims[1] rows, ...
    kernels::TensorType type{};
    std::uint64_t offset = 0;           // bytes from the start of the file
    std::uint64_t bytes = 0;            // of the whole tensor; offset + bytes <= file size
    const std::byte* data = nullptr;    // offset into the mapping; valid as long as the GgufFile

    /// Product of all dims; checked at reading, so it does not overflow.
    [[nodiscard]] std::uint64_t elements() const;
};

/// One row of `inspect`: a key, its type and its value in words.
struct GgufKeyText {
    std::string key;
    std::string type;   // "u32", "string", "array of string"
    std::string value;  // describeGgufValue
};

class GgufFile {
public:
    /// Maps and reads a file. Errors: NotFound, Io, FileCorrupt (truncated, contradictory), Unsupported (version 1,
    /// big-endian, unknown tensor type).
    [[nodiscard]] static Result<std::shared_ptr<const GgufFile>> open(const std::filesystem::path& path);

    /// The same from bytes in memory, which are borrowed: they must outlive the result. `name` stands in for the path.
    [[nodiscard]] static Result<std::shared_ptr<const GgufFile>> parse(std::span<const std::byte> bytes, std::string name);

    GgufFile(const GgufFile&) = delete;
    GgufFile& operator=(const GgufFile&) = delete;

    [[nodiscard]] std::uint32_t version() const { return version_; }
    [[nodiscard]] std::uint64_t alignment() const { return alignment_; }
    [[nodiscard]] std::uint64_t fileSize() const { return bytes_.size(); }
    [[nodiscard]] const std::string& path() const { return name_; }

    /// Tensors in file order.
    [[nodiscard]] const std::vector<GgufTensor>& tensors() const { return tensors_; }
    /// nullptr when there is none of that name.
    [[nodiscard]] const GgufTensor* tensor(std::string_view name) const;

    // Typed getters give nothing when the key is missing or its value is of another kind or does not fit.
    [[nodiscard]] std::optional<std::uint64_t> getUint(std::string_view key) const;  // any non-negative integer
    [[nodiscard]] std::optional<std::int64_t> getInt(std::string_view key) const;
    [[nodiscard]] std::optional<double> getFloat(std::string_view key) const;        // also from integers
    [[nodiscard]] std::optional<bool> getBool(std::string_view key) const;
    [[nodiscard]] std::optional<std::string_view> getString(std::string_view key) const;
    [[nodiscard]] const GgufArray* getArray(std::string_view key) const;
    /// nullptr when missing.
    [[nodiscard]] const GgufValue* value(std::string_view key) const;

    /// Every key in file order, for people.
    [[nodiscard]] std::vector<GgufKeyText> describeKeys() const;

    /// Fast identity: hex of XXH3-128 over the header (everything before the tensor data) seeded with the file size.
    /// Two files that differ only inside tensor data share it.
    [[nodiscard]] const std::string& contentHash() const { return content_hash_; }

private:
    friend class GgufParser;
    GgufFile() = default;

    std::optional<MappedFile> mapping_;  // empty after parse()
    std::span<const std::byte> bytes_;
    std::string name_;
    std::uint32_t version_ = 0;
    std::uint64_t alignment_ = 32;
    std::string content_hash_;
    std::vector<std::pair<std::string_view, GgufValue>> keys_;
    // Ordered maps: a hostile file cannot make them slow with colliding hashes.
    std::map<std::string_view, std::size_t> key_index_;
    std::vector<GgufTensor> tensors_;
    std::map<std::string_view, std::size_t> tensor_index_;
};

}  // namespace quibble
