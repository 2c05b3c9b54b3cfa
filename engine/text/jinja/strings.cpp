#include "engine/text/jinja/strings.h"

#include <algorithm>

#include <utf8proc.h>

#include "engine/text/utf8.h"

namespace quibble::jinja {
namespace {

bool isSpace(char32_t c) {
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Length of the character at the start, at least 1.
std::size_t firstLength(std::string_view text) { return std::max<std::size_t>(utf8Length(text, 0), 1); }

std::string_view lastCharacter(std::string_view text) {
    for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length) {
        if (utf8Length(text, text.size() - length) == length) return text.substr(text.size() - length);
    }
    return text.substr(text.size() - 1);
}

bool isSpace(std::string_view character) {
    const std::size_t length = utf8Length(character, 0);
    return length > 0 && isSpace(utf8Decode(character, 0, length));
}

enum class Case { Lower, Upper, Title };

// Appends one character, or the byte that is none, in another case.
void appendCase(std::string& out, std::string_view character, Case wanted) {
    const std::size_t length = utf8Length(character, 0);
    if (length == 0) {
        out += character;
        return;
    }
    const char32_t code = utf8Decode(character, 0, length);
    if (code == 0xDF && wanted != Case::Lower) {
        out += wanted == Case::Upper ? "SS" : "Ss";
        return;
    }
    const auto letter = static_cast<utf8proc_int32_t>(code);
    utf8Append(out, static_cast<char32_t>(wanted == Case::Lower   ? utf8proc_tolower(letter)
                                          : wanted == Case::Upper ? utf8proc_toupper(letter)
                                                                  : utf8proc_totitle(letter)));
}

bool isCased(std::string_view character) {
    const std::size_t length = utf8Length(character, 0);
    if (length == 0) return false;
    const auto letter = static_cast<utf8proc_int32_t>(utf8Decode(character, 0, length));
    const utf8proc_category_t category = utf8proc_category(letter);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT ||
           utf8proc_tolower(letter) != letter || utf8proc_toupper(letter) != letter;
}

// The first character in one case, those after it in lower case.
void appendWord(std::string& out, std::string_view word, Case first) {
    for (bool begins = true; !word.empty(); begins = false) {
        const std::size_t length = firstLength(word);
        appendCase(out, word.substr(0, length), begins ? first : Case::Lower);
        word.remove_prefix(length);
    }
}

std::string inCase(std::string_view text, Case wanted) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t length = 0; !text.empty(); text.remove_prefix(length)) {
        length = firstLength(text);
        appendCase(out, text.substr(0, length), wanted);
    }
    return out;
}

}  // namespace

std::vector<std::string_view> characters(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        out.push_back(text.substr(0, firstLength(text)));
        text.remove_prefix(out.back().size());
    }
    return out;
}

std::size_t characterCount(std::string_view text) {
    std::size_t count = 0;
    for (; !text.empty(); ++count) text.remove_prefix(firstLength(text));
    return count;
}

std::string_view stripLeft(std::string_view text) {
    while (!text.empty() && isSpace(text.substr(0, firstLength(text)))) text.remove_prefix(firstLength(text));
    return text;
}

std::string_view stripRight(std::string_view text) {
    while (!text.empty() && isSpace(lastCharacter(text))) text.remove_suffix(lastCharacter(text).size());
    return text;
}

std::string_view stripLeft(std::string_view text, std::string_view set) {
    const std::vector<std::string_view> wanted = characters(set);
    while (!text.empty() && std::find(wanted.begin(), wanted.end(), text.substr(0, firstLength(text))) != wanted.end())
        text.remove_prefix(firstLength(text));
    return text;
}

std::string_view stripRight(std::string_view text, std::string_view set) {
    const std::vector<std::string_view> wanted = characters(set);
    while (!text.empty() && std::find(wanted.begin(), wanted.end(), lastCharacter(text)) != wanted.end())
        text.remove_suffix(lastCharacter(text).size());
    return text;
}

std::string lowerCase(std::string_view text) { return inCase(text, Case::Lower); }

std::string upperCase(std::string_view text) { return inCase(text, Case::Upper); }

std::string capitalize(std::string_view text) {
    std::string out;
    appendWord(out, text, Case::Title);
    return out;
}

std::string titleCase(std::string_view text) {
    std::string out;
    bool inside = false;
    for (std::size_t length = 0; !text.empty(); text.remove_prefix(length)) {
        length = firstLength(text);
        const std::string_view character = text.substr(0, length);
        appendCase(out, character, inside ? Case::Lower : Case::Title);
        inside = isCased(character);
    }
    return out;
}

std::string titleWords(std::string_view text) {
    const auto ends = [](std::string_view character) {
        return isSpace(character) || std::string_view("-({[<").find(character) != std::string_view::npos;
    };
    std::string out;
    while (!text.empty()) {
        std::size_t length = 0;
        const auto here = [&] { return text.substr(length, firstLength(text.substr(length))); };
        while (length < text.size() && !ends(here())) length += here().size();
        appendWord(out, text.substr(0, length), Case::Upper);
        text.remove_prefix(length);
        for (length = 0; length < text.size() && ends(here());) length += here().size();
        out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return out;
}

std::vector<std::string_view> splitAt(std::string_view text, std::string_view separator, long max_splits,
                                      bool from_right) {
    std::vector<std::string_view> out;
    while (max_splits != 0) {
        const std::size_t at = from_right ? text.rfind(separator) : text.find(separator);
        if (at == std::string_view::npos) break;
        out.push_back(from_right ? text.substr(at + separator.size()) : text.substr(0, at));
        text = from_right ? text.substr(0, at) : text.substr(at + separator.size());
        --max_splits;
    }
    out.push_back(text);
    if (from_right) std::reverse(out.begin(), out.end());
    return out;
}

std::vector<std::string_view> splitWords(std::string_view text, long max_splits) {
    std::vector<std::string_view> out;
    text = stripLeft(text);
    while (!text.empty()) {
        if (max_splits == 0) {
            out.push_back(text);
            break;
        }
        std::size_t length = 0;
        while (length < text.size() && !isSpace(text.substr(length, firstLength(text.substr(length)))))
            length += firstLength(text.substr(length));
        out.push_back(text.substr(0, length));
        text = stripLeft(text.substr(length));
        --max_splits;
    }
    return out;
}

std::vector<std::string_view> splitWordsFromRight(std::string_view text, long max_splits) {
    std::vector<std::string_view> out;
    text = stripRight(text);
    while (!text.empty()) {
        if (max_splits == 0) {
            out.push_back(text);
            break;
        }
        std::size_t begin = text.size();
        while (begin > 0 && !isSpace(lastCharacter(text.substr(0, begin))))
            begin -= lastCharacter(text.substr(0, begin)).size();
        out.push_back(text.substr(begin));
        text = stripRight(text.substr(0, begin));
        --max_splits;
    }
    std::reverse(out.begin(), out.end());
    return out;
}

std::vector<std::string_view> splitLines(std::string_view text, bool keep) {
    const auto ends = [](std::string_view character) {
        const std::size_t length = utf8Length(character, 0);
        const char32_t c = length == 0 ? 0 : utf8Decode(character, 0, length);
        return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    };
    std::vector<std::string_view> out;
    while (!text.empty()) {
        std::size_t end = 0;
        while (end < text.size() && !ends(text.substr(end, firstLength(text.substr(end)))))
            end += firstLength(text.substr(end));
        const std::size_t after = end + (text.substr(end).starts_with("\r\n") ? 2
                                         : end < text.size()                  ? firstLength(text.substr(end))
                                                                              : 0);
        out.push_back(text.substr(0, keep ? after : end));
        text.remove_prefix(after);
    }
    return out;
}

std::string replaceAll(std::string_view text, std::string_view from, std::string_view to, long max_count) {
    std::string out;
    for (; max_count != 0; --max_count) {
        const std::size_t at = text.find(from);
        if (at == std::string_view::npos) break;
        out.append(text.substr(0, at)).append(to);
        text.remove_prefix(at + from.size());
    }
    return out.append(text);
}

}  // namespace quibble::jinja
