#include "engine/text/special_matcher.h"

#include <algorithm>

#include "engine/text/unicode.h"
#include "engine/text/utf8.h"

namespace quibble {
namespace {

bool byteLess(const std::pair<unsigned char, std::uint32_t>& edge, unsigned char byte) { return edge.first < byte; }

struct Character {
    char32_t value = 0;
    std::size_t length = 0;  // 0: none, or no valid one
};

Character firstOf(std::string_view text) {
    const std::size_t length = text.empty() ? 0 : utf8Length(text, 0);
    return length == 0 ? Character{} : Character{utf8Decode(text, 0, length), length};
}

Character lastOf(std::string_view text) {
    for (std::size_t length = 1; length <= std::min<std::size_t>(4, text.size()); ++length) {
        const std::size_t begin = text.size() - length;
        if (utf8Length(text, begin) == length) return {utf8Decode(text, begin, length), length};
    }
    return {};
}

bool touchesWord(std::string_view before, std::string_view after) {
    const Character left = lastOf(before), right = firstOf(after);
    return (left.length > 0 && isWordCharacter(left.value)) || (right.length > 0 && isWordCharacter(right.value));
}

bool isFound(const SpecialToken& token, std::size_t begin, std::size_t end, const ControlTokens& rule) {
    if (!token.control) return true;
    const auto covered = std::lower_bound(rule.literal.begin(), rule.literal.end(), begin);
    return rule.found && (covered == rule.literal.end() || *covered >= end);
}

std::size_t spaceAtEnd(std::string_view text) {
    std::size_t rest = text.size();
    for (Character last = lastOf(text); last.length > 0 && isWhiteSpace(last.value);
         last = lastOf(text.substr(0, rest)))
        rest -= last.length;
    return text.size() - rest;
}

std::size_t spaceAtBegin(std::string_view text) {
    std::size_t space = 0;
    for (Character first = firstOf(text); first.length > 0 && isWhiteSpace(first.value);
         first = firstOf(text.substr(space)))
        space += first.length;
    return space;
}

}  // namespace

void SpecialMatcher::add(std::string_view text, const SpecialToken& token) {
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
    if (nodes_[node].token.id == kNoToken) nodes_[node].token = token;  // the first of two equal texts wins
}

std::uint32_t SpecialMatcher::child(std::uint32_t node, unsigned char byte) const {
    const auto& edges = nodes_[node].children;
    const auto edge = std::lower_bound(edges.begin(), edges.end(), byte, byteLess);
    return edge != edges.end() && edge->first == byte ? edge->second : 0;
}

SpecialMatcher::Match SpecialMatcher::longestAt(std::string_view text, std::size_t begin,
                                                const ControlTokens& rule) const {
    Match longest;
    if (!starts_[static_cast<unsigned char>(text[begin])]) return longest;
    std::uint32_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
        node = child(node, static_cast<unsigned char>(text[at]));
        if (node == 0) break;
        const SpecialToken& token = nodes_[node].token;
        if (token.id != kNoToken && (skipped_ == Skipped::Hide || isFound(token, begin, at + 1, rule)))
            longest = {begin, at + 1, &token};
    }
    return longest;
}

SpecialMatcher::Match SpecialMatcher::find(std::string_view text, std::size_t from, const ControlTokens& rule) const {
    for (std::size_t begin = from; begin < text.size(); ++begin) {
        if (const Match longest = longestAt(text, begin, rule); longest.token != nullptr) return longest;
    }
    return {};
}

void SpecialMatcher::addControlPlaces(std::string_view text, std::vector<std::size_t>& places) const {
    for (std::size_t begin = 0; begin < text.size(); ++begin) {
        std::uint32_t node = 0;
        for (std::size_t at = begin; at < text.size(); ++at) {
            node = child(node, static_cast<unsigned char>(text[at]));
            if (node == 0) break;
            if (nodes_[node].token.id == kNoToken || !nodes_[node].token.control) continue;
            places.push_back(begin);
            break;
        }
    }
}

std::vector<TextPart> SpecialMatcher::split(std::string_view text, const ControlTokens& rule) const {
    std::vector<TextPart> parts;
    std::size_t taken = 0;      // the parts reach to here
    std::size_t space_end = 0;  // of the white space that was taken last, so that no run is walked twice
    for (std::size_t at = 0;;) {
        const Match match = find(text, at, rule);
        if (match.token == nullptr) break;
        at = match.end;
        const SpecialToken& token = *match.token;
        if (!isFound(token, match.begin, match.end, rule)) continue;
        if (token.single_word && touchesWord(text.substr(0, match.begin), text.substr(match.end))) continue;
        std::size_t begin = match.begin, end = match.end;
        if (token.strips_left) begin = taken < begin ? begin - spaceAtEnd(text.substr(taken, begin - taken)) : taken;
        if (token.strips_right) {
            if (end >= space_end) space_end = end + spaceAtBegin(text.substr(end));
            end = space_end;
        }
        if (taken < begin) parts.push_back({text.substr(taken, begin - taken)});
        // One that lies in white space that another took counts, unless it takes the white space before it: then
        // nothing is left of it.
        if (begin < end) parts.push_back({text.substr(begin, end - begin), token.id});
        taken = end;
    }
    if (taken < text.size()) parts.push_back({text.substr(taken)});
    return parts;
}

}  // namespace quibble
