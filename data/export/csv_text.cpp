#include "data/export/csv_text.h"

#include "data/export/json_text.h"

namespace quibble {

std::string cellText(std::string_view bytes) {
    const bool utf8 = isUtf8(bytes);
    std::string out = "\"";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        const auto byte = static_cast<unsigned char>(c);
        if (i == 0 && beginsFormula(c))
            out += "\\x" + hexOf(bytes.substr(0, 1));
        else if (c == '"')
            out += "\"\"";
        else if (c == '\\')
            out += "\\\\";
        else if (c == '\n')
            out += "\\n";
        else if (c == '\r')
            out += "\\r";
        else if (c == '\t')
            out += "\\t";
        else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8))
            out += "\\x" + hexOf(std::string_view(&c, 1));
        else
            out += c;
    }
    return out + '"';
}

}  // namespace quibble
