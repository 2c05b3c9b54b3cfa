// Writes metadata under GGUF keys, as a translation from another format makes it. The texts live in the parts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/file/model_file_parts.h"

namespace quibble {

class KeyBuilder {
public:
    explicit KeyBuilder(ModelFileParts& parts) : parts_(parts) {}

    // REQUIRES that no key is given twice.
    void uint(std::string_view key, std::uint64_t value);
    void real(std::string_view key, double value);
    void flag(std::string_view key, bool value);
    void text(std::string_view key, std::string value);
    void texts(std::string_view key, const std::vector<std::string>& values);
    void ints(std::string_view key, std::span<const std::int32_t> values);
    void reals(std::string_view key, std::span<const float> values);

private:
    std::string_view keep(std::string text);
    template <typename T>
    void scalars(std::string_view key, GgufType type, std::span<const T> values);
    ModelFileParts& parts_;
};

}  // namespace quibble
