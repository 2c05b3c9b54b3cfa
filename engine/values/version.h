// The version that is stored with every run.
#pragma once

namespace quibble {

inline constexpr const char* kVersion = "0.2.0";

}  // namespace quibble
