// What a file is, by its content: names and endings are chosen by people and lost on the way.
#pragma once

#include <filesystem>

namespace quibble {

enum class FileKind {
    Unknown,        // also a file that is not there or cannot be read
    Model,          // GGUF, safetensors, the index of a checkpoint, or a folder with a checkpoint (config.json)
    Session,        // a database of this program: an exported session, or a whole database
    OtherDatabase,  // SQLite, of another program
};

[[nodiscard]] FileKind fileKindOf(const std::filesystem::path& path);

}  // namespace quibble
