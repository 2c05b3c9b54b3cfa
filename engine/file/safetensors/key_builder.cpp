#include "engine/file/safetensors/key_builder.h"

#include <limits>
#include <utility>

namespace quibble {

std::string_view KeyBuilder::keep(std::string text) { return parts_.texts.emplace_back(std::move(text)); }

void KeyBuilder::uint(std::string_view key, std::uint64_t value) {
    const GgufType type = value > std::numeric_limits<std::uint32_t>::max() ? GgufType::U64 : GgufType::U32;
    parts_.keys.emplace_back(keep(std::string(key)), GgufValue{type, value});
}

void KeyBuilder::real(std::string_view key, double value) {
    parts_.keys.emplace_back(keep(std::string(key)), GgufValue{GgufType::F64, value});
}

void KeyBuilder::flag(std::string_view key, bool value) {
    parts_.keys.emplace_back(keep(std::string(key)), GgufValue{GgufType::Bool, value});
}

void KeyBuilder::text(std::string_view key, std::string value) {
    parts_.keys.emplace_back(keep(std::string(key)), GgufValue{GgufType::String, keep(std::move(value))});
}

void KeyBuilder::texts(std::string_view key, const std::vector<std::string>& values) {
    std::string joined;
    for (const std::string& value : values) joined += value;
    const std::string_view kept = keep(std::move(joined));
    std::vector<std::string_view> views;
    views.reserve(values.size());
    std::size_t at = 0;
    for (const std::string& value : values) {
        views.push_back(kept.substr(at, value.size()));
        at += value.size();
    }
    parts_.keys.emplace_back(
        keep(std::string(key)),
        GgufValue{GgufType::Array, GgufArray(GgufType::String, values.size(), {}, std::move(views))});
}

template <typename T>
void KeyBuilder::scalars(std::string_view key, GgufType type, std::span<const T> values) {
    const std::string_view kept = keep(std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes()));
    parts_.keys.emplace_back(
        keep(std::string(key)),
        GgufValue{GgufType::Array, GgufArray(type, values.size(), std::as_bytes(std::span(kept)), {})});
}

void KeyBuilder::ints(std::string_view key, std::span<const std::int32_t> values) {
    scalars(key, GgufType::I32, values);
}
void KeyBuilder::reals(std::string_view key, std::span<const float> values) { scalars(key, GgufType::F32, values); }

}  // namespace quibble
