#include "engine/control/text_ends.h"

#include <string>
#include <string_view>

#include "engine/values/method_head.h"
#include "engine/values/thought_marks.h"

namespace quibble {

namespace {

// The last bytes of the text: a character of UTF-8 has four at most, and a sentence may end before some brackets.
std::string tail(const Tokenizer& tokenizer, std::span<const TokenId> text) {
    constexpr std::size_t kTokens = 8;
    std::string bytes;
    for (const TokenId id : text.last(std::min(text.size(), kTokens))) bytes += tokenizer.tokenBytes(id);
    return bytes;
}

// Bytes that the character which begins with `lead` has; 0: none begins so.
std::size_t lengthOf(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead < 0xE0) return 2;
    if (lead >= 0xE0 && lead < 0xF0) return 3;
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

bool isOneOf(std::string_view characters, char c) { return characters.find(c) != std::string_view::npos; }

// "12." at the beginning of a line.
bool numbersLine(std::string_view text) {
    text.remove_suffix(1);
    std::size_t digits = 0;
    while (!text.empty() && text.back() >= '0' && text.back() <= '9') {
        text.remove_suffix(1);
        ++digits;
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return digits > 0 && (text.empty() || text.back() == '\n');
}

constexpr std::string_view kBlanks = " \t\r\n", kClosers = "\"')]}*";

// parted: a blank or the end of the text stands behind these bytes.
bool endsSentence(std::string_view rest, bool parted) {
    if (rest.empty()) return false;
    if (rest.back() == '\n') return true;
    while (!rest.empty() && isOneOf(kBlanks, rest.back())) {
        rest.remove_suffix(1);
        parted = true;
    }
    while (!rest.empty() && isOneOf(kClosers, rest.back())) rest.remove_suffix(1);
    for (const std::string_view end : {"\u3002", "\uFF01", "\uFF1F"}) {
        if (rest.ends_with(end)) return true;  // such scripts put no blank between sentences
    }
    return parted && (rest.ends_with('!') || rest.ends_with('?') || (rest.ends_with('.') && !numbersLine(rest)));
}

}  // namespace

Result<std::vector<TokenId>> closingOfThought(const Tokenizer& tokenizer) {
    if (tokenizer.idOf(kChannelMark) && tokenizer.idOf(kMessageMark) && tokenizer.idOf(kTurnEndMark)) {
        const std::string marks = std::string(kTurnEndMark) + std::string(kTurnMark) + "assistant" +
                                  std::string(kChannelMark) + std::string(kFinalChannel) + std::string(kMessageMark);
        return tokenizer.encode(marks, {.parse_special = true});
    }
    for (const TagPair& pair : kThoughtTags) {
        if (const auto id = tokenizer.idOf(pair.close)) return std::vector<TokenId>{*id};
    }
    return tl::unexpected(unmetNeed(Need::ThoughtMarks, {}, {}));
}

std::vector<TokenId> encodeWithEnd(const Tokenizer& tokenizer, std::string_view text,
                                   std::span<const TokenId> closing) {
    constexpr std::string_view kEnd = "{end}";
    const EncodeOptions options{.parse_special = true, .continuation = true};
    std::vector<TokenId> ids;
    const auto append = [&ids](std::span<const TokenId> more) { ids.insert(ids.end(), more.begin(), more.end()); };
    std::size_t at = text.find(kEnd);
    append(tokenizer.encode(text.substr(0, at), options));
    append(closing);
    while (at != std::string_view::npos) {
        const std::size_t begin = at + kEnd.size();
        at = text.find(kEnd, begin);
        append(tokenizer.encode(text.substr(begin, at == std::string_view::npos ? at : at - begin), options));
        if (at != std::string_view::npos) append(closing);
    }
    return ids;
}

bool endsInsideCharacter(const Tokenizer& tokenizer, std::span<const TokenId> text) {
    const std::string bytes = tail(tokenizer, text);
    for (std::size_t back = 1; back <= std::min<std::size_t>(4, bytes.size()); ++back) {
        const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
        if ((byte & 0xC0U) == 0x80) continue;  // goes on a character
        return lengthOf(byte) > back;
    }
    return false;
}

bool sentenceEndsBefore(const Tokenizer& tokenizer, std::span<const TokenId> text, TokenId next) {
    const std::string_view following = tokenizer.tokenBytes(next);
    const bool parted = tokenizer.isSpecial(next) || following.empty() || isOneOf(kBlanks, following.front());
    return endsSentence(tail(tokenizer, text), parted);
}

bool sentenceEnds(const Tokenizer& tokenizer, std::span<const TokenId> text) {
    return endsSentence(tail(tokenizer, text), true);
}

}  // namespace quibble
