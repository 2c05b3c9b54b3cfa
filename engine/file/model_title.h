// What people call a model whose file does not say its name.
#pragma once

#include <filesystem>
#include <string>

namespace quibble {

/// The file's stem, without the numbers of a part; of a published checkpoint, whose files all have the same names, its
/// folder's name, and in the hub's cache, where the folder is a revision, the name the model has there. Asks only
/// whether `path` is a folder.
[[nodiscard]] std::string modelTitle(const std::filesystem::path& path);

}  // namespace quibble
