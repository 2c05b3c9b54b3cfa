// The C library's locale under a window. Qt takes over the user's, by which the C library would then write 1,5 and
// read 1.5 as 1; but numbers, dates and messages of the engine are the same everywhere. What the window itself writes
// follows QLocale, which this leaves alone.
#pragma once

#include <clocale>

namespace quibble {

/// To be called after the application is made and before any thread is.
inline void keepCLocale() {
    for (const int category : {LC_NUMERIC, LC_TIME, LC_MESSAGES}) std::setlocale(category, "C");
}

}  // namespace quibble
