// The folder for what the program writes about itself: its log and the note that a window is open.
#pragma once

#include <filesystem>

namespace quibble {

/// XDG_STATE_HOME/quibble, else ~/.local/state/quibble; empty where neither is known. XDG_STATE_HOME must be absolute
/// to count. The folder need not exist.
[[nodiscard]] std::filesystem::path stateFolder();

}  // namespace quibble
