// The version that is stored with every run.
#pragma once

namespace quibble {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace quibble
