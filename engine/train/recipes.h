#pragma once

#include <string>

#include "engine/train/bpe_trainer.h"
#include "engine/train/model.h"

namespace quibble::train {

/// The models that ship.
enum class Recipe { kNano, kMoe, kDraft };

/// "nano", "moe" or "draft"; they name subcommands and, behind "quibble-" or "quibble-nano-", files.
const char* recipeName(Recipe recipe);
/// What general.name of the file says.
std::string modelName(Recipe recipe);
ModelShape shapeOf(Recipe recipe, const ToyTokenizer& tokenizer);

}  // namespace quibble::train
