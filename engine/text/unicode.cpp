#include "engine/text/unicode.h"

#include <algorithm>
#include <vector>

#include <utf8proc.h>

#include "engine/text/utf8.h"
#include "engine/values/check.h"

namespace quibble {

namespace {

// Characters below U+0300 compose with nothing before them; this byte begins the first that may.
constexpr unsigned char kLeadOfThat = 0xCC;

// The jamo in front of the final ones is none itself, but version 2.8 of the library composes it, into nothing.
constexpr char32_t kHangulBeforeFinals = 0x11a7;

// Symbols that count as letters (Other_Alphabetic beyond the marks): circled, squared and negative ones.
constexpr std::array<std::pair<char32_t, char32_t>, 4> kLetterSymbols = {
    {{0x24b6, 0x24e9}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}}};

template <std::size_t n>
bool inRanges(const std::array<std::pair<char32_t, char32_t>, n>& ranges, char32_t character) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const auto& range) { return character >= range.first && character <= range.second; });
}

void decompose(char32_t character, std::vector<utf8proc_int32_t>& out) {
    constexpr utf8proc_ssize_t kLongest = 32;
    utf8proc_int32_t parts[kLongest];
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character), parts, kLongest, UTF8PROC_DECOMPOSE, nullptr);
    QUIBBLE_CHECK(count > 0 && count <= kLongest, "a character decomposes into at most four");
    out.insert(out.end(), parts, parts + count);
}

int combiningClass(utf8proc_int32_t character) { return utf8proc_get_property(character)->combining_class; }

// Marks in the order of their classes. The library sorts by exchanging neighbours, which long runs of marks make slow.
void orderMarks(std::vector<utf8proc_int32_t>& characters) {
    for (auto begin = characters.begin(); begin != characters.end();) {
        if (combiningClass(*begin) == 0) {
            ++begin;
            continue;
        }
        const auto end =
            std::find_if(begin, characters.end(), [](utf8proc_int32_t c) { return combiningClass(c) == 0; });
        std::stable_sort(begin, end,
                         [](utf8proc_int32_t a, utf8proc_int32_t b) { return combiningClass(a) < combiningClass(b); });
        begin = end;
    }
}

void appendComposed(std::string& out, std::vector<utf8proc_int32_t>& characters) {
    if (characters.empty()) return;
    orderMarks(characters);
    const utf8proc_ssize_t count =
        utf8proc_normalize_utf32(characters.data(), static_cast<utf8proc_ssize_t>(characters.size()),
                                 static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    QUIBBLE_CHECK(count >= 0, "characters compose");
    for (utf8proc_ssize_t i = 0; i < count; ++i)
        utf8Append(out, static_cast<char32_t>(characters[static_cast<std::size_t>(i)]));
    characters.clear();
}

}  // namespace

bool isWhiteSpace(char32_t character) { return inRanges(kWhiteSpace, character); }

bool isWordCharacter(char32_t character) {
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_PC: return true;
        default: return character == 0x200c || character == 0x200d || inRanges(kLetterSymbols, character);
    }
}

std::string composed(std::string_view text) {
    if (std::none_of(text.begin(), text.end(),
                     [](char byte) { return static_cast<unsigned char>(byte) >= kLeadOfThat; }))
        return std::string(text);
    std::string out;
    out.reserve(text.size());
    std::vector<utf8proc_int32_t> characters;  // since the last one that composes with nothing before it
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8Length(text, at);
        const char32_t character = length == 0 ? 0 : utf8Decode(text, at, length);
        if (character < 0x80 || character == kHangulBeforeFinals) appendComposed(out, characters);
        if (length == 0) {
            out += text[at++];
            continue;
        }
        decompose(character, characters);
        at += length;
    }
    appendComposed(out, characters);
    return out;
}

}  // namespace quibble
