// Metadata values of a GGUF file. Strings and arrays are views into the file's bytes: nothing is copied, and they
// live as long as the ModelFile they came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quibble {

/// Value types with the ids the format gives them.
enum class GgufType : std::uint32_t {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
};

/// "u32", "string", ...; "type 77" is never returned because such a value is refused when the file is read.
[[nodiscard]] std::string_view ggufTypeName(GgufType type);

/// Bytes of one scalar of this type; 0 for String and Array, whose size is in the file.
[[nodiscard]] std::size_t ggufScalarBytes(GgufType type);

/// An array of scalars or strings (arrays of arrays are refused when the file is read).
class GgufArray {
public:
    GgufArray(GgufType element_type, std::size_t count, std::span<const std::byte> scalars,
              std::vector<std::string_view> strings)
        : element_type_(element_type), count_(count), scalars_(scalars), strings_(std::move(strings)) {}

    [[nodiscard]] GgufType elementType() const { return element_type_; }
    [[nodiscard]] std::size_t size() const { return count_; }

    /// All strings in order; empty unless elementType() is String.
    [[nodiscard]] std::span<const std::string_view> strings() const { return strings_; }

    /// Element as an integer; nothing when index is out of range, the elements are not integers or booleans, or a u64
    /// does not fit.
    [[nodiscard]] std::optional<std::int64_t> integer(std::size_t index) const;

    /// Element as a double (integers and booleans are converted); nothing when out of range or a string array.
    [[nodiscard]] std::optional<double> number(std::size_t index) const;

private:
    GgufType element_type_;
    std::size_t count_;
    std::span<const std::byte> scalars_;  // unaligned, little-endian, count_ * ggufScalarBytes(element_type_)
    std::vector<std::string_view> strings_;
};

/// One metadata value. Integers keep their signedness so that a u64 above 2^63 is not misread.
struct GgufValue {
    GgufType type = GgufType::U8;
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray> data;
};

/// A short printable form: strings quoted with control characters escaped and cut at max_bytes, arrays as
/// "[1, 2, 3, ... 151936 x i32]".
[[nodiscard]] std::string describeGgufValue(const GgufValue& value, std::size_t max_bytes = 80);

}  // namespace quibble
