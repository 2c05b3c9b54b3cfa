#include "engine/text/bpe_tokenizer.h"

#include <unordered_map>

#include "engine/file/gguf/gguf_keys.h"
#include "engine/text/utf8.h"

namespace quibble {

Result<std::shared_ptr<const Tokenizer>> BpeTokenizer::make(const ModelFile& file,
                                                            std::shared_ptr<Vocabulary> vocabulary) {
    if (vocabulary->pre_name.empty()) {
        return fail(ErrorCode::Unsupported,
                    file.path() + ": the file does not name its pre-tokenizer (tokenizer.ggml.pre)",
                    "Convert the model again with a current converter");
    }
    auto splitter = PreTokenizer::byName(vocabulary->pre_name);
    if (!splitter)
        return fail(splitter.error().code, file.path() + ": " + splitter.error().what, splitter.error().hint);
    if (file.value("tokenizer.ggml.add_bos_token") == nullptr) vocabulary->adds_bos = (*splitter)->addsBosByDefault();
    const bool ignore_merges =
        file.getBool("quibble.tokenizer.ignore_merges").value_or((*splitter)->ignoresMergesByDefault());
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
        const auto [found, added] =
            extras.emplace(bytes, static_cast<std::uint32_t>(vocabulary.size() + extra_symbols_.size()));
        if (added) extra_symbols_.push_back(bytes);
        return found->second;
    };
    byte_symbols_.resize(256);
    for (unsigned byte = 0; byte < 256; ++byte) {
        const TokenId token = vocabulary.byte_tokens[byte];
        byte_symbols_[byte] =
            token != kNoToken ? static_cast<std::uint32_t>(token) : symbolOf(std::string(1, static_cast<char>(byte)));
    }
    TypedKeys keys(file);
    const GgufArray* merges = keys.texts("tokenizer.ggml.merges");
    if (merges == nullptr) {
        const std::string fault =
            keys.fault().empty() ? "there is no list of strings tokenizer.ggml.merges" : keys.fault();
        return fail(ErrorCode::FileCorrupt, file.path() + ": " + fault, "Convert the model again");
    }
    merges_ = MergeTable(merges->size());
    for (std::size_t rank = 0; rank < merges->size(); ++rank) {
        // "left right": the alphabet has no space, so the first one after the first character separates.
        const std::string_view text = merges->strings()[rank];
        const std::size_t space = text.find(' ', 1);
        const auto left = space == std::string_view::npos ? std::nullopt : decodeByteLevel(text.substr(0, space));
        const auto right = space == std::string_view::npos ? std::nullopt : decodeByteLevel(text.substr(space + 1));
        if (!left || !right || left->empty() || right->empty()) {
            return fail(ErrorCode::FileCorrupt,
                        file.path() + ": merge " + std::to_string(rank) + " is not two byte-level strings: \"" +
                            toValidUtf8(text.substr(0, 60)) + "\"",
                        "The vocabulary in the file is damaged");
        }
        const std::uint32_t merged = symbolOf(*left + *right);
        merges_.insert(symbolOf(*left), symbolOf(*right), Merge{static_cast<std::uint32_t>(rank), merged});
    }
    return {};
}

void BpeTokenizer::encodeStretch(std::string_view text, bool /*space_prefix*/, std::vector<TokenId>& out) const {
    SymbolRow scratch;
    for (const std::string_view piece : splitter_->split(text)) encodePiece(piece, scratch, out);
}

void BpeTokenizer::encodePiece(std::string_view piece, SymbolRow& row, std::vector<TokenId>& out) const {
    if (ignore_merges_) {
        const std::uint32_t whole = vocabulary_->mergeable.lookup(piece);
        if (whole != ByteIndex::kNone) return out.push_back(static_cast<TokenId>(whole));
    }
    row.symbol.resize(piece.size());
    for (std::size_t i = 0; i < piece.size(); ++i) row.symbol[i] = byte_symbols_[static_cast<unsigned char>(piece[i])];
    row.link();
    mergePairs(merges_, row);
    for (std::uint32_t at = row.first(); at != SymbolRow::kEnd; at = row.next[at]) emit(row.symbol[at], out);
}

void BpeTokenizer::emit(std::uint32_t symbol, std::vector<TokenId>& out) const {
    if (symbol < vocabulary_->size()) return out.push_back(static_cast<TokenId>(symbol));
    for (const char byte : extra_symbols_[symbol - vocabulary_->size()])
        emitByte(static_cast<unsigned char>(byte), out);
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
