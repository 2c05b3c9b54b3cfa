// The version of the library that reads and writes sessions.
#pragma once

namespace quibble {

[[nodiscard]] const char* sqliteVersion();

}  // namespace quibble
