// One writer for each database file: an advisory lock on "<file>.lock" beside it, which the kernel drops when the
// process ends, however it ends. SQLite's own locks last for a transaction only, so they cannot say "this window owns
// the file".
#pragma once

#include <filesystem>
#include <memory>

#include "engine/values/result.h"

namespace quibble {

class DatabaseLock {
public:
    /// Errors: Busy (somebody holds it, in this process or another), Io.
    [[nodiscard]] static Result<std::shared_ptr<DatabaseLock>> acquire(const std::filesystem::path& database);
    ~DatabaseLock();
    DatabaseLock(const DatabaseLock&) = delete;
    DatabaseLock& operator=(const DatabaseLock&) = delete;

private:
    explicit DatabaseLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

}  // namespace quibble
