#include "engine/metrics/reply_parts.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/values/thought_marks.h"

namespace quibble {

namespace {

// A mark is shorter; what is longer is no mark, and a damaged trace costs no more.
constexpr std::size_t kLongestMark = 256;

// Where the mark that ends a text begins and ends in it.
struct MarkPlace {
    std::size_t begin, end;
};
using FindMark = std::optional<MarkPlace> (*)(std::string_view);

std::optional<MarkPlace> lastOf(std::string_view text, std::string_view mark) {
    const std::size_t at = text.rfind(mark);
    if (at == std::string_view::npos) return std::nullopt;
    return MarkPlace{at, at + mark.size()};
}

std::optional<MarkPlace> later(std::optional<MarkPlace> a, std::optional<MarkPlace> b) {
    return !a || (b && b->begin > a->begin) ? b : a;
}

// <|channel|>NAME<|message|>, with <|start|>ROLE in front of it where it is there.
std::optional<MarkPlace> headerIn(std::string_view text) {
    const auto message = lastOf(text, kMessageMark);
    if (!message) return std::nullopt;
    const auto channel = lastOf(text.substr(0, message->begin), kChannelMark);
    if (!channel) return std::nullopt;
    const auto turn = lastOf(text.substr(0, channel->begin), kTurnMark);
    const bool beside = turn && channel->begin - turn->end <= kLongestChannelName &&
                        text.substr(turn->end, channel->begin - turn->end).find('|') == std::string_view::npos;
    return MarkPlace{beside ? turn->begin : channel->begin, message->end};
}

std::optional<MarkPlace> openingIn(std::string_view text) {
    auto found = headerIn(text);
    for (const TagPair& tags : kThoughtTags) found = later(found, lastOf(text, tags.open));
    return found;
}

std::optional<MarkPlace> closingIn(std::string_view text) {
    auto found = lastOf(text, kTurnEndMark);
    // A channel that follows without an end of the turn closes too.
    found = later(found, headerIn(text));
    for (const TagPair& tags : kThoughtTags) found = later(found, lastOf(text, tags.close));
    return found;
}

// The tokens of the mark that `last` completes, and where the mark stands in their joined text.
struct MarkTokens {
    std::size_t first;
    std::string text;
    MarkPlace place;
};
std::optional<MarkTokens> markEndingAt(const RunTrace& trace, std::size_t last, FindMark find) {
    std::string text;
    std::vector<std::size_t> sizes;
    std::size_t first = last + 1;
    while (first > 0 && text.size() <= kLongestMark) {
        --first;
        const std::string_view bytes = trace.text(trace.points()[first].token.id);
        sizes.push_back(bytes.size());
        text.insert(0, bytes);
    }
    const auto place = find(text);
    if (!place || place->end + sizes.front() <= text.size()) return std::nullopt;  // it ended before this token
    std::size_t begin = 0;
    for (std::size_t i = sizes.size(); i-- > 1 && begin + sizes[i] <= place->begin; ++first) begin += sizes[i];
    text.erase(0, begin);
    return MarkTokens{first, std::move(text), {place->begin - begin, place->end - begin}};
}

bool thinkingBefore(const RunTrace& trace, std::size_t token) {
    return token == 0 ? trace.provenance().thinking_open : trace.points()[token - 1].token.thinking;
}

// Whether the text in front of a token ends with the mark.
bool endsWith(const RunTrace& trace, std::size_t token, std::string_view mark) {
    std::string text;
    while (token > 0 && text.size() < mark.size())
        text.insert(0, trace.text(trace.points()[--token].token.id).substr(0, kLongestMark));
    return text.ends_with(mark);
}

// The mark that the token completes: one that opens or closes a thought, or the header of a final channel, which does
// neither.
std::optional<MarkTokens> markAt(const RunTrace& trace, std::size_t token) {
    const bool before = thinkingBefore(trace, token), after = trace.points()[token].token.thinking;
    if (before != after) return markEndingAt(trace, token, after ? openingIn : closingIn);
    // Only a token that ends in the last character of the mark can complete a header.
    if (after || trace.text(trace.points()[token].token.id).find(kMessageMark.back()) == std::string_view::npos)
        return std::nullopt;
    auto header = markEndingAt(trace, token, headerIn);
    return header && header->place.begin == 0 && (header->first == 0 || endsWith(trace, header->first, kTurnEndMark))
               ? header
               : std::nullopt;
}

bool isBlank(const RunTrace& trace, std::size_t token) {
    const std::string_view text = trace.text(trace.points()[token].token.id);
    return !text.empty() && text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

std::size_t ReplyParts::update(const RunTrace& trace) {
    if (trace.points().size() < parts_.size()) parts_.clear();
    std::size_t changed = parts_.size();
    for (std::size_t i = parts_.size(); i < trace.points().size(); ++i) {
        parts_.push_back(trace.points()[i].token.thinking ? ReplyPart::Thought : ReplyPart::Answer);
        const auto mark = markAt(trace, i);
        if (!mark) continue;
        std::size_t first = mark->first;
        // Blanks in front of a thought are no answer.
        while (trace.points()[i].token.thinking && first > 0 && parts_[first - 1] == ReplyPart::Answer &&
               isBlank(trace, first - 1))
            --first;
        std::fill(parts_.begin() + static_cast<std::ptrdiff_t>(first), parts_.end(), ReplyPart::Mark);
        changed = std::min(changed, first);
    }
    return changed;
}

std::string textAfterThinking(const RunTrace& trace) {
    const auto& points = trace.points();
    if (!points.empty() && points.back().token.thinking) return {};
    std::size_t from = points.size();
    while (from > 0 && !points[from - 1].token.thinking) --from;
    std::string text;
    // Behind the mark that closed the last thought, and behind the header of the answer's channel.
    for (std::size_t i = from; i < points.size(); ++i) {
        text += trace.text(points[i].token.id);
        if (const auto mark = markAt(trace, i)) text = mark->text.substr(mark->place.end);
    }
    return text;
}

std::string thinkingText(const RunTrace& trace) {
    std::string out, thought;
    for (std::size_t i = 0; i < trace.points().size(); ++i) {
        const bool before = thinkingBefore(trace, i), after = trace.points()[i].token.thinking;
        if (before || after) thought += trace.text(trace.points()[i].token.id);
        if (before == after) continue;
        const auto mark = markAt(trace, i);
        if (after) {
            if (mark) thought = mark->text.substr(mark->place.end);
        } else {
            if (mark) thought.resize(thought.size() - std::min(thought.size(), mark->text.size() - mark->place.begin));
            out += thought;
            thought.clear();
        }
    }
    return out + thought;
}

}  // namespace quibble
