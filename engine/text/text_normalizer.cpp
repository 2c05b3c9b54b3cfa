#include "engine/text/text_normalizer.h"

#include "engine/text/unicode.h"

namespace quibble {

std::string TextNormalizer::apply(std::string_view text, bool goes_on) const {
    std::string out(marks_begin && !goes_on && !text.empty() ? kSpaceMark : std::string_view());
    const std::string composed_text = composes ? composed(text) : std::string(text);
    if (!marks_spaces) return out + composed_text;
    for (const char byte : composed_text) {
        if (byte == ' ')
            out += kSpaceMark;
        else
            out += byte;
    }
    return out;
}

}  // namespace quibble
