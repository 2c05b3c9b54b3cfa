#include "engine/text/utf8.h"

#include <algorithm>

namespace quibble {
namespace {

std::uint8_t byteAt(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

bool isContinuation(std::uint8_t byte) { return (byte & 0xC0) == 0x80; }

// Bytes that a character with this first byte has; 0 for a byte that cannot be first.
std::size_t lengthOfLead(std::uint8_t lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return 2;
    if (lead >= 0xE0 && lead <= 0xEF) return 3;
    if (lead >= 0xF0 && lead <= 0xF4) return 4;
    return 0;
}

// The second byte decides about overlong forms, surrogates and the upper end (Unicode table 3-7).
bool isSecondByte(std::uint8_t lead, std::uint8_t second) {
    if (!isContinuation(second)) return false;
    switch (lead) {
        case 0xE0: return second >= 0xA0;
        case 0xED: return second <= 0x9F;
        case 0xF0: return second >= 0x90;
        case 0xF4: return second <= 0x8F;
        default: return true;
    }
}

}  // namespace

std::size_t utf8Length(std::string_view bytes, std::size_t at) {
    const std::uint8_t lead = byteAt(bytes, at);
    const std::size_t length = lengthOfLead(lead);
    if (length <= 1) return length;
    if (bytes.size() - at < length || !isSecondByte(lead, byteAt(bytes, at + 1))) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if (!isContinuation(byteAt(bytes, at + i))) return 0;
    }
    return length;
}

bool isValidUtf8(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t length = utf8Length(bytes, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

char32_t utf8Decode(std::string_view bytes, std::size_t at, std::size_t length) {
    constexpr std::uint8_t kLeadMask[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    char32_t code_point = byteAt(bytes, at) & kLeadMask[length];
    for (std::size_t i = 1; i < length; ++i) code_point = (code_point << 6) | (byteAt(bytes, at + i) & 0x3Fu);
    return code_point;
}

void utf8Append(std::string& out, char32_t code_point) {
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) code_point = 0xFFFD;
    const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
    if (code_point < 0x80) {
        put(code_point);
    } else if (code_point < 0x800) {
        put(0xC0 | (code_point >> 6));
        put(0x80 | (code_point & 0x3F));
    } else if (code_point < 0x10000) {
        put(0xE0 | (code_point >> 12));
        put(0x80 | ((code_point >> 6) & 0x3F));
        put(0x80 | (code_point & 0x3F));
    } else {
        put(0xF0 | (code_point >> 18));
        put(0x80 | ((code_point >> 12) & 0x3F));
        put(0x80 | ((code_point >> 6) & 0x3F));
        put(0x80 | (code_point & 0x3F));
    }
}

std::size_t completeUtf8Length(std::string_view bytes) {
    // An incomplete character is at most three bytes: look for its first byte in the last three.
    const std::size_t look = std::min<std::size_t>(3, bytes.size());
    for (std::size_t back = 1; back <= look; ++back) {
        const std::size_t start = bytes.size() - back;
        const std::uint8_t lead = byteAt(bytes, start);
        if (isContinuation(lead)) continue;
        const std::size_t length = lengthOfLead(lead);
        if (length <= back) return bytes.size();  // complete, or a byte that can never be first
        if (back >= 2 && !isSecondByte(lead, byteAt(bytes, start + 1))) return bytes.size();
        return start;
    }
    return bytes.size();
}

std::string toValidUtf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t length = utf8Length(bytes, at);
        if (length == 0) {
            utf8Append(out, 0xFFFD);
            ++at;
        } else {
            out.append(bytes.substr(at, length));
            at += length;
        }
    }
    return out;
}

}  // namespace quibble
