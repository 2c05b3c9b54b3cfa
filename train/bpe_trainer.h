#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quibble::train {

/// Splits ASCII text by the qwen2 rule (single digits); bytes above 127 count as letters. The generated text is ASCII,
/// for which this equals the full Unicode rule. Returns views into text, in order, that cover it.
std::vector<std::string_view> splitQwen2(std::string_view text);

/// The gpt2 byte alphabet: a byte as the UTF-8 text that vocabulary files use for it.
std::string gpt2Byte(std::uint8_t byte);

/// A byte-level BPE tokenizer as GGUF files hold it.
class ToyTokenizer {
public:
    /// Learns merges from counted pieces until the vocabulary (bytes + merges + specials) has `size` entries or nothing
    /// is left to merge. A pair that holds a newline is never merged, so that a line break stays a token of its own.
    static ToyTokenizer train(const std::unordered_map<std::string, std::uint64_t>& pieces,
                              const std::vector<std::string>& specials, std::size_t size);

    /// The tokenizer of given merges; merge i makes token 256 + i and may use only ids below that.
    static ToyTokenizer fromMerges(std::span<const std::pair<int, int>> merges,
                                   const std::vector<std::string>& specials);

    /// Ids of plain text (specials are not recognised).
    std::vector<int> encode(std::string_view text) const;
    int special(std::string_view name) const;
    /// Raw bytes of one token.
    const std::string& bytes(int id) const { return bytes_[static_cast<std::size_t>(id)]; }
    std::string decode(const std::vector<int>& ids) const;
    std::size_t size() const { return bytes_.size(); }
    std::size_t firstSpecial() const { return bytes_.size() - special_count_; }

    /// Vocabulary and merges in the gpt2 alphabet, for tokenizer.ggml.tokens and .merges.
    std::vector<std::string> ggufTokens() const;
    std::vector<std::string> ggufMerges() const;

private:
    void addByteTokens();
    void addMerge(std::pair<int, int> pair);
    void addSpecials(const std::vector<std::string>& names);
    std::vector<int> encodePiece(std::string_view piece) const;

    std::vector<std::string> bytes_;
    std::size_t special_count_ = 0;
    std::vector<std::pair<int, int>> merges_;
    std::unordered_map<std::uint64_t, int> ranks_;  ///< pair key -> merge index
    mutable std::unordered_map<std::string, std::vector<int>> cache_;
};

}  // namespace quibble::train
