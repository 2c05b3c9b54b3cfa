// Tokens as text. A token is bytes, and a character may be spread over several tokens: the first of them then shows the
// character and the others show nothing; bytes that are no character are shown as \xNN, never replaced silently. No
// fonts, no widgets.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include <QHash>
#include <QString>

#include "engine/values/run_trace.h"

namespace quibble {

/// Strict UTF-8 (no surrogates, no overlong forms) of one character at the start of `bytes`.
/// Length 1..4; 0: invalid; -1: the start of a character that more bytes could complete.
[[nodiscard]] int utf8CharLength(std::string_view bytes);
[[nodiscard]] bool isWholeUtf8(std::string_view bytes);
/// Characters as they are, everything else as \xNN.
[[nodiscard]] QString decodeBytes(std::string_view bytes);
/// What stands for a character that cannot be seen, "⟦ZWSP⟧" or "⟦U+E0001⟧"; empty for one that can. Blanks, tabs, line
/// feeds and the other ASCII controls have pictures of their own.
[[nodiscard]] QString invisibleMark(char32_t code);
/// Orders its neighbours from right to left or back (embeddings, overrides and isolates) without being seen.
[[nodiscard]] bool isDirectionControl(char32_t code);
/// For a label: decodeBytes, with whatever cannot be seen made visible. `spaces`: a leading and trailing blank becomes
/// U+2423.
[[nodiscard]] QString tokenLabelOf(std::string_view bytes, bool spaces = false);

class TokenPieces {
public:
    struct Piece {
        QString text;          // characters of the run's text; may be empty (the rest of a character)
        bool special = false;  // a tag such as <think> or <|im_end|>
        bool unnamed = false;  // the run never told its text; `text` is the id in brackets
    };

    void clear();
    /// Takes the points that are new. Returns the first token whose text changed: usually the old size, a little before
    /// it when a character was completed.
    int update(const RunTrace& trace);

    [[nodiscard]] int size() const { return static_cast<int>(piece_of_.size()); }
    [[nodiscard]] int pieceIndex(int token) const { return piece_of_[static_cast<std::size_t>(token)]; }
    [[nodiscard]] const Piece& piece(int piece_index) const { return table_[static_cast<std::size_t>(piece_index)]; }
    [[nodiscard]] int pieceCount() const { return static_cast<int>(table_.size()); }

    /// The whole text; token i covers [begin(i), begin(i + 1)).
    [[nodiscard]] const QString& text() const { return text_; }
    [[nodiscard]] qsizetype begin(int token) const;
    [[nodiscard]] QStringView textOf(int token) const;
    /// The token that holds a character; -1 outside.
    [[nodiscard]] int tokenOfChar(qsizetype offset) const;

private:
    int internPiece(Piece piece);
    void push(int piece_index);
    void truncate(int size);
    void pushJoined(const RunTrace& trace, int first, int last);

    std::vector<Piece> table_;
    QHash<QString, int> by_text_;
    std::unordered_map<TokenId, int> by_id_;  // tokens that are whole characters
    std::vector<int> piece_of_;
    std::vector<qsizetype> begin_;
    QString text_;
    int open_ = -1;              // token in which a character begins that is not complete yet,
    std::size_t open_byte_ = 0;  // at this byte of it,
    QString open_prefix_;        // behind this text
};

}  // namespace quibble
