#include "engine/text/spm_tokenizer.h"

#include <algorithm>
#include <limits>
#include <queue>

#include "engine/text/utf8.h"

namespace quibble {
namespace {

constexpr std::uint32_t kEnd = std::numeric_limits<std::uint32_t>::max();

// A stretch of the text that is one symbol so far.
struct Symbol {
    std::uint32_t begin = 0;
    std::uint32_t length = 0;  // 0: merged into its left neighbour
    std::uint32_t next = kEnd;
    std::uint32_t previous = kEnd;
};

struct Candidate {
    float score;
    std::uint32_t left;
    std::uint32_t length;  // of both together; tells a stale candidate
};

struct Later {
    // Highest score first, then leftmost.
    bool operator()(const Candidate& a, const Candidate& b) const { return a.score != b.score ? a.score < b.score : a.left > b.left; }
};

std::vector<Symbol> charactersOf(std::string_view text) {
    std::vector<Symbol> symbols;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = std::max<std::size_t>(utf8Length(text, at), 1);
        const auto index = static_cast<std::uint32_t>(symbols.size());
        symbols.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(length), index + 1, index == 0 ? kEnd : index - 1});
        at += length;
    }
    if (!symbols.empty()) symbols.back().next = kEnd;
    return symbols;
}

void mergeAll(const Vocabulary& vocabulary, std::string_view text, std::vector<Symbol>& symbols) {
    std::priority_queue<Candidate, std::vector<Candidate>, Later> queue;
    const auto consider = [&](std::uint32_t left) {
        if (left == kEnd || symbols[left].next == kEnd) return;
        const std::uint32_t length = symbols[left].length + symbols[symbols[left].next].length;
        const std::uint32_t id = vocabulary.mergeable.lookup(text.substr(symbols[left].begin, length));
        if (id != ByteIndex::kNone) queue.push({vocabulary.scores[id], left, length});
    };
    for (std::uint32_t at = symbols.empty() ? kEnd : 0; at != kEnd; at = symbols[at].next) consider(at);
    while (!queue.empty()) {
        const Candidate top = queue.top();
        queue.pop();
        Symbol& left = symbols[top.left];
        if (left.length == 0 || left.next == kEnd || left.length + symbols[left.next].length != top.length) continue;
        Symbol& right = symbols[left.next];
        left.length = top.length;
        right.length = 0;
        left.next = right.next;
        if (left.next != kEnd) symbols[left.next].previous = top.left;
        consider(left.previous);
        consider(top.left);
    }
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> SpmTokenizer::make(const ModelFile& file, std::shared_ptr<Vocabulary> vocabulary) {
    const bool complete = std::find(vocabulary->byte_tokens.begin(), vocabulary->byte_tokens.end(), kNoToken) == vocabulary->byte_tokens.end();
    if (!complete && !vocabulary->unknown) {
        return fail(ErrorCode::FileCorrupt, file.path() + ": the vocabulary has neither all 256 byte tokens nor an unknown token",
                    "Some text could not be written with it; convert the model again");
    }
    return std::shared_ptr<const Tokenizer>(new SpmTokenizer(std::move(vocabulary)));
}

void SpmTokenizer::encodeStretch(std::string_view text, bool space_prefix, std::vector<TokenId>& out) const {
    // The index holds decoded bytes, so the text keeps its plain spaces.
    std::string with_prefix;
    if (space_prefix && vocabulary_->adds_space_prefix) with_prefix.push_back(' ');
    // These vocabularies write a space as U+2581, so one in the text is a space to them.
    with_prefix.append(decodeSentencePiece(text));
    // 32-bit positions: longer texts are encoded in parts.
    constexpr std::size_t kPart = 1u << 30;
    for (std::size_t from = 0; from < with_prefix.size(); from += kPart) {
        const std::string_view part = std::string_view(with_prefix).substr(from, kPart);
        std::vector<Symbol> symbols = charactersOf(part);
        mergeAll(*vocabulary_, part, symbols);
        for (std::uint32_t at = symbols.empty() ? kEnd : 0; at != kEnd; at = symbols[at].next) {
            const std::string_view bytes = part.substr(symbols[at].begin, symbols[at].length);
            const std::uint32_t id = vocabulary_->mergeable.lookup(bytes);
            if (id != ByteIndex::kNone) {
                out.push_back(static_cast<TokenId>(id));
                continue;
            }
            for (const char byte : bytes) {
                const TokenId token = vocabulary_->byte_tokens[static_cast<unsigned char>(byte)];
                out.push_back(token != kNoToken ? token : *vocabulary_->unknown);
            }
        }
    }
}

}  // namespace quibble
