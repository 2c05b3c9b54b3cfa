#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/file/gguf/gguf_value.h"

namespace quibble {

/// Builds a GGUF version 3 file (little-endian) in memory order: keys as they were added, then tensors as they were
/// added. Tensor data is aligned to general.alignment = 32.
class GgufWriter {
public:
    void addU8(std::string_view key, std::uint8_t value);
    void addI8(std::string_view key, std::int8_t value);
    void addU16(std::string_view key, std::uint16_t value);
    void addI16(std::string_view key, std::int16_t value);
    void addU32(std::string_view key, std::uint32_t value);
    void addI32(std::string_view key, std::int32_t value);
    void addU64(std::string_view key, std::uint64_t value);
    void addI64(std::string_view key, std::int64_t value);
    void addF32(std::string_view key, float value);
    void addF64(std::string_view key, double value);
    void addBool(std::string_view key, bool value);
    void addString(std::string_view key, std::string_view value);
    void addStrings(std::string_view key, std::span<const std::string> values);
    void addI32s(std::string_view key, std::span<const std::int32_t> values);
    void addU32s(std::string_view key, std::span<const std::uint32_t> values);
    void addF32s(std::string_view key, std::span<const float> values);

    /// Adds a tensor stored as F32. dims has the fastest-running dimension first (columns, then rows), as GGUF counts
    /// them; values.size() must be their product and there must be 1 to 4 of them, else the writer is marked as failed.
    void addTensorF32(std::string_view name, std::span<const std::uint64_t> dims, std::span<const float> values);
    /// The same stored as F16, rounded to nearest, ties to even. A value beyond 65504 becomes infinity.
    void addTensorF16(std::string_view name, std::span<const std::uint64_t> dims, std::span<const float> values);

    /// A tensor of any type whose bytes are made while the file is written, so that a file larger than memory can be
    /// made. `produce` writes exactly `bytes` bytes; anything else fails the writing.
    void addTensorStream(std::string_view name, std::span<const std::uint64_t> dims, std::uint32_t type,
                         std::uint64_t bytes, std::function<void(std::ostream&)> produce);

    /// Writes the file beside its final place and renames it, so that a reader never sees half a file.
    /// Returns what went wrong, or nothing.
    std::optional<std::string> write(const std::string& path) const;

    /// The whole file as bytes.
    std::string bytes() const;

private:
    struct Tensor {
        std::string name;
        std::vector<std::uint64_t> dims;
        std::uint32_t type = 0;
        std::uint64_t bytes = 0;
        std::function<void(std::ostream&)> produce;
    };

    void beginKey(std::string_view key, GgufType type);
    void beginArray(std::string_view key, GgufType element_type, std::size_t count);
    void writeTo(std::ostream& out) const;
    bool acceptTensor(std::string_view name, std::span<const std::uint64_t> dims, std::size_t count);

    std::string keys_;
    std::uint64_t key_count_ = 0;
    std::vector<Tensor> tensors_;
    std::string error_;
};

}  // namespace quibble
