// What the log says when a database is opened, by the window or by the command line.
#pragma once

#include <cstdint>
#include <string>

#include "data/store/store.h"
#include "engine/base/log.h"

namespace quibble {

inline void logOpened(const Store& store) {
    logInfo("database opened" + std::string(store.readOnly() ? " to read only: " : ": ") + store.path().string());
    if (store.recovered().empty()) return;
    std::int64_t tokens = 0;
    for (const RecoveredRun& run : store.recovered()) tokens += run.tokens;
    logWarning(
        "recovered: runs that the program was killed in the middle of: " + std::to_string(store.recovered().size()) +
        "; what was saved of them, " + std::to_string(tokens) + " tokens, is kept, in " + store.path().string());
}

}  // namespace quibble
