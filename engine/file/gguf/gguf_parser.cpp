#include "engine/file/gguf/gguf_parser.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>

#include "engine/file/content_hash.h"
#include "engine/text/utf8.h"

namespace quibble {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;     // "GGUF"
constexpr std::uint64_t kMaxKeys = 1u << 16;     // real files have under a hundred
constexpr std::uint64_t kMaxTensors = 1u << 20;  // the largest mixture models have some ten thousand
constexpr std::uint64_t kMaxNameBytes = 65535;   // the format's own limit for keys
constexpr std::uint64_t kMaxDims = 4;
// Smallest encodings, for bounding counts: key = length + 1 byte + type + 1 byte; tensor = length + 1 byte + number of
// dimensions + one dimension + type + offset.
constexpr std::uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

std::string number(std::uint64_t value) { return std::to_string(value); }

// a * b, or nothing when it does not fit in 63 bits (so that it also fits in a signed offset).
std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product) ||
        product > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return std::nullopt;
    }
    return product;
}

// A name that can be shown as it is.
bool isPlainName(std::string_view name) {
    return isValidUtf8(name) && std::none_of(name.begin(), name.end(), isControlByte);
}

// A name in an error message, without letting a hostile one flood it.
std::string printable(std::string_view name) {
    std::string valid = toValidUtf8(name.substr(0, 100));
    std::replace_if(valid.begin(), valid.end(), isControlByte, '?');
    return name.size() > 100 ? valid + "..." : valid;
}

}  // namespace

const std::byte* GgufCursor::take(std::uint64_t count, std::string_view what) {
    if (failed()) return nullptr;
    if (count > left()) {
        refuse(ErrorCode::FileCorrupt, "needs " + number(count) + " bytes for " + std::string(what) +
                                           ", the file ends after " + number(left()));
        return nullptr;
    }
    const std::byte* from = bytes_.data() + at_;
    at_ += count;
    return from;
}

std::string_view GgufCursor::string(std::string_view what) {
    const auto length = scalar<std::uint64_t>(what);
    const std::byte* from = take(length, what);
    return from == nullptr ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(from), length);
}

std::uint64_t GgufCursor::count(std::uint64_t bytes_each, std::string_view what) {
    const auto claimed = scalar<std::uint64_t>(what);
    if (!failed() && claimed > left() / bytes_each) {
        refuse(ErrorCode::FileCorrupt, "claims " + number(claimed) + " " + std::string(what) + ", the " +
                                           number(left()) + " bytes that are left hold " + number(left() / bytes_each) +
                                           " at most");
    }
    return failed() ? 0 : claimed;
}

void GgufCursor::refuse(ErrorCode code, std::string what, std::string hint) {
    if (failed()) return;
    std::string place = file_ + ": at byte " + number(at_) + ", ";
    if (!context_.empty()) place += context_ + ": ";
    error_ = Error{code, place + std::move(what), std::move(hint)};
}

GgufParser::GgufParser(std::span<const std::byte> bytes, std::string name) : bytes_(bytes), cursor_(bytes, name) {
    parts_.file_bytes = bytes.size();
    parts_.paths.push_back(name);
    parts_.name = std::move(name);
}

Result<ModelFileParts> GgufParser::parse() {
    readHeader();
    readKeys();
    readAlignment();
    readTensorInfos();
    placeTensors();
    if (cursor_.failed()) return tl::unexpected<Error>(*cursor_.error());
    return std::move(parts_);
}

void GgufParser::readHeader() {
    cursor_.setContext("file header");
    const auto magic = cursor_.scalar<std::uint32_t>("the magic number");
    if (!cursor_.failed() && magic != kMagic) {
        cursor_.refuse(ErrorCode::FileCorrupt, "the file does not begin with \"GGUF\"", "Choose a GGUF model file");
    }
    const auto version = cursor_.scalar<std::uint32_t>("the version");
    if (cursor_.failed()) return;
    parts_.format = "GGUF version " + number(version);
    if (version != 2 && version != 3) {
        const bool big_endian = version != 0 && (version & 0xFFFF) == 0;
        cursor_.refuse(
            ErrorCode::Unsupported,
            big_endian ? "the file is big-endian" : "format version " + number(version) + " is not known; 2 and 3 are",
            "Convert the model again with a current converter" +
                std::string(big_endian ? ", for little-endian machines" : ""));
        return;
    }
    // Tensor infos follow the metadata, so both counts are bounded by the same bytes.
    tensor_count_ = cursor_.count(kMinTensorBytes, "tensors");
    key_count_ = cursor_.count(kMinKeyBytes, "metadata entries");
    if (tensor_count_ > kMaxTensors || key_count_ > kMaxKeys) {
        cursor_.refuse(ErrorCode::FileCorrupt, "claims " + number(tensor_count_) + " tensors and " +
                                                   number(key_count_) + " metadata entries; the limits are " +
                                                   number(kMaxTensors) + " and " + number(kMaxKeys));
    }
}

std::optional<GgufType> GgufParser::readType(std::string_view what) {
    const auto id = cursor_.scalar<std::uint32_t>(what);
    if (cursor_.failed()) return std::nullopt;
    if (id > static_cast<std::uint32_t>(GgufType::F64)) {
        cursor_.refuse(ErrorCode::FileCorrupt,
                       std::string(what) + " is " + number(id) + ", which is no value type of the format");
        return std::nullopt;
    }
    return static_cast<GgufType>(id);
}

void GgufParser::readKeys() {
    std::set<std::string_view> seen;  // ordered: a hostile file cannot make it slow with colliding hashes
    for (std::uint64_t i = 0; i < key_count_ && !cursor_.failed(); ++i) {
        cursor_.setContext("metadata entry " + number(i));
        const std::string_view key = cursor_.string("the key");
        if (cursor_.failed()) return;
        if (key.empty() || key.size() > kMaxNameBytes)
            return cursor_.refuse(ErrorCode::FileCorrupt, "the key has " + number(key.size()) + " bytes");
        if (!isPlainName(key))
            return cursor_.refuse(ErrorCode::FileCorrupt,
                                  "the key is not valid UTF-8 without control characters: " + printable(key));
        cursor_.setContext("metadata entry " + number(i) + " (" + printable(key) + ")");
        if (!seen.insert(key).second) return cursor_.refuse(ErrorCode::FileCorrupt, "the key occurs twice");
        const auto type = readType("the type of the value");
        if (!type) return;
        parts_.keys.emplace_back(key, readValue(*type));
    }
}

GgufValue GgufParser::readValue(GgufType type) {
    constexpr std::string_view kWhat = "the value";
    switch (type) {
        case GgufType::U8: return {type, std::uint64_t{cursor_.scalar<std::uint8_t>(kWhat)}};
        case GgufType::U16: return {type, std::uint64_t{cursor_.scalar<std::uint16_t>(kWhat)}};
        case GgufType::U32: return {type, std::uint64_t{cursor_.scalar<std::uint32_t>(kWhat)}};
        case GgufType::U64: return {type, cursor_.scalar<std::uint64_t>(kWhat)};
        case GgufType::I8: return {type, std::int64_t{cursor_.scalar<std::int8_t>(kWhat)}};
        case GgufType::I16: return {type, std::int64_t{cursor_.scalar<std::int16_t>(kWhat)}};
        case GgufType::I32: return {type, std::int64_t{cursor_.scalar<std::int32_t>(kWhat)}};
        case GgufType::I64: return {type, cursor_.scalar<std::int64_t>(kWhat)};
        case GgufType::F32: return {type, double{cursor_.scalar<float>(kWhat)}};
        case GgufType::F64: return {type, cursor_.scalar<double>(kWhat)};
        case GgufType::Bool: {
            const auto flag = cursor_.scalar<std::uint8_t>(kWhat);
            if (flag > 1) cursor_.refuse(ErrorCode::FileCorrupt, "a boolean has the value " + number(flag));
            return {type, flag == 1};
        }
        case GgufType::String: return {type, cursor_.string(kWhat)};
        case GgufType::Array: return readArray();
    }
    return {};
}

GgufValue GgufParser::readArray() {
    const GgufValue empty{GgufType::Array, GgufArray(GgufType::U8, 0, {}, {})};
    const auto type = readType("the element type of the array");
    if (!type) return empty;
    if (*type == GgufType::Array) {
        cursor_.refuse(ErrorCode::Unsupported, "an array of arrays", "No known model needs one");
        return empty;
    }
    if (*type == GgufType::String) {
        const std::uint64_t count = cursor_.count(sizeof(std::uint64_t), "strings");
        std::vector<std::string_view> strings;
        strings.reserve(count);
        for (std::uint64_t i = 0; i < count && !cursor_.failed(); ++i)
            strings.push_back(cursor_.string("a string of the array"));
        if (cursor_.failed()) return empty;
        return {GgufType::Array, GgufArray(*type, count, {}, std::move(strings))};
    }
    const std::uint64_t each = ggufScalarBytes(*type);
    const std::uint64_t count = cursor_.count(each, "array elements");
    const std::byte* from = cursor_.take(count * each, "the array");
    if (from == nullptr) return empty;
    const std::span<const std::byte> scalars(from, count * each);
    if (*type == GgufType::Bool) {
        for (const std::byte flag : scalars) {
            if (std::to_integer<int>(flag) > 1)
                cursor_.refuse(ErrorCode::FileCorrupt,
                               "an array of booleans holds the value " + number(std::to_integer<std::uint64_t>(flag)));
        }
    }
    return {GgufType::Array, GgufArray(*type, count, scalars, {})};
}

void GgufParser::readAlignment() {
    if (cursor_.failed()) return;
    cursor_.setContext("general.alignment");
    for (const auto& [key, value] : parts_.keys) {
        if (key != "general.alignment") continue;
        const auto* alignment = std::get_if<std::uint64_t>(&value.data);
        // Below 8 the tensors' own scalars would be misaligned; the format asks for a multiple of 8.
        if (alignment == nullptr || !std::has_single_bit(*alignment) || *alignment < 8 || *alignment > (1u << 20)) {
            return cursor_.refuse(ErrorCode::FileCorrupt, "the alignment is " + describeGgufValue(value) +
                                                              ", not a power of two from 8 to 1048576");
        }
        alignment_ = *alignment;
    }
}

void GgufParser::readTensorInfos() {
    for (std::uint64_t i = 0; i < tensor_count_ && !cursor_.failed(); ++i) {
        cursor_.setContext("tensor " + number(i));
        ModelTensor tensor = readTensorInfo();
        if (cursor_.failed()) return;
        parts_.tensors.push_back(std::move(tensor));
    }
    // The list of tensors does not grow any more. From here on their names stay where they are, and views of them may
    // be kept.
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < parts_.tensors.size() && !cursor_.failed(); ++i) {
        if (!seen.insert(parts_.tensors[i].name).second) {
            cursor_.setContext("tensor " + number(i));
            cursor_.refuse(ErrorCode::FileCorrupt, "the name " + printable(parts_.tensors[i].name) + " occurs twice");
        }
    }
}

ModelTensor GgufParser::readTensorInfo() {
    ModelTensor tensor;
    const std::string_view name = cursor_.string("the name");
    if (cursor_.failed()) return tensor;
    if (name.empty() || name.size() > kMaxNameBytes || !isPlainName(name)) {
        cursor_.refuse(
            ErrorCode::FileCorrupt,
            "the name is empty, too long or not valid UTF-8 without control characters: \"" + printable(name) + "\"");
        return tensor;
    }
    tensor.name = name;
    cursor_.setContext("tensor " + printable(name));
    const auto dims = cursor_.scalar<std::uint32_t>("the number of dimensions");
    if (!cursor_.failed() && (dims == 0 || dims > kMaxDims))
        cursor_.refuse(ErrorCode::FileCorrupt, "has " + number(dims) + " dimensions, not 1 to 4");
    for (std::uint32_t i = 0; i < dims && !cursor_.failed(); ++i) {
        tensor.dims.push_back(cursor_.scalar<std::uint64_t>("a dimension"));
        if (!cursor_.failed() && tensor.dims.back() == 0)
            cursor_.refuse(ErrorCode::FileCorrupt, "dimension " + number(i) + " is 0");
    }
    const auto type_id = cursor_.scalar<std::uint32_t>("the tensor type");
    tensor.offset = cursor_.scalar<std::uint64_t>("the offset");
    if (!cursor_.failed()) sizeTensor(tensor, type_id);
    return tensor;
}

void GgufParser::sizeTensor(ModelTensor& tensor, std::uint32_t type_id) {
    const kernels::TypeTraits* traits = kernels::typeTraits(type_id);
    if (traits == nullptr || traits->block_elements == 0) {
        return cursor_.refuse(
            ErrorCode::Unsupported, "tensor type " + number(type_id) + " is not known",
            "Choose a file quantized in one of the supported formats, or a newer version of this program");
    }
    tensor.type = static_cast<kernels::TensorType>(type_id);
    const std::uint64_t columns = tensor.dims[0];
    if (columns % traits->block_elements != 0) {
        return cursor_.refuse(ErrorCode::FileCorrupt,
                              "a row of " + number(columns) + " elements is not a whole number of " +
                                  std::string(traits->name) + " blocks of " + number(traits->block_elements));
    }
    auto bytes = multiply(columns / traits->block_elements, traits->block_bytes);
    auto elements = std::optional<std::uint64_t>(columns);
    for (std::size_t i = 1; i < tensor.dims.size(); ++i) {
        bytes = bytes ? multiply(*bytes, tensor.dims[i]) : bytes;
        elements = elements ? multiply(*elements, tensor.dims[i]) : elements;
    }
    if (!bytes || !elements) return cursor_.refuse(ErrorCode::FileCorrupt, "the product of its dimensions overflows");
    tensor.bytes = *bytes;
}

void GgufParser::placeTensors() {
    if (cursor_.failed()) return;
    const std::uint64_t header_end = cursor_.position();
    parts_.content_hash = contentHash(bytes_.first(header_end), bytes_.size());
    if (parts_.tensors.empty()) return;
    const std::uint64_t data_start = (header_end + alignment_ - 1) / alignment_ * alignment_;
    for (ModelTensor& tensor : parts_.tensors) {
        cursor_.setContext("tensor " + printable(tensor.name));
        if (tensor.offset % alignment_ != 0) {
            return cursor_.refuse(
                ErrorCode::FileCorrupt,
                "its offset " + number(tensor.offset) + " is not a multiple of the alignment " + number(alignment_));
        }
        std::uint64_t start = 0;
        std::uint64_t end = 0;
        const bool overflow = __builtin_add_overflow(data_start, tensor.offset, &start) ||
                              __builtin_add_overflow(start, tensor.bytes, &end);
        if (overflow || end > bytes_.size()) {
            return cursor_.refuse(ErrorCode::FileCorrupt, "its " + number(tensor.bytes) + " bytes at offset " +
                                                              number(tensor.offset) + " after byte " +
                                                              number(data_start) + " end beyond the file, which has " +
                                                              number(bytes_.size()) + " bytes");
        }
        tensor.offset = start;
        tensor.data = bytes_.data() + start;
    }
    checkApart();
}

void GgufParser::checkApart() {
    std::vector<const ModelTensor*> order;
    for (const ModelTensor& tensor : parts_.tensors) order.push_back(&tensor);
    std::sort(order.begin(), order.end(),
              [](const ModelTensor* a, const ModelTensor* b) { return a->offset < b->offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
        if (order[i]->offset >= order[i - 1]->offset + order[i - 1]->bytes) continue;
        cursor_.setContext("tensor " + printable(order[i]->name));
        return cursor_.refuse(ErrorCode::FileCorrupt,
                              "its bytes overlap those of tensor " + printable(order[i - 1]->name));
    }
}

}  // namespace quibble
