#include "engine/file/safetensors/header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "engine/file/safetensors/json.h"

namespace quibble {
namespace {

constexpr JsonLimits kHeaderLimits{.bytes = std::size_t{32} << 20, .depth = 8};
constexpr std::size_t kMaxShape = 8;
constexpr const char* kDamagedHint = "The file may be damaged or still downloading: copy or download it again";

struct ElementType {
    std::string_view name;
    std::uint64_t bytes;
};
constexpr ElementType kElementTypes[] = {
    {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},  {"U64", 8},     {"I32", 4},     {"U32", 4},
    {"I16", 2}, {"U16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1}};

tl::unexpected<Error> corrupt(const std::string& file, std::string what) {
    return fail(ErrorCode::FileCorrupt, file + ": " + std::move(what), kDamagedHint);
}

// Nothing when it is no array of whole numbers or has too many.
std::optional<std::vector<std::uint64_t>> wholeNumbers(const nlohmann::json& entry, const char* name) {
    const nlohmann::json* array = jsonArray(entry, name);
    if (array == nullptr || array->size() > kMaxShape) return std::nullopt;
    std::vector<std::uint64_t> numbers;
    for (const nlohmann::json& number : *array) {
        if (!number.is_number_unsigned()) return std::nullopt;
        numbers.push_back(number.get<std::uint64_t>());
    }
    return numbers;
}

// Nothing when the product does not fit.
std::optional<std::uint64_t> bytesOf(const std::vector<std::uint64_t>& shape, std::uint64_t element_bytes) {
    std::uint64_t product = element_bytes;
    for (const std::uint64_t dim : shape) {
        if (dim != 0 && product > std::numeric_limits<std::uint64_t>::max() / dim) return std::nullopt;
        product *= dim;
    }
    return product;
}

Result<SafeTensor> readTensor(const std::string& file, const std::string& name, const nlohmann::json& entry,
                              std::uint64_t data_begin, std::uint64_t data_bytes) {
    const std::string tensor = "tensor " + shownName(name);
    const std::string* dtype = jsonText(entry, "dtype");
    const auto shape = wholeNumbers(entry, "shape");
    const auto offsets = wholeNumbers(entry, "data_offsets");
    if (dtype == nullptr || !shape || !offsets || offsets->size() != 2) {
        return corrupt(file, tensor + " lacks a dtype, a shape of at most " + std::to_string(kMaxShape) +
                                 " whole numbers or two data_offsets");
    }
    const auto* type = std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                                    [&](const ElementType& known) { return known.name == *dtype; });
    if (type == std::end(kElementTypes)) {
        return fail(ErrorCode::Unsupported,
                    file + ": " + tensor + " has the element type " + shownName(*dtype) + ", which is not known",
                    "Read are: F32, F16, BF16");
    }
    const std::uint64_t begin = (*offsets)[0], end = (*offsets)[1];
    if (begin > end || end > data_bytes) {
        return corrupt(file, tensor + " lies at " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
                                 std::to_string(data_bytes) + " data bytes");
    }
    const auto needed = bytesOf(*shape, type->bytes);
    if (!needed || *needed != end - begin) {
        return corrupt(file, tensor + " has " + std::to_string(end - begin) + " bytes, its shape and element type " +
                                 (needed ? "need " + std::to_string(*needed) : "overflow"));
    }
    return SafeTensor{name, *dtype, *shape, data_begin + begin, *needed};
}

Result<void> checkCovered(const std::string& file, const SafetensorsHeader& header, std::uint64_t file_bytes) {
    std::uint64_t end = header.data_begin;
    for (const SafeTensor& tensor : header.tensors) {
        if (tensor.offset != end) {
            return corrupt(file, "tensor " + shownName(tensor.name) + " begins at byte " +
                                     std::to_string(tensor.offset) + ", the one before it ends at " +
                                     std::to_string(end));
        }
        end += tensor.bytes;
    }
    if (end != file_bytes)
        return corrupt(
            file, "the tensors end at byte " + std::to_string(end) + ", the file at " + std::to_string(file_bytes));
    return {};
}

}  // namespace

std::optional<kernels::TensorType> floatTypeOf(const std::string& dtype) {
    if (dtype == "F32") return kernels::TensorType::F32;
    if (dtype == "F16") return kernels::TensorType::F16;
    if (dtype == "BF16") return kernels::TensorType::BF16;
    return std::nullopt;
}

Result<SafetensorsHeader> readSafetensorsHeader(std::span<const std::byte> bytes, const std::string& name) {
    std::uint64_t length = 0;
    if (bytes.size() < sizeof length)
        return corrupt(name, "not a safetensors file: " + std::to_string(bytes.size()) + " bytes");
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > bytes.size() - sizeof length) {
        return corrupt(name, "not a safetensors file, or cut short: the header should have " + std::to_string(length) +
                                 " bytes, the file has " + std::to_string(bytes.size()));
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof length,
                                static_cast<std::size_t>(length));
    auto json = parseJsonObject(text, name + ": header", kHeaderLimits);
    if (!json) return tl::unexpected<Error>(json.error());

    SafetensorsHeader header;
    header.data_begin = sizeof length + length;
    for (const auto& [tensor_name, entry] : json->items()) {
        if (tensor_name == "__metadata__") continue;
        auto tensor = readTensor(name, tensor_name, entry, header.data_begin, bytes.size() - header.data_begin);
        if (!tensor) return tl::unexpected<Error>(tensor.error());
        header.tensors.push_back(std::move(*tensor));
    }
    // Empty tensors lie where the next one begins.
    std::sort(header.tensors.begin(), header.tensors.end(), [](const SafeTensor& a, const SafeTensor& b) {
        return a.offset != b.offset ? a.offset < b.offset : a.bytes < b.bytes;
    });
    if (auto covered = checkCovered(name, header, bytes.size()); !covered)
        return tl::unexpected<Error>(covered.error());
    return header;
}

}  // namespace quibble
