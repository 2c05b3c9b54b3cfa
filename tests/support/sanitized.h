// Whether this build carries a sanitizer, which makes everything ten times as long: tests that only repeat themselves
// do less then.
#pragma once

namespace quibble::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace quibble::testing
