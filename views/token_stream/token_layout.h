// Where each token stands: lines of a given width, wrapped between words (a word longer than a line is cut between
// tokens), with a heading line in front of every thinking or answer section. Widths are measured once for each distinct
// piece of text, so a hundred thousand tokens take one pass over integers and floats. Pixels are logical. The marks
// around a thought, and blank lines behind it, are shown with the thought, so that the answer begins with its text.
// Lines break by those widths; a line in which something runs from right to left, or whose paragraph begins so, is
// ordered as a whole (BidiLine) when it is looked at.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <QFont>
#include <QStaticText>
#include <QString>

#include "engine/metrics/reply_parts.h"
#include "views/text_shaping.h"
#include "views/token_stream/bidi_line.h"
#include "views/token_stream/token_pieces.h"

namespace quibble {

class TokenLayout {
public:
    struct Metrics {
        QFont font;
        int width = 0;  // of the text, without margins
        int line_height = 0;
        int heading_height = 0;
        int section_padding = 0;  // above and below the text of a section
        bool invisibles = false;  // blanks as dots, line ends as arrows, the rest by name
    };
    struct Line {
        int token = 0;  // first token, and which of its segments (a line feed inside a token starts a new one)
        int segment = 0;
        int top = 0;
        bool heading = false;
        bool soft = false;  // wrapped: blanks at its start are not shown
    };
    struct Segment {
        QString shown;
        QFont font;         // that draws it as it is
        QStaticText drawn;  // `shown` in that font, shaped once
        float rise = 0;     // letters of another font may be taller: how far `drawn` goes up to keep the baseline
        float width = 0;
        float lead = 0;  // width of the blanks at its start
        qsizetype lead_size = 0;
        bool right_to_left = false;  // some character of it
        Direction direction = Direction::None;
    };
    struct Section {
        int begin = 0;  // first token
        int line = 0;   // of its heading
        bool thinking = false;
    };
    struct Run {  // a token, or a part of it, on one line
        int token, segment;
        float x, width;
        const Segment* content;
        const BidiLine* line = nullptr;  // draws it, when the order is not that of the text
        int part = -1;                   // of that line
    };

    void setMetrics(const Metrics& metrics);
    [[nodiscard]] const Metrics& metrics() const { return metrics_; }
    void clear();
    /// Lays out everything from the line that holds `first_changed` on; lines before it stay.
    void update(const TokenPieces& pieces, const RunTrace& trace, int first_changed);

    /// How many tokens update() has placed so far; what a test counts instead of a time.
    [[nodiscard]] std::int64_t tokensPlaced() const { return placed_; }

    [[nodiscard]] int lineCount() const { return static_cast<int>(lines_.size()); }
    [[nodiscard]] const Line& line(int index) const { return lines_[static_cast<std::size_t>(index)]; }
    [[nodiscard]] int lineHeight(int index) const {
        return line(index).heading ? metrics_.heading_height : metrics_.line_height;
    }
    [[nodiscard]] int height() const;
    [[nodiscard]] int lineAtY(int y) const;          // clamped; -1 when there is no line
    [[nodiscard]] int lineOfToken(int token) const;  // where it begins; -1 when there is no such token
    [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
    [[nodiscard]] int sectionOfToken(int token) const;
    /// The tokens of a text line, left to right; empty for a heading. A token stands there twice when other text is
    /// seen between its parts.
    void runsOfLine(const TokenPieces& pieces, int line, std::vector<Run>& runs) const;
    /// How many characters are drawn for the first `count` of a segment's text.
    [[nodiscard]] qsizetype shownLength(QStringView text, qsizetype count) const;

private:
    struct Cursor;
    [[nodiscard]] bool belongsToThought(const TokenPieces& pieces, int token) const;
    const std::vector<Segment>& segmentsOf(const TokenPieces& pieces, int piece_index);
    void measure(const TokenPieces::Piece& piece, std::vector<Segment>& segments) const;
    void place(Cursor& cursor, int token, int segment, const Segment& content, bool may_break);
    void startSection(Cursor& cursor, int token, bool thinking);
    void pushLine(Line line);
    [[nodiscard]] bool beginsAtRight(const TokenPieces& pieces, int line, const std::vector<Run>& runs) const;
    void orderLine(const TokenPieces& pieces, int line, std::vector<Run>& runs) const;

    Metrics metrics_;
    float cell_ = 8;                              // width of "0": the least a token takes
    std::vector<std::vector<Segment>> segments_;  // by piece
    std::vector<Line> lines_;
    std::vector<Section> sections_;
    ReplyParts parts_;
    int laid_out_ = 0;                                          // tokens
    std::int64_t placed_ = 0;                                   // tokens, by all updates
    bool right_to_left_ = false;                                // some segment
    mutable std::map<int, std::unique_ptr<BidiLine>> ordered_;  // by line; those that were looked at
};

}  // namespace quibble
