// Numbers of fixed width in blobs, little-endian whatever the machine. Internal to data/store.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/values/check.h"

namespace quibble {

class BlobWriter {
public:
    void byte(std::uint8_t value) { out_ += static_cast<char>(value); }
    void int16(std::int16_t value) { word(static_cast<std::uint16_t>(value), 2); }
    void uint16(std::uint16_t value) { word(value, 2); }
    void int32(std::int32_t value) { word(static_cast<std::uint32_t>(value), 4); }
    void float32(float value) { word(std::bit_cast<std::uint32_t>(value), 4); }
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    void word(std::uint32_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) out_ += static_cast<char>((value >> (8 * i)) & 0xff);
    }
    std::string out_;
};

/// Reads from the front. The caller has checked the length of the blob: reading past its end is a broken contract.
class BlobReader {
public:
    explicit BlobReader(std::string_view bytes) : bytes_(bytes) {}
    [[nodiscard]] std::uint8_t byte() { return static_cast<std::uint8_t>(word(1)); }
    [[nodiscard]] std::int16_t int16() { return static_cast<std::int16_t>(word(2)); }
    [[nodiscard]] std::uint16_t uint16() { return static_cast<std::uint16_t>(word(2)); }
    [[nodiscard]] std::int32_t int32() { return static_cast<std::int32_t>(word(4)); }
    [[nodiscard]] float float32() { return std::bit_cast<float>(word(4)); }

private:
    std::uint32_t word(std::size_t size) {
        QUIBBLE_CHECK(size <= bytes_.size(), "the length of a blob is checked before it is read");
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < size; ++i)
            value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
        bytes_.remove_prefix(size);
        return value;
    }
    std::string_view bytes_;
};

}  // namespace quibble
