#include "engine/text/detokenizer.h"

#include "engine/text/utf8.h"

namespace quibble {

StreamingDetokenizer::StreamingDetokenizer(std::shared_ptr<const Tokenizer> tokenizer, DetokenizerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

std::string StreamingDetokenizer::push(TokenId id) {
    if (!options_.show_special && tokenizer_->isSpecial(id)) return {};
    held_ += tokenizer_->tokenBytes(id);
    const std::size_t complete = completeUtf8Length(held_);
    std::string out = held_.substr(0, complete);
    held_.erase(0, complete);
    return out;
}

std::string StreamingDetokenizer::finish() {
    std::string out;
    out.swap(held_);
    return out;
}

}  // namespace quibble
