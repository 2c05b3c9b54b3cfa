#include "train/bpe_trainer.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace quibble::train {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 128;
}
bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool isNewline(char c) { return c == '\n' || c == '\r'; }
bool isOther(char c) { return !isDigit(c) && !isLetter(c) && !isSpace(c); }

/// Length of an English contraction at the front ('s 't 're 've 'm 'll 'd, any case), 0 if none.
std::size_t contraction(std::string_view s) {
    if (s.size() < 2 || s[0] != '\'') return 0;
    const auto low = [&](std::size_t i) { return i < s.size() ? static_cast<char>(s[i] | 0x20) : '\0'; };
    const char a = low(1);
    const char b = low(2);
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
    return a == 's' || a == 't' || a == 'm' || a == 'd' ? 2 : 0;
}

template <class Pred>
std::size_t runFrom(std::string_view s, std::size_t at, Pred pred) {
    while (at < s.size() && pred(s[at])) ++at;
    return at;
}

/// Length of white space at the front as one piece.
std::size_t spaces(std::string_view s) {
    const std::size_t end = runFrom(s, 0, isSpace);
    std::size_t last_newline = end;
    for (std::size_t i = end; i > 0 && last_newline == end; --i) {
        if (isNewline(s[i - 1])) last_newline = i - 1;
    }
    if (last_newline != end) return last_newline + 1;  // \s*[\r\n]+
    if (end == s.size() || end == 1) return end;       // \s+(?!\S) at the end, or a single one by \s+
    return end - 1;                                    // \s+(?!\S) leaves one for the next piece
}

std::size_t pieceLength(std::string_view s) {
    if (const std::size_t n = contraction(s)) return n;
    if (isLetter(s[0])) return runFrom(s, 0, isLetter);
    if (!isNewline(s[0]) && !isDigit(s[0]) && s.size() > 1 && isLetter(s[1])) return runFrom(s, 1, isLetter);
    if (isDigit(s[0])) return 1;
    const std::size_t mark = s[0] == ' ' ? 1 : 0;
    if (mark < s.size() && isOther(s[mark])) return runFrom(s, runFrom(s, mark, isOther), isNewline);
    return spaces(s);
}

std::uint64_t pairKey(int a, int b) { return (static_cast<std::uint64_t>(a) << 32U) | static_cast<std::uint32_t>(b); }

struct Word {
    std::vector<int> ids;
    std::uint64_t count = 0;
};

void mergeIn(std::vector<int>& ids, std::pair<int, int> pair, int merged) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < ids.size(); ++i, ++out) {
        if (i + 1 < ids.size() && ids[i] == pair.first && ids[i + 1] == pair.second) {
            ids[out] = merged;
            ++i;
        } else {
            ids[out] = ids[i];
        }
    }
    ids.resize(out);
}

}  // namespace

std::vector<std::string_view> splitQwen2(std::string_view text) {
    std::vector<std::string_view> pieces;
    while (!text.empty()) {
        const std::size_t n = pieceLength(text);
        pieces.push_back(text.substr(0, n));
        text.remove_prefix(n);
    }
    return pieces;
}

std::string gpt2Byte(std::uint8_t byte) {
    const auto printable = [](unsigned b) {
        return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
    };
    unsigned code = byte;
    if (!printable(byte)) {
        code = 256;
        for (unsigned b = 0; b < byte; ++b) code += printable(b) ? 0U : 1U;
    }
    if (code < 128) return std::string(1, static_cast<char>(code));
    return {static_cast<char>(0xC0U | (code >> 6U)), static_cast<char>(0x80U | (code & 0x3FU))};
}

ToyTokenizer ToyTokenizer::train(const std::unordered_map<std::string, std::uint64_t>& pieces,
                                 const std::vector<std::string>& specials, std::size_t size) {
    ToyTokenizer t;
    t.addByteTokens();
    std::vector<Word> words;
    for (const auto& [text, count] : std::map<std::string, std::uint64_t>(pieces.begin(), pieces.end())) {
        Word word{{}, count};
        for (const char c : text) word.ids.push_back(static_cast<unsigned char>(c));
        words.push_back(std::move(word));
    }
    while (t.bytes_.size() + specials.size() < size) {
        std::map<std::pair<int, int>, std::uint64_t> counts;  // ordered: ties go to the smallest pair, on every machine
        for (const Word& word : words) {
            for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) counts[{word.ids[i], word.ids[i + 1]}] += word.count;
        }
        std::pair<int, int> best{-1, -1};
        std::uint64_t best_count = 0;
        for (const auto& [pair, count] : counts) {
            const bool newline = t.bytes(pair.first).find('\n') != std::string::npos ||
                                 t.bytes(pair.second).find('\n') != std::string::npos;
            if (!newline && count > best_count) {
                best = pair;
                best_count = count;
            }
        }
        if (best.first < 0) break;
        const int merged = static_cast<int>(t.bytes_.size());
        t.addMerge(best);
        for (Word& word : words) mergeIn(word.ids, best, merged);
    }
    t.addSpecials(specials);
    return t;
}

ToyTokenizer ToyTokenizer::fromMerges(std::span<const std::pair<int, int>> merges,
                                      const std::vector<std::string>& specials) {
    ToyTokenizer t;
    t.addByteTokens();
    for (const auto& pair : merges) t.addMerge(pair);
    t.addSpecials(specials);
    return t;
}

void ToyTokenizer::addByteTokens() {
    for (unsigned b = 0; b < 256; ++b) bytes_.emplace_back(1, static_cast<char>(b));
}

void ToyTokenizer::addMerge(std::pair<int, int> pair) {
    bytes_.push_back(bytes(pair.first) + bytes(pair.second));
    ranks_[pairKey(pair.first, pair.second)] = static_cast<int>(merges_.size());
    merges_.push_back(pair);
}

void ToyTokenizer::addSpecials(const std::vector<std::string>& names) {
    bytes_.insert(bytes_.end(), names.begin(), names.end());
    special_count_ = names.size();
}

std::vector<int> ToyTokenizer::encodePiece(std::string_view piece) const {
    std::vector<int> ids;
    for (const char c : piece) ids.push_back(static_cast<unsigned char>(c));
    for (;;) {
        int best = -1;
        for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
            const auto found = ranks_.find(pairKey(ids[i], ids[i + 1]));
            if (found != ranks_.end() && (best < 0 || found->second < best)) best = found->second;
        }
        if (best < 0) return ids;
        mergeIn(ids, merges_[static_cast<std::size_t>(best)], 256 + best);
    }
}

std::vector<int> ToyTokenizer::encode(std::string_view text) const {
    std::vector<int> ids;
    for (const std::string_view piece : splitQwen2(text)) {
        auto found = cache_.find(std::string(piece));
        if (found == cache_.end()) {
            if (cache_.size() > 20000) cache_.clear();
            found = cache_.emplace(std::string(piece), encodePiece(piece)).first;
        }
        ids.insert(ids.end(), found->second.begin(), found->second.end());
    }
    return ids;
}

int ToyTokenizer::special(std::string_view name) const {
    for (std::size_t i = firstSpecial(); i < bytes_.size(); ++i) {
        if (bytes_[i] == name) return static_cast<int>(i);
    }
    return -1;
}

std::string ToyTokenizer::decode(const std::vector<int>& ids) const {
    std::string text;
    for (const int id : ids) text += bytes(id);
    return text;
}

std::vector<std::string> ToyTokenizer::ggufTokens() const {
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
        if (i >= firstSpecial()) {
            tokens.push_back(bytes_[i]);
            continue;
        }
        std::string text;
        for (const char c : bytes_[i]) text += gpt2Byte(static_cast<std::uint8_t>(c));
        tokens.push_back(std::move(text));
    }
    return tokens;
}

std::vector<std::string> ToyTokenizer::ggufMerges() const {
    const std::vector<std::string> tokens = ggufTokens();
    std::vector<std::string> lines;
    for (const auto& [a, b] : merges_)
        lines.push_back(tokens[static_cast<std::size_t>(a)] + " " + tokens[static_cast<std::size_t>(b)]);
    return lines;
}

}  // namespace quibble::train
