// A published checkpoint - safetensors files with .json files beside them - as the parts of a ModelFile: GGUF keys and
// tensor names over the bytes where they lie. Used by ModelFile only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/file/model_file_parts.h"
#include "engine/file/safetensors/tokenizer_keys.h"
#include "engine/values/result.h"

namespace quibble {

struct Checkpoint {
    struct Shard {
        std::string path;
        std::string file;  // its name in the folder
        std::span<const std::byte> bytes;
    };
    std::string name;    // the path that was opened
    std::string folder;  // in front of the names of the .json files in errors: "models/r1/"
    std::string title;   // for people
    CheckpointTexts texts;
    std::vector<Shard> shards;
    std::map<std::string, std::string> file_of;  // as an index promises: tensor -> Shard::file; empty without an index
};

/// The result holds views of the shards' bytes; the caller keeps the mappings that own them. Errors: FileCorrupt,
/// Unsupported.
[[nodiscard]] Result<ModelFileParts> translateCheckpoint(const Checkpoint& checkpoint);

/// A path that this reader takes: a folder, a .safetensors file or an index of such files.
[[nodiscard]] bool isCheckpointPath(const std::filesystem::path& path);

/// Maps the files and translates them; the path of any shard opens the whole checkpoint. Errors: NotFound (a file that
/// must be there), Io, FileCorrupt, Unsupported.
[[nodiscard]] Result<ModelFileParts> openCheckpoint(const std::filesystem::path& path);

}  // namespace quibble
