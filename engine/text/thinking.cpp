#include "engine/text/thinking.h"

#include <algorithm>
#include <array>
#include <optional>

namespace quibble {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kMessage = "<|message|>";
constexpr std::string_view kFinal = "final";
constexpr std::size_t kLongestChannelName = 64;

// Where the first of the marks begins in the text, and which one it is; nothing when none is complete.
struct Found {
    std::size_t at;
    std::string_view mark;
};
std::optional<Found> firstOf(std::string_view text, std::initializer_list<std::string_view> marks) {
    std::optional<Found> first;
    for (const std::string_view mark : marks) {
        const std::size_t at = text.find(mark);
        if (at != std::string_view::npos && (!first || at < first->at)) first = Found{at, mark};
    }
    return first;
}

}  // namespace

ThinkingTracker::ThinkingTracker(const Tokenizer& tokenizer, bool open) : tokenizer_(&tokenizer), inside_(open) {}

bool ThinkingTracker::push(TokenId id) {
    tail_ += tokenizer_->tokenBytes(id);
    scan();
    return inside_;
}

// Consumes every complete mark in the tail, then keeps only what could still become one.
void ThinkingTracker::scan() {
    while (const auto found = firstOf(tail_, {kOpen, kClose, kChannelMark, kTurnEndMark})) {
        const std::size_t after = found->at + found->mark.size();
        bool now = inside_;
        if (found->mark == kChannelMark) {
            const std::size_t message = tail_.find(kMessage, after);
            if (message == std::string::npos && tail_.size() - after <= kLongestChannelName) {
                tail_.erase(0, found->at);  // the channel's name is still arriving
                return;
            }
            now = message != std::string::npos && !std::string_view(tail_).substr(after, message - after).starts_with(kFinal);
        } else {
            now = found->mark == kOpen;
        }
        if (inside_ && !now) ++closed_spans_;
        inside_ = now;
        tail_.erase(0, after);
    }
    const std::size_t keep = std::max({kOpen.size(), kClose.size(), kChannelMark.size(), kTurnEndMark.size()}) - 1;
    if (tail_.size() > keep) tail_.erase(0, tail_.size() - keep);
}

}  // namespace quibble
