#include "engine/file/gguf/gguf_value.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "engine/text/utf8.h"

namespace quibble {
namespace {

static_assert(std::endian::native == std::endian::little,
              "GGUF scalars are read in place, which needs a little-endian CPU");

template <typename T>
T readScalar(std::span<const std::byte> bytes, std::size_t index) {
    T value;
    std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
    return value;
}

std::string printDouble(double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, 9);
    return {text, end.ptr};
}

// Quoted, control characters and invalid bytes escaped, cut before max_bytes bytes of content.
std::string quoteForPeople(std::string_view text, std::size_t max_bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string out = "\"";
    std::size_t at = 0;
    while (at < text.size() && out.size() < max_bytes) {
        const std::size_t length = utf8Length(text, at);
        const auto byte = static_cast<unsigned char>(text[at]);
        if (length == 0 || isControlByte(text[at])) {
            if (byte == '\n') {
                out += "\\n";
            } else {
                out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
            }
            ++at;
        } else {
            if (byte == '"' || byte == '\\') out += '\\';
            out.append(text.substr(at, length));
            at += length;
        }
    }
    out += '"';
    if (at < text.size()) out += "... (" + std::to_string(text.size()) + " bytes)";
    return out;
}

std::string describeArray(const GgufArray& array, std::size_t max_bytes) {
    std::string out = "[";
    std::size_t shown = 0;
    for (; shown < array.size() && out.size() < max_bytes; ++shown) {
        if (shown > 0) out += ", ";
        if (array.elementType() == GgufType::String) {
            out += quoteForPeople(array.strings()[shown], max_bytes);
        } else if (const auto integer = array.integer(shown)) {
            out += std::to_string(*integer);
        } else {
            out += printDouble(array.number(shown).value_or(0));
        }
    }
    if (shown < array.size()) out += ", ...";
    return out + "] (" + std::to_string(array.size()) + " x " + std::string(ggufTypeName(array.elementType())) + ")";
}

}  // namespace

std::string_view ggufTypeName(GgufType type) {
    switch (type) {
        case GgufType::U8: return "u8";
        case GgufType::I8: return "i8";
        case GgufType::U16: return "u16";
        case GgufType::I16: return "i16";
        case GgufType::U32: return "u32";
        case GgufType::I32: return "i32";
        case GgufType::F32: return "f32";
        case GgufType::Bool: return "bool";
        case GgufType::String: return "string";
        case GgufType::Array: return "array";
        case GgufType::U64: return "u64";
        case GgufType::I64: return "i64";
        case GgufType::F64: return "f64";
    }
    return "?";
}

std::size_t ggufScalarBytes(GgufType type) {
    switch (type) {
        case GgufType::U8:
        case GgufType::I8:
        case GgufType::Bool: return 1;
        case GgufType::U16:
        case GgufType::I16: return 2;
        case GgufType::U32:
        case GgufType::I32:
        case GgufType::F32: return 4;
        case GgufType::U64:
        case GgufType::I64:
        case GgufType::F64: return 8;
        case GgufType::String:
        case GgufType::Array: return 0;
    }
    return 0;
}

std::optional<std::int64_t> GgufArray::integer(std::size_t index) const {
    if (index >= count_) return std::nullopt;
    switch (element_type_) {
        case GgufType::U8:
        case GgufType::Bool: return readScalar<std::uint8_t>(scalars_, index);
        case GgufType::I8: return readScalar<std::int8_t>(scalars_, index);
        case GgufType::U16: return readScalar<std::uint16_t>(scalars_, index);
        case GgufType::I16: return readScalar<std::int16_t>(scalars_, index);
        case GgufType::U32: return readScalar<std::uint32_t>(scalars_, index);
        case GgufType::I32: return readScalar<std::int32_t>(scalars_, index);
        case GgufType::I64: return readScalar<std::int64_t>(scalars_, index);
        case GgufType::U64: {
            const auto value = readScalar<std::uint64_t>(scalars_, index);
            if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
            return static_cast<std::int64_t>(value);
        }
        case GgufType::F32:
        case GgufType::F64:
        case GgufType::String:
        case GgufType::Array: return std::nullopt;
    }
    return std::nullopt;
}

std::optional<double> GgufArray::number(std::size_t index) const {
    if (index >= count_) return std::nullopt;
    if (element_type_ == GgufType::F32) return static_cast<double>(readScalar<float>(scalars_, index));
    if (element_type_ == GgufType::F64) return readScalar<double>(scalars_, index);
    if (element_type_ == GgufType::U64) return static_cast<double>(readScalar<std::uint64_t>(scalars_, index));
    if (const auto value = integer(index)) return static_cast<double>(*value);
    return std::nullopt;
}

std::string describeGgufValue(const GgufValue& value, std::size_t max_bytes) {
    struct Visitor {
        std::size_t max_bytes;
        std::string operator()(std::uint64_t number) const { return std::to_string(number); }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(double number) const { return printDouble(number); }
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(std::string_view text) const { return quoteForPeople(text, max_bytes); }
        std::string operator()(const GgufArray& array) const { return describeArray(array, max_bytes); }
    };
    return std::visit(Visitor{max_bytes}, value.data);
}

}  // namespace quibble
