// The kinds of tokens as a file states them, and what is done where it states them wrongly. Converted and merged files
// often give control tokens the kind of ordinary text: their letters are then what the chat template becomes, and the
// end of a turn is no end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/file/model_file.h"
#include "engine/text/vocabulary.h"

namespace quibble {

/// Whether a control token of this text ends what the model says, though files often fail to declare it.
[[nodiscard]] bool isEndText(std::string_view text);

/// Takes tokens that are stated as ordinary or unused for what they are, of the lists of a GGUF file; gives notes for
/// people. Where no merge makes the token from letters,
/// - "<|name|>", a known end of a turn, and a tag that the file itself names as one of its special ids, are control
/// tokens;
/// - in a vocabulary with merges, another tag ("<name>", "[NAME]") that the chat template writes is found in text, as
/// user-defined tokens are. REQUIRES one kind for each token of the file.
[[nodiscard]] std::vector<std::string> mendTokenKinds(const ModelFile& file, std::vector<TokenKind>& kinds);

}  // namespace quibble
