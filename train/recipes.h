#pragma once

#include <string>

#include "train/bpe_trainer.h"
#include "train/model.h"

namespace quibble::train {

/// The models that ship.
enum class Recipe { kNano, kMoe, kDraft };

/// "nano", "moe" or "draft"; they name subcommands and, behind "quibble-" or "quibble-nano-", files.
const char* recipeName(Recipe recipe);
/// What general.name of the file says.
std::string modelName(Recipe recipe);
ModelShape shapeOf(Recipe recipe, const ToyTokenizer& tokenizer);

}  // namespace quibble::train
