// Where the data that ships with the program lies: models/, problems/, markers/.
#pragma once

#include <filesystem>

namespace quibble {

/// $QUIBBLE_DATA_DIR, ../share/quibble beside the program, or data/ of the source tree that it was built from; empty
/// when none of them holds problems/.
[[nodiscard]] std::filesystem::path shippedDataDirectory();

}  // namespace quibble
