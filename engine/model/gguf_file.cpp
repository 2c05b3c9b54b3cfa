#include "engine/model/gguf_file.h"

#include <limits>

#include "engine/model/gguf_parser.h"

namespace quibble {

std::uint64_t GgufTensor::elements() const {
    std::uint64_t product = 1;
    for (const std::uint64_t dim : dims) product *= dim;
    return product;
}

Result<std::shared_ptr<const GgufFile>> GgufFile::open(const std::filesystem::path& path) {
    auto mapped = MappedFile::open(path);
    if (!mapped) return tl::unexpected<Error>(mapped.error());
    const std::span<const std::byte> bytes = mapped->bytes();
    return GgufParser(bytes, path.string()).parse(std::move(*mapped));
}

Result<std::shared_ptr<const GgufFile>> GgufFile::parse(std::span<const std::byte> bytes, std::string name) {
    return GgufParser(bytes, std::move(name)).parse(std::nullopt);
}

const GgufTensor* GgufFile::tensor(std::string_view name) const {
    const auto found = tensor_index_.find(name);
    return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

const GgufValue* GgufFile::value(std::string_view key) const {
    const auto found = key_index_.find(key);
    return found == key_index_.end() ? nullptr : &keys_[found->second].second;
}

std::optional<std::uint64_t> GgufFile::getUint(std::string_view key) const {
    const GgufValue* found = value(key);
    if (found == nullptr) return std::nullopt;
    if (const auto* plain = std::get_if<std::uint64_t>(&found->data)) return *plain;
    if (const auto* with_sign = std::get_if<std::int64_t>(&found->data); with_sign != nullptr && *with_sign >= 0) {
        return static_cast<std::uint64_t>(*with_sign);
    }
    return std::nullopt;
}

std::optional<std::int64_t> GgufFile::getInt(std::string_view key) const {
    const GgufValue* found = value(key);
    if (found == nullptr) return std::nullopt;
    if (const auto* with_sign = std::get_if<std::int64_t>(&found->data)) return *with_sign;
    const auto* plain = std::get_if<std::uint64_t>(&found->data);
    if (plain == nullptr || *plain > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return static_cast<std::int64_t>(*plain);
}

std::optional<double> GgufFile::getFloat(std::string_view key) const {
    const GgufValue* found = value(key);
    if (found == nullptr) return std::nullopt;
    if (const auto* real = std::get_if<double>(&found->data)) return *real;
    if (const auto* plain = std::get_if<std::uint64_t>(&found->data)) return static_cast<double>(*plain);
    if (const auto* with_sign = std::get_if<std::int64_t>(&found->data)) return static_cast<double>(*with_sign);
    return std::nullopt;
}

std::optional<bool> GgufFile::getBool(std::string_view key) const {
    const GgufValue* found = value(key);
    const bool* flag = found == nullptr ? nullptr : std::get_if<bool>(&found->data);
    return flag == nullptr ? std::nullopt : std::optional<bool>(*flag);
}

std::optional<std::string_view> GgufFile::getString(std::string_view key) const {
    const GgufValue* found = value(key);
    const auto* text = found == nullptr ? nullptr : std::get_if<std::string_view>(&found->data);
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
}

const GgufArray* GgufFile::getArray(std::string_view key) const {
    const GgufValue* found = value(key);
    return found == nullptr ? nullptr : std::get_if<GgufArray>(&found->data);
}

std::vector<GgufKeyText> GgufFile::describeKeys() const {
    std::vector<GgufKeyText> rows;
    rows.reserve(keys_.size());
    for (const auto& [key, value] : keys_) {
        const auto* array = std::get_if<GgufArray>(&value.data);
        std::string type(ggufTypeName(value.type));
        if (array != nullptr) type += " of " + std::string(ggufTypeName(array->elementType()));
        rows.push_back({std::string(key), std::move(type), describeGgufValue(value)});
    }
    return rows;
}

}  // namespace quibble
