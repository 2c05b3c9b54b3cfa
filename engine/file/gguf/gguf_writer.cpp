#include "engine/file/gguf/gguf_writer.h"

#include <bit>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <ostream>
#include <sstream>

#include "engine/values/move_into_place.h"
#include "kernels/formats/half.h"

namespace quibble {
namespace {

constexpr std::size_t kDataAlignment = 32;
constexpr std::size_t kWriteBuffer = std::size_t{32} << 20;

constexpr std::uint32_t kTensorF32 = 0;
constexpr std::uint32_t kTensorF16 = 1;

/// Appends an unsigned integer, lowest byte first, whatever the machine's order.
template <class Unsigned>
void put(std::string& out, Unsigned value) {
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
        out.push_back(
            static_cast<char>(static_cast<unsigned char>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xFFU)));
    }
}

void putString(std::string& out, std::string_view text) {
    put(out, static_cast<std::uint64_t>(text.size()));
    out.append(text);
}

void pad(std::string& out) { out.resize((out.size() + kDataAlignment - 1) / kDataAlignment * kDataAlignment, '\0'); }

}  // namespace

void GgufWriter::beginKey(std::string_view key, GgufType type) {
    putString(keys_, key);
    put(keys_, static_cast<std::uint32_t>(type));
    ++key_count_;
}

void GgufWriter::beginArray(std::string_view key, GgufType element_type, std::size_t count) {
    beginKey(key, GgufType::Array);
    put(keys_, static_cast<std::uint32_t>(element_type));
    put(keys_, static_cast<std::uint64_t>(count));
}

void GgufWriter::addU8(std::string_view key, std::uint8_t value) {
    beginKey(key, GgufType::U8);
    put(keys_, value);
}
void GgufWriter::addI8(std::string_view key, std::int8_t value) {
    beginKey(key, GgufType::I8);
    put(keys_, static_cast<std::uint8_t>(value));
}
void GgufWriter::addU16(std::string_view key, std::uint16_t value) {
    beginKey(key, GgufType::U16);
    put(keys_, value);
}
void GgufWriter::addI16(std::string_view key, std::int16_t value) {
    beginKey(key, GgufType::I16);
    put(keys_, static_cast<std::uint16_t>(value));
}
void GgufWriter::addU32(std::string_view key, std::uint32_t value) {
    beginKey(key, GgufType::U32);
    put(keys_, value);
}
void GgufWriter::addI32(std::string_view key, std::int32_t value) {
    beginKey(key, GgufType::I32);
    put(keys_, static_cast<std::uint32_t>(value));
}
void GgufWriter::addU64(std::string_view key, std::uint64_t value) {
    beginKey(key, GgufType::U64);
    put(keys_, value);
}
void GgufWriter::addI64(std::string_view key, std::int64_t value) {
    beginKey(key, GgufType::I64);
    put(keys_, static_cast<std::uint64_t>(value));
}
void GgufWriter::addF32(std::string_view key, float value) {
    beginKey(key, GgufType::F32);
    put(keys_, std::bit_cast<std::uint32_t>(value));
}
void GgufWriter::addF64(std::string_view key, double value) {
    beginKey(key, GgufType::F64);
    put(keys_, std::bit_cast<std::uint64_t>(value));
}
void GgufWriter::addBool(std::string_view key, bool value) {
    beginKey(key, GgufType::Bool);
    put(keys_, static_cast<std::uint8_t>(value ? 1 : 0));
}
void GgufWriter::addString(std::string_view key, std::string_view value) {
    beginKey(key, GgufType::String);
    putString(keys_, value);
}

void GgufWriter::addStrings(std::string_view key, std::span<const std::string> values) {
    beginArray(key, GgufType::String, values.size());
    for (const std::string& value : values) putString(keys_, value);
}
void GgufWriter::addI32s(std::string_view key, std::span<const std::int32_t> values) {
    beginArray(key, GgufType::I32, values.size());
    for (const std::int32_t value : values) put(keys_, static_cast<std::uint32_t>(value));
}
void GgufWriter::addU32s(std::string_view key, std::span<const std::uint32_t> values) {
    beginArray(key, GgufType::U32, values.size());
    for (const std::uint32_t value : values) put(keys_, value);
}
void GgufWriter::addF32s(std::string_view key, std::span<const float> values) {
    beginArray(key, GgufType::F32, values.size());
    for (const float value : values) put(keys_, std::bit_cast<std::uint32_t>(value));
}

bool GgufWriter::acceptTensor(std::string_view name, std::span<const std::uint64_t> dims, std::size_t count) {
    std::uint64_t product = 1;
    bool fits = !dims.empty() && dims.size() <= 4;
    for (const std::uint64_t dim : dims) {
        fits = fits && dim > 0 && product <= std::numeric_limits<std::uint64_t>::max() / dim;
        if (fits) product *= dim;
    }
    if (fits && product == count) return true;
    if (error_.empty())
        error_ = "tensor " + std::string(name) + ": its dimensions do not hold " + std::to_string(count) + " values";
    return false;
}

void GgufWriter::addTensorStream(std::string_view name, std::span<const std::uint64_t> dims, std::uint32_t type,
                                 std::uint64_t bytes, std::function<void(std::ostream&)> produce) {
    tensors_.push_back({std::string(name), {dims.begin(), dims.end()}, type, bytes, std::move(produce)});
}

void GgufWriter::addTensorF32(std::string_view name, std::span<const std::uint64_t> dims,
                              std::span<const float> values) {
    if (!acceptTensor(name, dims, values.size())) return;
    std::string data;
    data.reserve(values.size() * 4);
    for (const float value : values) put(data, std::bit_cast<std::uint32_t>(value));
    const std::uint64_t bytes = data.size();
    addTensorStream(name, dims, kTensorF32, bytes, [data = std::move(data)](std::ostream& out) { out << data; });
}

void GgufWriter::addTensorF16(std::string_view name, std::span<const std::uint64_t> dims,
                              std::span<const float> values) {
    if (!acceptTensor(name, dims, values.size())) return;
    std::string data;
    data.reserve(values.size() * 2);
    for (const float value : values) put(data, kernels::f32ToF16(value));
    const std::uint64_t bytes = data.size();
    addTensorStream(name, dims, kTensorF16, bytes, [data = std::move(data)](std::ostream& out) { out << data; });
}

void GgufWriter::writeTo(std::ostream& out) const {
    std::string head = "GGUF";
    put(head, std::uint32_t{3});
    put(head, static_cast<std::uint64_t>(tensors_.size()));
    put(head, key_count_);
    head += keys_;
    std::uint64_t offset = 0;
    for (const Tensor& tensor : tensors_) {
        putString(head, tensor.name);
        put(head, static_cast<std::uint32_t>(tensor.dims.size()));
        for (const std::uint64_t dim : tensor.dims) put(head, dim);
        put(head, tensor.type);
        put(head, offset);
        offset += (tensor.bytes + kDataAlignment - 1) / kDataAlignment * kDataAlignment;
    }
    pad(head);
    out << head;
    for (const Tensor& tensor : tensors_) {
        const auto before = out.tellp();
        tensor.produce(out);
        if (out.tellp() - before != static_cast<std::streamoff>(tensor.bytes)) out.setstate(std::ios::failbit);
        for (std::uint64_t at = tensor.bytes; at % kDataAlignment != 0; ++at) out.put('\0');
    }
}

std::string GgufWriter::bytes() const {
    std::ostringstream out;
    writeTo(out);
    return out.str();
}

std::optional<std::string> GgufWriter::write(const std::string& path) const {
    if (!error_.empty()) return "cannot write " + path + ": " + error_;
    if (const auto allowed = checkReplaceable(path); !allowed) return allowed.error().line();
    const std::string part = path + ".part";
    std::error_code ignored;
    {
        // Long writes leave large pages in the page cache, for whoever maps the file next (mapped_file.cpp).
        std::vector<char> buffer(kWriteBuffer);
        std::ofstream file;
        file.rdbuf()->pubsetbuf(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        file.open(part, std::ios::binary | std::ios::trunc);
        if (file) writeTo(file);
        file.close();
        if (!file) {
            std::filesystem::remove(part,
                                    ignored);  // an unfinished file would take the room that is missing on a full disk
            return "cannot write " + part + ": is the folder there and is there room on the disk?";
        }
    }
    if (const auto moved = moveIntoPlace(part, path); !moved) return moved.error().line();
    return std::nullopt;
}

}  // namespace quibble
