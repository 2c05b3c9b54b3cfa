#pragma once

#include <filesystem>

#include "engine/values/result.h"
#include "train/model.h"

namespace quibble::train {

/// Reads the weights of a GGUF file that quibble-train wrote into a model of its shape, as float32. FileCorrupt when
/// the architecture or a tensor's shape is another one; the model may then be half filled. The opposite of exportGguf.
Result<void> importGguf(const std::filesystem::path& path, Transformer& model);

}  // namespace quibble::train
