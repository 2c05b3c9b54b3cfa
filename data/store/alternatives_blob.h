// Lists of alternatives as bytes: for each one a little-endian int32 token id and the 4 bytes of its float32
// log-probability.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/values/result.h"
#include "engine/values/token_record.h"

namespace quibble {

inline constexpr std::size_t kMaxAlternatives = 4096;  // in a stored list

[[nodiscard]] std::string packAlternatives(const std::vector<Alternative>& alternatives);
/// Empty message: fine. Ids lie in [0, vocab_size), or are just not negative when vocab_size is 0.
[[nodiscard]] std::string unpackAlternatives(std::string_view bytes, int vocab_size,
                                             std::vector<Alternative>& alternatives);

}  // namespace quibble
