#include "train/recipes.h"

namespace quibble::train {

const char* recipeName(Recipe recipe) {
    switch (recipe) {
        case Recipe::kMoe: return "moe";
        case Recipe::kDraft: return "draft";
        case Recipe::kNano: break;
    }
    return "nano";
}

std::string modelName(Recipe recipe) {
    return recipe == Recipe::kNano ? "quibble-nano" : std::string("quibble-nano-") + recipeName(recipe);
}

ModelShape shapeOf(Recipe recipe, const ToyTokenizer& tokenizer) {
    ModelShape shape;
    shape.vocab = static_cast<int64_t>(tokenizer.size());
    if (recipe == Recipe::kMoe) {  // two experts of half the width: a token costs what it costs in quibble-nano
        shape.ffn = 384;
        shape.experts = 8;
        shape.experts_used = 2;
    }
    if (recipe == Recipe::kDraft) {
        shape.width = 128;
        shape.layers = 3;
        shape.heads = 4;
        shape.kv_heads = 2;
        shape.ffn = 384;
    }
    return shape;
}

}  // namespace quibble::train
