#include "engine/base/state_folder.h"

#include <cstdlib>

namespace quibble {

std::filesystem::path stateFolder() {
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state != nullptr && std::filesystem::path(state).is_absolute()) return std::filesystem::path(state) / "quibble";
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0') return {};
    return std::filesystem::path(home) / ".local" / "state" / "quibble";
}

}  // namespace quibble
