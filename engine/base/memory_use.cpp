#include "engine/base/memory_use.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string_view>

#include <sys/resource.h>

namespace quibble {

namespace {

// The number behind `name` in a file of "name value" lines; `name` empty: the file is one number.
std::optional<std::int64_t> numberIn(const std::filesystem::path& file, std::string_view name = {}) {
    std::ifstream in(file);
    std::string word;
    std::int64_t value = 0;
    if (name.empty()) return in >> value ? std::optional(value) : std::nullopt;  // "max" is no number: no limit
    while (in >> word) {
        if (word == name) return in >> value ? std::optional(value) : std::nullopt;
        in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    return std::nullopt;
}

struct GroupFiles {
    const char *limit, *used, *inactive, *active;
};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file", "active_file"};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
                               "total_active_file"};

std::optional<std::int64_t> leftInGroup(const std::filesystem::path& group, const GroupFiles& names) {
    const auto limit = numberIn(group / names.limit), used = numberIn(group / names.used);
    if (!limit || !used) return std::nullopt;
    const std::int64_t cache = numberIn(group / "memory.stat", names.inactive).value_or(0) +
                               numberIn(group / "memory.stat", names.active).value_or(0);
    return std::max<std::int64_t>(0, *limit - *used + std::min(cache, *used));
}

// A group and all above it, up to the mount; in a container only the mount may be visible.
std::optional<std::int64_t> leftInGroups(const std::filesystem::path& mount, std::string_view path,
                                         const GroupFiles& names) {
    std::optional<std::int64_t> least;
    const auto look = [&](const std::filesystem::path& group) {
        const auto left = leftInGroup(group, names);
        if (left && (!least || *left < *least)) least = left;
    };
    std::filesystem::path below = std::filesystem::path(path).relative_path();
    for (; !below.empty(); below = below.parent_path()) look(mount / below);
    look(mount);
    return least;
}

std::optional<std::int64_t> leftInGroups(const MemoryFiles& files) {
    std::ifstream in(files.proc / "self" / "cgroup");
    std::optional<std::int64_t> least;
    for (std::string line; std::getline(in, line);) {  // "7:memory:/docker/x" (version 1), "0::/user.slice" (version 2)
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1),
                               path = std::string_view(line).substr(second + 1);
        std::optional<std::int64_t> left;
        if (controllers.empty())
            left = leftInGroups(files.cgroup, path, kVersion2);
        else if (controllers == "memory")
            left = leftInGroups(files.cgroup / "memory", path, kVersion1);
        if (left && (!least || *left < *least)) least = left;
    }
    return least;
}

}  // namespace

std::int64_t peakMemoryBytes() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;  // Linux counts kilobytes
}

std::optional<std::int64_t> availableMemoryBytes(const MemoryFiles& files) {
    auto machine = numberIn(files.proc / "meminfo", "MemAvailable:");
    if (machine) *machine *= 1024;
    const auto groups = leftInGroups(files);
    if (machine && groups) return std::min(*machine, *groups);
    return machine ? machine : groups;
}

std::optional<std::int64_t> memoryLimit() {
    const char* ignore = std::getenv("QUIBBLE_IGNORE_MEMORY");
    if (ignore != nullptr && std::string_view(ignore) != "0") return std::nullopt;
    return availableMemoryBytes();
}

std::string bytesText(std::int64_t bytes) {
    constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
    char text[32];
    std::snprintf(text, sizeof text, "%.*f %s",
                  unit == 0 || value >= 99.95 ? 0
                  : value >= 9.995            ? 1
                                              : 2,
                  value, kUnits[unit]);
    return text;
}

}  // namespace quibble
