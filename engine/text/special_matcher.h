// Finds special and added tokens in text: at each place the longest one, from left to right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/values/ids.h"

namespace quibble {

/// A token that is found in text as it is written.
struct SpecialToken {
    TokenId id = kNoToken;
    bool control = false;      // found only on request
    bool strips_left = false;  // takes the white space before it, as far as no other token has it
    bool strips_right = false;
    bool single_word = false;  // does not count beside a character of a word
};

/// A part of a text: one token with the white space it takes, or plain text.
struct TextPart {
    std::string_view text;
    TokenId id = kNoToken;  // kNoToken: plain
};

/// Which control tokens are found.
struct ControlTokens {
    bool found = false;
    /// Places in the text, in order, that no control token may cover: where a user wrote what looks like one.
    std::span<const std::size_t> literal = {};
};

class SpecialMatcher {
public:
    /// Tokens that do not count hide the text that they match from shorter ones, as in tokenizer.json; otherwise they
    /// are as if they were not there, as in GGUF files.
    enum class Skipped { Hide, Absent };

    explicit SpecialMatcher(Skipped skipped = Skipped::Absent) : skipped_(skipped) {}

    void add(std::string_view text, const SpecialToken& token);
    [[nodiscard]] bool empty() const { return nodes_.size() == 1; }

    /// The parts in order; those of plain text are not empty. Time is linear in the text times the longest token.
    [[nodiscard]] std::vector<TextPart> split(std::string_view text, const ControlTokens& rule) const;
    /// Appends every place where some control token could begin, in order.
    void addControlPlaces(std::string_view text, std::vector<std::size_t>& places) const;

private:
    // A trie; the children of a node are sorted by byte.
    struct Node {
        std::vector<std::pair<unsigned char, std::uint32_t>> children;
        SpecialToken token;
    };
    struct Match {
        std::size_t begin = 0;
        std::size_t end = 0;
        const SpecialToken* token = nullptr;  // nullptr: nothing found
    };
    [[nodiscard]] std::uint32_t child(std::uint32_t node, unsigned char byte) const;
    // The leftmost match at or after `from`; among those that begin there, the longest.
    [[nodiscard]] Match find(std::string_view text, std::size_t from, const ControlTokens& rule) const;
    // The longest match that begins here.
    [[nodiscard]] Match longestAt(std::string_view text, std::size_t begin, const ControlTokens& rule) const;

    Skipped skipped_;
    std::vector<Node> nodes_{Node{}};
    bool starts_[256] = {};  // bytes that some token begins with
};

}  // namespace quibble
