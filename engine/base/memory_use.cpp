#include "engine/base/memory_use.h"

#include <sys/resource.h>

namespace quibble {

std::int64_t peakMemoryBytes() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;  // Linux counts kilobytes
}

}  // namespace quibble
