// Memory of this process and of the machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace quibble {

/// Peak resident memory of this process. Bytes; 0 where the system does not say.
[[nodiscard]] std::int64_t peakMemoryBytes();

/// Where the system tells about memory.
struct MemoryFiles {
    std::filesystem::path proc = "/proc";
    std::filesystem::path cgroup = "/sys/fs/cgroup";
};

/// Bytes that this process can still occupy without swapping: what the machine has left (MemAvailable), or the control
/// groups that hold the process (version 1 or 2) where one of them leaves less; a group's page cache counts as left.
/// nullopt where the system does not say.
[[nodiscard]] std::optional<std::int64_t> availableMemoryBytes(const MemoryFiles& files = {});

/// What to compare with before a lot of memory is taken: availableMemoryBytes, or nothing where the user wants no such
/// check (the environment variable QUIBBLE_IGNORE_MEMORY is set and not "0").
[[nodiscard]] std::optional<std::int64_t> memoryLimit();

/// "1.25 GB", "830 MB", "12.0 kB": three digits, powers of 1000.
[[nodiscard]] std::string bytesText(std::int64_t bytes);

}  // namespace quibble
