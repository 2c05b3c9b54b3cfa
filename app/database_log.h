// What the log says when a database is opened, by the window or by the command line.
#pragma once

#include <string>

#include "data/store/store.h"
#include "engine/base/log.h"

namespace quibble {

inline void logOpened(const Store& store) {
    logInfo("database opened" + std::string(store.readOnly() ? " to read only: " : ": ") + store.path().string());
    if (store.interruptedRuns() > 0) {
        logWarning("recovered: runs that the program was killed in the middle of: " + std::to_string(store.interruptedRuns()) +
                   "; what was saved of them is kept, in " + store.path().string());
    }
}

}  // namespace quibble
