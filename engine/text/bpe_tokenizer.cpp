#include "engine/text/bpe_tokenizer.h"

#include <queue>
#include <unordered_map>

#include "engine/text/utf8.h"

namespace quibble {
namespace {

constexpr std::uint32_t kEnd = ByteIndex::kNone;
// Up to this many symbols a scan for the best pair beats a queue.
constexpr std::size_t kShortPiece = 24;

}  // namespace

/// The symbols of one piece as a linked list, so that a merge costs no moving.
struct BpeTokenizer::Symbols {
    std::vector<std::uint32_t> symbol;
    std::vector<std::uint32_t> next;      // kEnd at the last
    std::vector<std::uint32_t> previous;  // kEnd at the first

    // Replaces the pair that begins at `left`; the right place becomes unreachable.
    void merge(std::uint32_t left, std::uint32_t merged) {
        const std::uint32_t right = next[left];
        symbol[left] = merged;
        symbol[right] = kEnd;
        next[left] = next[right];
        if (next[left] != kEnd) previous[next[left]] = left;
    }
};

Result<std::shared_ptr<const Tokenizer>> BpeTokenizer::make(const ModelFile& file, std::shared_ptr<Vocabulary> vocabulary) {
    if (vocabulary->pre_name.empty()) {
        return fail(ErrorCode::Unsupported, file.path() + ": the file does not name its pre-tokenizer (tokenizer.ggml.pre)",
                    "Convert the model again with a current converter");
    }
    auto splitter = PreTokenizer::byName(vocabulary->pre_name);
    if (!splitter) return fail(splitter.error().code, file.path() + ": " + splitter.error().what, splitter.error().hint);
    if (!file.getBool("tokenizer.ggml.add_bos_token")) vocabulary->adds_bos = (*splitter)->addsBosByDefault();
    const bool ignore_merges = file.getBool("quibble.tokenizer.ignore_merges").value_or((*splitter)->ignoresMergesByDefault());
    std::shared_ptr<BpeTokenizer> made(new BpeTokenizer(std::move(vocabulary), *splitter, ignore_merges));
    if (auto read = made->readMerges(file); !read) return tl::unexpected<Error>(read.error());
    return made;
}

Result<void> BpeTokenizer::readMerges(const ModelFile& file) {
    const Vocabulary& vocabulary = *vocabulary_;
    std::unordered_map<std::string, std::uint32_t> extras;
    const auto symbolOf = [&](const std::string& bytes) {
        const std::uint32_t token = vocabulary.mergeable.lookup(bytes);
        if (token != ByteIndex::kNone) return token;
        const auto [found, added] = extras.emplace(bytes, static_cast<std::uint32_t>(vocabulary.size() + extra_symbols_.size()));
        if (added) extra_symbols_.push_back(bytes);
        return found->second;
    };
    byte_symbols_.resize(256);
    for (unsigned byte = 0; byte < 256; ++byte) {
        const TokenId token = vocabulary.byte_tokens[byte];
        byte_symbols_[byte] = token != kNoToken ? static_cast<std::uint32_t>(token) : symbolOf(std::string(1, static_cast<char>(byte)));
    }
    const GgufArray* merges = file.getArray("tokenizer.ggml.merges");
    if (merges == nullptr || merges->elementType() != GgufType::String) {
        return fail(ErrorCode::FileCorrupt, file.path() + ": there is no list of strings tokenizer.ggml.merges", "Convert the model again");
    }
    merges_ = MergeTable(merges->size());
    for (std::size_t rank = 0; rank < merges->size(); ++rank) {
        // "left right": the alphabet has no space, so the first one after the first character separates.
        const std::string_view text = merges->strings()[rank];
        const std::size_t space = text.find(' ', 1);
        const auto left = space == std::string_view::npos ? std::nullopt : decodeByteLevel(text.substr(0, space));
        const auto right = space == std::string_view::npos ? std::nullopt : decodeByteLevel(text.substr(space + 1));
        if (!left || !right || left->empty() || right->empty()) {
            return fail(ErrorCode::FileCorrupt, file.path() + ": merge " + std::to_string(rank) + " is not two byte-level strings: \"" +
                                                    toValidUtf8(text.substr(0, 60)) + "\"", "The vocabulary in the file is damaged");
        }
        const std::uint32_t merged = symbolOf(*left + *right);
        merges_.insert(symbolOf(*left), symbolOf(*right), Merge{static_cast<std::uint32_t>(rank), merged});
    }
    return {};
}

void BpeTokenizer::encodeStretch(std::string_view text, bool /*space_prefix*/, std::vector<TokenId>& out) const {
    Symbols scratch;
    for (const std::string_view piece : splitter_->split(text)) encodePiece(piece, scratch, out);
}

void BpeTokenizer::encodePiece(std::string_view piece, Symbols& symbols, std::vector<TokenId>& out) const {
    if (ignore_merges_) {
        const std::uint32_t whole = vocabulary_->mergeable.lookup(piece);
        if (whole != ByteIndex::kNone) return out.push_back(static_cast<TokenId>(whole));
    }
    const std::size_t count = piece.size();
    symbols.symbol.resize(count);
    symbols.next.resize(count);
    symbols.previous.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        symbols.symbol[i] = byte_symbols_[static_cast<unsigned char>(piece[i])];
        symbols.next[i] = i + 1 < count ? static_cast<std::uint32_t>(i + 1) : kEnd;
        symbols.previous[i] = i > 0 ? static_cast<std::uint32_t>(i - 1) : kEnd;
    }
    if (count <= kShortPiece) {
        mergeShort(symbols);
    } else {
        mergeLong(symbols);
    }
    for (std::uint32_t at = count > 0 ? 0 : kEnd; at != kEnd; at = symbols.next[at]) emit(symbols.symbol[at], out);
}

void BpeTokenizer::mergeShort(Symbols& symbols) const {
    for (;;) {
        Merge best;
        std::uint32_t best_at = kEnd;
        for (std::uint32_t at = 0; at != kEnd && symbols.next[at] != kEnd; at = symbols.next[at]) {
            const Merge merge = merges_.lookup(symbols.symbol[at], symbols.symbol[symbols.next[at]]);
            if (merge.rank < best.rank) {
                best = merge;
                best_at = at;
            }
        }
        if (best_at == kEnd) return;
        symbols.merge(best_at, best.symbol);
    }
}

void BpeTokenizer::mergeLong(Symbols& symbols) const {
    struct Candidate {
        Merge merge;
        std::uint32_t left;
        std::uint32_t left_symbol;
        std::uint32_t right_symbol;
    };
    // Lowest rank first, then leftmost.
    const auto later = [](const Candidate& a, const Candidate& b) { return a.merge.rank != b.merge.rank ? a.merge.rank > b.merge.rank : a.left > b.left; };
    std::priority_queue<Candidate, std::vector<Candidate>, decltype(later)> queue(later);
    const auto consider = [&](std::uint32_t left) {
        if (left == kEnd || symbols.next[left] == kEnd) return;
        const std::uint32_t a = symbols.symbol[left];
        const std::uint32_t b = symbols.symbol[symbols.next[left]];
        const Merge merge = merges_.lookup(a, b);
        if (merge.exists()) queue.push({merge, left, a, b});
    };
    for (std::uint32_t at = 0; at != kEnd; at = symbols.next[at]) consider(at);
    while (!queue.empty()) {
        const Candidate top = queue.top();
        queue.pop();
        // A candidate is stale when either side has been merged since.
        if (symbols.symbol[top.left] != top.left_symbol || symbols.next[top.left] == kEnd) continue;
        if (symbols.symbol[symbols.next[top.left]] != top.right_symbol) continue;
        symbols.merge(top.left, top.merge.symbol);
        consider(symbols.previous[top.left]);
        consider(top.left);
    }
}

void BpeTokenizer::emit(std::uint32_t symbol, std::vector<TokenId>& out) const {
    if (symbol < vocabulary_->size()) return out.push_back(static_cast<TokenId>(symbol));
    for (const char byte : extra_symbols_[symbol - vocabulary_->size()]) emitByte(static_cast<unsigned char>(byte), out);
}

void BpeTokenizer::emitByte(unsigned char byte, std::vector<TokenId>& out) const {
    const TokenId token = vocabulary_->byte_tokens[byte];
    if (token != kNoToken) return out.push_back(token);
    // Some vocabularies leave out the bytes that never occur in UTF-8. Such a byte becomes U+FFFD, so that its place
    // stays visible; where even that cannot be written, the unknown token.
    for (const char part : std::string_view("\xEF\xBF\xBD")) {
        const TokenId replacement = vocabulary_->byte_tokens[static_cast<unsigned char>(part)];
        if (replacement == kNoToken) {
            if (vocabulary_->unknown) out.push_back(*vocabulary_->unknown);
            return;
        }
        out.push_back(replacement);
    }
}

}  // namespace quibble
