#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace quibble {

/// Hex of XXH3-128 with a seed: the fast identity of a header (the seed is the size of the file).
[[nodiscard]] std::string contentHash(std::span<const std::byte> bytes, std::uint64_t seed);

}  // namespace quibble
