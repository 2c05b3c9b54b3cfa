#include "data/shipped.h"

#include <cstdlib>
#include <system_error>
#include <vector>

namespace quibble {

std::filesystem::path shippedDataDirectory() {
    std::error_code ignored;
    std::vector<std::filesystem::path> candidates;
    if (const char* chosen = std::getenv("QUIBBLE_DATA_DIR"); chosen != nullptr) candidates.emplace_back(chosen);
    if (const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored); !program.empty()) {
        candidates.push_back(program.parent_path() / ".." / "share" / "quibble");
    }
    candidates.emplace_back(QUIBBLE_SOURCE_DATA_DIR);
    for (const std::filesystem::path& candidate : candidates) {
        if (!candidate.empty() && std::filesystem::is_directory(candidate / "problems", ignored))
            return std::filesystem::weakly_canonical(candidate, ignored);
    }
    return {};
}

}  // namespace quibble
