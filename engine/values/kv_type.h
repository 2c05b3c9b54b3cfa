// How the KV cache of a run stores its rows.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace quibble {

/// Q8_0: blocks of 32 with one F16 scale, so a head must be a multiple of 32 wide.
enum class KvType { F32, F16, BF16, Q8_0 };

inline constexpr std::array kKvTypes{KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0};

/// As on the command line and in stored requests.
[[nodiscard]] inline const char* kvTypeText(KvType type) {
    switch (type) {
        case KvType::F32: return "f32";
        case KvType::F16: return "f16";
        case KvType::BF16: return "bf16";
        case KvType::Q8_0: return "q8_0";
    }
    return "f32";
}

[[nodiscard]] inline std::optional<KvType> kvTypeOf(std::string_view text) {
    for (const KvType type : kKvTypes) {
        if (text == kvTypeText(type)) return type;
    }
    return std::nullopt;
}

}  // namespace quibble
