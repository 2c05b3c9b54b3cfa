// Identities. Database ids are distinct types; a token id and a position stay plain integers because they index arrays
// everywhere.
#pragma once

#include <cstdint>

namespace quibble {

using TokenId = std::int32_t;   // index into the vocabulary
using Position = std::int32_t;  // index into the sequence, prompt included, from 0

inline constexpr TokenId kNoToken = -1;

enum class RunId : std::int64_t {};
enum class SessionId : std::int64_t {};

inline constexpr RunId kNoRun{0};
inline constexpr SessionId kNoSession{0};

template <typename Id>
[[nodiscard]] constexpr std::int64_t raw(Id id) {
    return static_cast<std::int64_t>(id);
}

}  // namespace quibble
