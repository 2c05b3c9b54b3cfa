// Writes small GGUF files in memory, whole or damaged on purpose, for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quibble::test {

/// Bytes in the order of the format; nothing is checked, so that wrong files can be written as well.
class GgufBytes {
public:
    template <typename T>
    GgufBytes& put(T value) {
        const char* from = reinterpret_cast<const char*>(&value);
        bytes.append(from, sizeof value);
        return *this;
    }
    GgufBytes& text(std::string_view value) {
        put<std::uint64_t>(value.size());
        bytes.append(value);
        return *this;
    }
    /// "GGUF", version, counts.
    GgufBytes& header(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
        bytes.append("GGUF");
        return put(version).put(tensors).put(keys);
    }
    GgufBytes& key(std::string_view name, std::uint32_t type) { return text(name).put(type); }
    GgufBytes& stringKey(std::string_view name, std::string_view value) { return key(name, 8).text(value); }
    GgufBytes& uintKey(std::string_view name, std::uint32_t value) { return key(name, 4).put(value); }
    GgufBytes& stringsKey(std::string_view name, const std::vector<std::string>& values) {
        key(name, 9).put<std::uint32_t>(8).put<std::uint64_t>(values.size());
        for (const std::string& value : values) text(value);
        return *this;
    }
    GgufBytes& intsKey(std::string_view name, const std::vector<std::int32_t>& values) {
        key(name, 9).put<std::uint32_t>(5).put<std::uint64_t>(values.size());
        for (const std::int32_t value : values) put(value);
        return *this;
    }
    GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                      std::uint64_t offset) {
        text(name).put(static_cast<std::uint32_t>(dims.size()));
        for (const std::uint64_t dim : dims) put(dim);
        return put(type).put(offset);
    }
    GgufBytes& pad(std::size_t alignment = 32) {
        bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
        return *this;
    }
    GgufBytes& data(std::size_t count) {
        bytes.append(count, '\x11');
        return *this;
    }

    std::string bytes;
};

/// A correct file with a value of every type, arrays, and three tensors.
inline std::string completeGguf(std::uint32_t version = 3) {
    GgufBytes file;
    file.header(3, 17, version).stringKey("general.architecture", "llama").uintKey("general.alignment", 64);
    file.key("u8", 0).put<std::uint8_t>(200).key("i8", 1).put<std::int8_t>(-100);
    file.key("u16", 2).put<std::uint16_t>(60000).key("i16", 3).put<std::int16_t>(-30000);
    file.key("u32", 4).put<std::uint32_t>(4000000000u).key("i32", 5).put<std::int32_t>(-2000000000);
    file.key("f32", 6).put(1.5f).key("bool", 7).put<std::uint8_t>(1);
    file.key("u64", 10)
        .put<std::uint64_t>(0xFFFFFFFFFFFFFFFFu)
        .key("i64", 11)
        .put<std::int64_t>(-5)
        .key("f64", 12)
        .put(2.25);
    file.stringsKey("strings", {"one", "", "three"}).intsKey("ints", {1, -2, 3});
    file.key("floats", 9).put<std::uint32_t>(6).put<std::uint64_t>(2).put(0.5f).put(-0.5f);
    file.key("empty", 9).put<std::uint32_t>(8).put<std::uint64_t>(0);
    file.tensor("a", {8, 2}, 0, 0).tensor("b", {64}, 8, 64).tensor("c", {32, 2, 2, 1}, 1, 192);
    return file.pad(64).data(64).data(68).pad(64).data(256).bytes;
}

}  // namespace quibble::test
