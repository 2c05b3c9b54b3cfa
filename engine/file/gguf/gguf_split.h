// Opens a GGUF file, alone or cut into parts (keys split.no, split.count, split.tensors.count; names ending in
// -00001-of-00003.gguf). Used by ModelFile only.
#pragma once

#include <filesystem>

#include "engine/file/model_file_parts.h"
#include "engine/values/result.h"

namespace quibble {

/// Any part stands for the whole model. The metadata is that of the first part; the tensors are those of all parts, in
/// their order. Errors: those of MappedFile and GgufParser; NotFound for a part that is missing; FileCorrupt for a part
/// that belongs to another model or another place, and for a number of tensors that is not the promised one. The part
/// is named.
[[nodiscard]] Result<ModelFileParts> openGguf(const std::filesystem::path& path);

}  // namespace quibble
