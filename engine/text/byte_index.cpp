#include "engine/text/byte_index.h"

#include <xxhash.h>

namespace quibble {

std::uint64_t hashBytes(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace quibble
