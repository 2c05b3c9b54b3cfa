// The SQL of data/schema/NNNN_*.sql, embedded at build time. Forward only: version N comes from version N-1 by step N.
#pragma once

#include <cstdint>
#include <span>

namespace quibble {

inline constexpr std::int32_t kApplicationId = 0x5162626c;  // "Qbbl", bytes 68-71 of the file

struct Migration {
    int version = 0;  // user_version after this step; 1, 2, 3 ...
    const char* sql = "";
};

/// In order of version; the last is what this program writes.
[[nodiscard]] std::span<const Migration> schemaMigrations();

}  // namespace quibble
