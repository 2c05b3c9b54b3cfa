// Reads the container of a GGUF file (versions 2 and 3, little-endian): metadata and where each tensor lies. Every
// length is compared with the bytes that are left before anything is allocated, products are overflow-checked, and an
// error names the fault, the byte and what to do. Used by ModelFile only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "engine/file/gguf/gguf_value.h"
#include "engine/file/model_file_parts.h"
#include "engine/values/result.h"

namespace quibble {

/// Moves through the bytes and keeps the first error: after one, everything reads as zero or empty, and the caller
/// looks at `error` at the end of each item instead of after each field.
class GgufCursor {
public:
    GgufCursor(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

    /// Names what is read next ("metadata entry 3") in error messages.
    void setContext(std::string context) { context_ = std::move(context); }

    template <typename T>
    requires std::is_arithmetic_v<T> T scalar(std::string_view what) {
        T value{};
        if (const std::byte* from = take(sizeof(T), what)) std::memcpy(&value, from, sizeof(T));
        return value;
    }
    /// u64 length, then that many bytes.
    std::string_view string(std::string_view what);
    /// nullptr when fewer than `count` bytes are left.
    const std::byte* take(std::uint64_t count, std::string_view what);
    /// A count of items of at least `bytes_each` bytes; an error when they cannot fit in what is left.
    std::uint64_t count(std::uint64_t bytes_each, std::string_view what);

    void refuse(ErrorCode code, std::string what,
                std::string hint = "The file may be damaged: copy or download it again");
    [[nodiscard]] bool failed() const { return error_.has_value(); }
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }
    [[nodiscard]] std::uint64_t position() const { return at_; }
    [[nodiscard]] std::uint64_t left() const { return bytes_.size() - at_; }

private:
    std::span<const std::byte> bytes_;
    std::uint64_t at_ = 0;
    std::string file_;
    std::string context_;
    std::optional<Error> error_;
};

class GgufParser {
public:
    GgufParser(std::span<const std::byte> bytes, std::string name);
    /// The result holds views of the bytes; the caller keeps the mapping that owns them. Errors: FileCorrupt,
    /// Unsupported.
    [[nodiscard]] Result<ModelFileParts> parse();

private:
    void readHeader();
    void readKeys();
    [[nodiscard]] GgufValue readValue(GgufType type);
    [[nodiscard]] GgufValue readArray();
    [[nodiscard]] std::optional<GgufType> readType(std::string_view what);
    void readAlignment();
    void readTensorInfos();
    [[nodiscard]] ModelTensor readTensorInfo();
    void sizeTensor(ModelTensor& tensor, std::uint32_t type_id);
    void placeTensors();
    void checkApart();  // no two tensors share bytes

    std::span<const std::byte> bytes_;
    GgufCursor cursor_;
    ModelFileParts parts_;
    std::uint64_t alignment_ = 32;
    std::uint64_t tensor_count_ = 0;
    std::uint64_t key_count_ = 0;
};

}  // namespace quibble
