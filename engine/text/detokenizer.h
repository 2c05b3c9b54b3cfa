// Token ids to text while they arrive. Bytes of a character that is not complete yet are held back.
#pragma once

#include <memory>
#include <string>

#include "engine/text/tokenizer.h"

namespace quibble {

struct DetokenizerOptions {
    bool show_special = true;  // false leaves out tokens for which Tokenizer::isSpecial is true
};

class StreamingDetokenizer {
public:
    explicit StreamingDetokenizer(std::shared_ptr<const Tokenizer> tokenizer, DetokenizerOptions options = {});

    /// The bytes that are complete after this token: whole UTF-8 characters, or bytes that can never become one
    /// (passed on unchanged). At most 3 bytes are held back.
    [[nodiscard]] std::string push(TokenId id);
    /// What was held back, unchanged; the detokenizer is then as new.
    [[nodiscard]] std::string finish();

private:
    std::shared_ptr<const Tokenizer> tokenizer_;
    DetokenizerOptions options_;
    std::string held_;
};

}  // namespace quibble
