// Splits text into the pieces that byte-pair encoding must not merge across. One rule per family of vocabularies; the
// rules are those published with the vocabularies, as regular expressions with Unicode classes (PCRE2).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/values/result.h"

namespace quibble {

class PreTokenizer {
public:
    /// `name` as in tokenizer.ggml.pre. Errors: Unsupported, with the list of known names.
    [[nodiscard]] static Result<std::shared_ptr<const PreTokenizer>> byName(std::string_view name);
    [[nodiscard]] static std::vector<std::string_view> knownNames();

    PreTokenizer(const PreTokenizer&) = delete;
    PreTokenizer& operator=(const PreTokenizer&) = delete;
    ~PreTokenizer();

    /// The pieces in order; joined they are the text. Bytes that are not UTF-8 form pieces of their own. Time is linear
    /// in the length of the text.
    [[nodiscard]] std::vector<std::string_view> split(std::string_view text) const;

    /// What the family does when the file does not say whether whole pieces are looked up in the vocabulary before any
    /// merge.
    [[nodiscard]] bool ignoresMergesByDefault() const { return ignore_merges_; }
    /// What the family does when the file says nothing about adding a beginning token.
    [[nodiscard]] bool addsBosByDefault() const { return adds_bos_; }

private:
    class Rule;
    PreTokenizer();

    std::vector<std::unique_ptr<Rule>> rules_;  // applied in turn, each to the pieces that the one before made
    bool ignore_merges_ = false;
    bool adds_bos_ = false;
};

}  // namespace quibble
