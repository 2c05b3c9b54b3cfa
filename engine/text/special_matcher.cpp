#include "engine/text/special_matcher.h"

#include <algorithm>

namespace quibble {
namespace {

bool byteLess(const std::pair<unsigned char, std::uint32_t>& edge, unsigned char byte) { return edge.first < byte; }

}  // namespace

void SpecialMatcher::add(std::string_view text, TokenId id, bool control) {
    if (text.empty()) return;
    starts_[static_cast<unsigned char>(text.front())] = true;
    std::uint32_t node = 0;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        std::uint32_t next = child(node, byte);
        if (next == 0) {
            next = static_cast<std::uint32_t>(nodes_.size());
            auto& edges = nodes_[node].children;
            edges.insert(std::lower_bound(edges.begin(), edges.end(), byte, byteLess), {byte, next});
            nodes_.emplace_back();
        }
        node = next;
    }
    if (nodes_[node].id != kNoToken) return;  // the first of two equal texts wins
    nodes_[node].id = id;
    nodes_[node].control = control;
}

std::uint32_t SpecialMatcher::child(std::uint32_t node, unsigned char byte) const {
    const auto& edges = nodes_[node].children;
    const auto edge = std::lower_bound(edges.begin(), edges.end(), byte, byteLess);
    return edge != edges.end() && edge->first == byte ? edge->second : 0;
}

SpecialMatcher::Match SpecialMatcher::find(std::string_view text, std::size_t from, bool with_control) const {
    for (std::size_t begin = from; begin < text.size(); ++begin) {
        if (!starts_[static_cast<unsigned char>(text[begin])]) continue;
        Match longest;
        std::uint32_t node = 0;
        for (std::size_t at = begin; at < text.size(); ++at) {
            node = child(node, static_cast<unsigned char>(text[at]));
            if (node == 0) break;
            const bool wanted = nodes_[node].id != kNoToken && (with_control || !nodes_[node].control);
            if (wanted) longest = {begin, at + 1 - begin, nodes_[node].id};
        }
        if (longest.length > 0) return longest;
    }
    return {};
}

}  // namespace quibble
