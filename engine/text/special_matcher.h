// Finds special tokens in text: at each place the longest one, from left to right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/values/ids.h"

namespace quibble {

class SpecialMatcher {
public:
    /// One text with its id; `control` tokens are found only on request, the others always.
    void add(std::string_view text, TokenId id, bool control);

    struct Match {
        std::size_t begin = 0;
        std::size_t length = 0;  // 0: nothing found
        TokenId id = kNoToken;
    };
    /// The leftmost match at or after `from`; among those that begin there, the longest.
    [[nodiscard]] Match find(std::string_view text, std::size_t from, bool with_control) const;

private:
    // A trie; the children of a node are sorted by byte.
    struct Node {
        std::vector<std::pair<unsigned char, std::uint32_t>> children;
        TokenId id = kNoToken;
        bool control = false;
    };
    [[nodiscard]] std::uint32_t child(std::uint32_t node, unsigned char byte) const;

    std::vector<Node> nodes_{Node{}};
    bool starts_[256] = {};  // bytes that some token begins with
};

}  // namespace quibble
