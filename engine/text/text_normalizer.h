// What a published tokenizer does to plain text before anything looks at it. GGUF vocabularies do nothing of the kind.
#pragma once

#include <string>
#include <string_view>

namespace quibble {

inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, as which SentencePiece writes a space

struct TextNormalizer {
    bool composes = false;      // NFC
    bool marks_begin = false;   // a U+2581 in front of text that is not empty
    bool marks_spaces = false;  // spaces become U+2581

    [[nodiscard]] bool active() const { return composes || marks_begin || marks_spaces; }
    /// `goes_on`: the text follows other text, so that nothing goes in front. The three commute.
    [[nodiscard]] std::string apply(std::string_view text, bool goes_on = false) const;
};

}  // namespace quibble
