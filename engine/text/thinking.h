// Follows a token stream and says which tokens are thought and which are answer. Tags are found in the text, so they may
// be single tokens or spread over several.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/text/tokenizer.h"

namespace quibble {

constexpr std::string_view kChannelMark = "<|channel|>";
constexpr std::string_view kTurnEndMark = "<|end|>";

/// Marks of a thinking span, tried in this order: <think> ... </think>, and the channel form
/// <|channel|>analysis<|message|> ... <|end|> in which every non-final channel counts as thinking.
class ThinkingTracker {
public:
    /// `open`: the stream begins inside a thought (ChatPrompt::thinking_open).
    ThinkingTracker(const Tokenizer& tokenizer, bool open);

    /// Whether the stream is inside the thinking span after this token. The token that completes the opening tag is
    /// inside; the token that completes the closing tag is outside. The tokenizer must outlive the tracker.
    [[nodiscard]] bool push(TokenId id);
    [[nodiscard]] bool inside() const { return inside_; }
    /// How many spans were closed so far.
    [[nodiscard]] int closedSpans() const { return closed_spans_; }

private:
    void scan();
    const Tokenizer* tokenizer_;
    bool inside_;
    int closed_spans_ = 0;
    std::string tail_;  // the bytes since the last complete tag that could still begin one
};

}  // namespace quibble
