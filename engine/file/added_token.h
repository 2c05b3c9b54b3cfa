// How a tokenizer.json wants a token of its list added_tokens found in text, as numbers under keys:
// "quibble.tokenizer.added_ids" has the ids in the order of the list, "quibble.tokenizer.added_flags" the sum of these
// for each. GGUF files say nothing of the kind.
#pragma once

#include <cstdint>

namespace quibble {

enum AddedTokenFlag : std::int32_t {
    kAddedStripsLeft = 1,   // takes the white space before it
    kAddedStripsRight = 2,  // and after it
    kAddedSingleWord = 4,   // not beside a character of a word
    kAddedNormalized = 8,   // looked for in normalized text, by its normalized form
    kAddedMergeable = 16,   // in the model's vocabulary too, so that merges may make it
};

}  // namespace quibble
