// Peak resident memory of this process.
#pragma once

#include <cstdint>

namespace quibble {

/// Bytes; 0 where the system does not say.
[[nodiscard]] std::int64_t peakMemoryBytes();

}  // namespace quibble
