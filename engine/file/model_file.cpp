#include "engine/file/model_file.h"

#include <cstring>
#include <limits>

#include "engine/file/gguf/gguf_parser.h"
#include "engine/file/gguf/gguf_split.h"
#include "engine/file/safetensors/checkpoint.h"
#include "engine/values/check.h"

namespace quibble {

std::uint64_t ModelTensor::elements() const {
    std::uint64_t product = 1;
    for (const std::uint64_t dim : dims) product *= dim;
    return product;
}

void ModelTensor::readRows(std::uint64_t begin, std::uint64_t end, std::byte* out) const {
    if (made_rows != nullptr) return made_rows->write(begin, end, out);
    std::memcpy(out, data + begin * rowBytes(), static_cast<std::size_t>((end - begin) * rowBytes()));
}

Result<std::shared_ptr<const ModelFile>> ModelFile::open(const std::filesystem::path& path) {
    auto parts = isCheckpointPath(path) ? openCheckpoint(path) : openGguf(path);
    if (!parts) return tl::unexpected<Error>(parts.error());
    return std::make_shared<const ModelFile>(std::move(*parts));
}

Result<std::shared_ptr<const ModelFile>> ModelFile::parse(std::span<const std::byte> bytes, std::string name) {
    auto parts = GgufParser(bytes, std::move(name)).parse();
    if (!parts) return tl::unexpected<Error>(parts.error());
    return std::make_shared<const ModelFile>(std::move(*parts));
}

ModelFile::ModelFile(ModelFileParts parts) : parts_(std::move(parts)) {
    for (std::size_t i = 0; i < parts_.keys.size(); ++i) {
        QUIBBLE_CHECK(key_index_.emplace(parts_.keys[i].first, i).second, "a reader gave a key twice");
    }
    for (std::size_t i = 0; i < parts_.tensors.size(); ++i) {
        QUIBBLE_CHECK(tensor_index_.emplace(parts_.tensors[i].name, i).second, "a reader gave a tensor twice");
    }
}

void ModelFile::dropPages(std::span<const std::byte> bytes) const {
    for (const MappedFile& mapped : parts_.mappings) mapped.dropPages(bytes);
}

void ModelFile::useLargePages(std::span<const std::byte> bytes) const {
    for (const MappedFile& mapped : parts_.mappings) mapped.useLargePages(bytes);
}

const ModelTensor* ModelFile::tensor(std::string_view name) const {
    const auto found = tensor_index_.find(name);
    return found == tensor_index_.end() ? nullptr : &parts_.tensors[found->second];
}

const GgufValue* ModelFile::value(std::string_view key) const {
    const auto found = key_index_.find(key);
    return found == key_index_.end() ? nullptr : &parts_.keys[found->second].second;
}

std::optional<std::uint64_t> ModelFile::getUint(std::string_view key) const {
    const GgufValue* found = value(key);
    if (found == nullptr) return std::nullopt;
    if (const auto* plain = std::get_if<std::uint64_t>(&found->data)) return *plain;
    if (const auto* with_sign = std::get_if<std::int64_t>(&found->data); with_sign != nullptr && *with_sign >= 0) {
        return static_cast<std::uint64_t>(*with_sign);
    }
    return std::nullopt;
}

std::optional<std::int64_t> ModelFile::getInt(std::string_view key) const {
    const GgufValue* found = value(key);
    if (found == nullptr) return std::nullopt;
    if (const auto* with_sign = std::get_if<std::int64_t>(&found->data)) return *with_sign;
    const auto* plain = std::get_if<std::uint64_t>(&found->data);
    if (plain == nullptr || *plain > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return std::nullopt;
    return static_cast<std::int64_t>(*plain);
}

std::optional<double> ModelFile::getFloat(std::string_view key) const {
    const GgufValue* found = value(key);
    if (found == nullptr) return std::nullopt;
    if (const auto* real = std::get_if<double>(&found->data)) return *real;
    if (const auto* plain = std::get_if<std::uint64_t>(&found->data)) return static_cast<double>(*plain);
    if (const auto* with_sign = std::get_if<std::int64_t>(&found->data)) return static_cast<double>(*with_sign);
    return std::nullopt;
}

std::optional<bool> ModelFile::getBool(std::string_view key) const {
    const GgufValue* found = value(key);
    const bool* flag = found == nullptr ? nullptr : std::get_if<bool>(&found->data);
    return flag == nullptr ? std::nullopt : std::optional<bool>(*flag);
}

std::optional<std::string_view> ModelFile::getString(std::string_view key) const {
    const GgufValue* found = value(key);
    const auto* text = found == nullptr ? nullptr : std::get_if<std::string_view>(&found->data);
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
}

const GgufArray* ModelFile::getArray(std::string_view key) const {
    const GgufValue* found = value(key);
    return found == nullptr ? nullptr : std::get_if<GgufArray>(&found->data);
}

std::vector<ModelKeyText> ModelFile::describeKeys() const {
    std::vector<ModelKeyText> rows;
    rows.reserve(parts_.keys.size());
    for (const auto& [key, value] : parts_.keys) {
        const auto* array = std::get_if<GgufArray>(&value.data);
        std::string type(ggufTypeName(value.type));
        if (array != nullptr) type += " of " + std::string(ggufTypeName(array->elementType()));
        rows.push_back({std::string(key), std::move(type), describeGgufValue(value)});
    }
    return rows;
}

}  // namespace quibble
