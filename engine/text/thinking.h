// Follows the reply of a model, token by token, and says where it thinks and where it answers.
//
// A pair of tags stands at the beginning of a reply: <think> opens a thought where nothing but blanks came before it,
// or where nothing but blanks came since a thought was closed. Everywhere else it is a word of the text. Inside a
// thought only the closing tag of its pair counts. Channels (<|channel|>analysis<|message|> ... <|end|>) are another
// form: a reply has one form or the other, never both.
//
// Where the vocabulary has a mark as one token, only that token is the mark, and its letters are text. Where it has
// none, the mark is found in the text, and may begin and end inside tokens.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/text/tokenizer.h"
#include "engine/values/thought_marks.h"

namespace quibble {

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
    enum class Place { Begin, Thought, Header, Answer };  // Header: between <|channel|> and <|message|>
    enum class Form { Unknown, Tags, Channels };
    struct Mark;
    struct MarkTable;

    void take(const Mark& mark, std::string_view text_before);
    void openThought(Form form, int pair);
    void closeThought(Place next);
    void scanText();
    bool scanBegin();
    bool scanForMark();
    [[nodiscard]] bool counts(const Mark& mark) const;

    const Tokenizer* tokenizer_;
    std::shared_ptr<const MarkTable> marks_;
    Place place_;
    Form form_ = Form::Unknown;
    int pair_ = -1;  // of the thought that is open; -1: not known
    bool inside_;
    int closed_spans_ = 0;
    std::string tail_;  // text that could still become a mark, or the name of a channel
};

/// True when the text ends inside a thought. A tag opens one where it begins or ends a line, or stands behind another
/// mark; within a line it is a word of the text. A channel other than the final one ("<|channel|>analysis<|message|>")
/// opens one until "<|end|>"; in a text with channels tags are text.
[[nodiscard]] bool endsInsideThinking(std::string_view text);

/// Whether a mark of a thought occurs in the text.
[[nodiscard]] bool holdsThoughtMark(std::string_view text);

}  // namespace quibble
