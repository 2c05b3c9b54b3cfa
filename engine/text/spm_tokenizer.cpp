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
    bool operator()(const Candidate& a, const Candidate& b) const {
        return a.score != b.score ? a.score < b.score : a.left > b.left;
    }
};

std::vector<Symbol> charactersOf(std::string_view text) {
    std::vector<Symbol> symbols;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = std::max<std::size_t>(utf8Length(text, at), 1);
        const auto index = static_cast<std::uint32_t>(symbols.size());
        symbols.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(length), index + 1,
                           index == 0 ? kEnd : index - 1});
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

Result<std::shared_ptr<const Tokenizer>> SpmTokenizer::make(const ModelFile& file,
                                                            std::shared_ptr<Vocabulary> vocabulary) {
    const bool complete = std::find(vocabulary->byte_tokens.begin(), vocabulary->byte_tokens.end(), kNoToken) ==
                          vocabulary->byte_tokens.end();
    if (!complete && !vocabulary->unknown) {
        return fail(ErrorCode::FileCorrupt,
                    file.path() + ": the vocabulary has neither all 256 byte tokens nor an unknown token",
                    "Some text could not be written with it; convert the model again");
    }
    std::shared_ptr<SpmTokenizer> made(new SpmTokenizer(std::move(vocabulary)));
    made->ignore_merges_ = file.getBool("quibble.tokenizer.ignore_merges").value_or(false);
    made->fuses_unknown_ = file.getBool("quibble.tokenizer.fuses_unknown").value_or(false);
    if (auto read = made->readMerges(file); !read) return tl::unexpected<Error>(read.error());
    return made;
}

Result<void> SpmTokenizer::readMerges(const ModelFile& file) {
    const GgufArray* merges = file.getArray(kSentencePieceMerges);
    if (merges == nullptr) return {};
    const auto idOf = [&](std::string_view text) { return vocabulary_->mergeable.lookup(decodeSentencePiece(text)); };
    merges_.emplace(merges->size());
    for (std::size_t rank = 0; rank < merges->size(); ++rank) {
        const std::string_view text =
            merges->elementType() == GgufType::String ? merges->strings()[rank] : std::string_view();
        const std::size_t space = text.find(' ');
        const std::string left(text.substr(0, space)),
            right(space == std::string_view::npos ? std::string_view() : text.substr(space + 1));
        const std::uint32_t parts[3] = {idOf(left), idOf(right), idOf(left + right)};
        if (std::find(parts, parts + 3, ByteIndex::kNone) != parts + 3) {
            return fail(ErrorCode::FileCorrupt,
                        file.path() + ": merge " + std::to_string(rank) + " is not two tokens that make a third: \"" +
                            toValidUtf8(text.substr(0, 60)) + "\"",
                        "The vocabulary in the file is damaged");
        }
        merges_->insert(parts[0], parts[1], Merge{static_cast<std::uint32_t>(rank), parts[2]});
    }
    return {};
}

void SpmTokenizer::encodeStretch(std::string_view text, bool space_prefix, std::vector<TokenId>& out) const {
    // The index holds decoded bytes, so the text has plain spaces; one written as U+2581 is a space to these
    // vocabularies.
    std::string spaced = decodeSentencePiece(text);
    const bool has_prefix = vocabulary_->prefix_where_missing && spaced.starts_with(' ');
    if (space_prefix && vocabulary_->adds_space_prefix && !has_prefix) spaced.insert(spaced.begin(), ' ');
    // 32-bit positions: longer texts are encoded in parts.
    constexpr std::size_t kPart = 1u << 30;
    for (std::size_t from = 0; from < spaced.size(); from += kPart) {
        const std::string_view part = std::string_view(spaced).substr(from, kPart);
        if (merges_) {
            encodeByMerges(part, out);
        } else {
            encodeByScores(part, out);
        }
    }
}

void SpmTokenizer::encodeByScores(std::string_view part, std::vector<TokenId>& out) const {
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

void SpmTokenizer::encodeByMerges(std::string_view part, std::vector<TokenId>& out) const {
    if (ignore_merges_) {
        const std::uint32_t whole = vocabulary_->mergeable.lookup(part);
        if (whole != ByteIndex::kNone) return out.push_back(static_cast<TokenId>(whole));
        const auto byte = parseByteToken(part);  // the text of a byte token, which that library finds here too
        if (byte && vocabulary_->byte_tokens[*byte] != kNoToken) return out.push_back(vocabulary_->byte_tokens[*byte]);
    }
    SymbolRow row;
    row.symbol = symbolsOf(part);
    row.link();
    mergePairs(*merges_, row);
    for (std::uint32_t at = row.first(); at != SymbolRow::kEnd; at = row.next[at])
        out.push_back(static_cast<TokenId>(row.symbol[at]));
}

// A character is one symbol, or its bytes where all of them have tokens, or unknown. The library that defines these
// files puts an unknown one only where the next known one or the next unknown one comes, behind bytes that follow it;
// so does this.
std::vector<std::uint32_t> SpmTokenizer::symbolsOf(std::string_view part) const {
    std::vector<std::uint32_t> symbols;
    bool unknown_waits = false;
    const auto putUnknown = [&] {
        if (unknown_waits) symbols.push_back(static_cast<std::uint32_t>(*vocabulary_->unknown));
        unknown_waits = false;
    };
    for (std::size_t at = 0, length = 0; at < part.size(); at += length) {
        length = std::max<std::size_t>(utf8Length(part, at), 1);
        const std::string_view character = part.substr(at, length);
        const std::uint32_t id = vocabulary_->mergeable.lookup(character);
        const auto tokenOf = [&](char byte) { return vocabulary_->byte_tokens[static_cast<unsigned char>(byte)]; };
        if (id != ByteIndex::kNone) {
            putUnknown();
            symbols.push_back(id);
        } else if (std::all_of(character.begin(), character.end(),
                               [&](char byte) { return tokenOf(byte) != kNoToken; })) {
            for (const char byte : character) symbols.push_back(static_cast<std::uint32_t>(tokenOf(byte)));
        } else {
            if (!fuses_unknown_) putUnknown();
            unknown_waits = true;
        }
    }
    putUnknown();
    return symbols;
}

}  // namespace quibble
