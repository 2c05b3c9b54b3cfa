#include "views/token_stream/token_layout.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <QFontMetricsF>
#include <QTextLayout>

#include "views/text_shaping.h"

namespace quibble {

static constexpr std::size_t kMostOrdered = 1000;  // lines that are kept as they were ordered

// State of the line that is being filled.
struct TokenLayout::Cursor {
    float x = 0;
    bool after_blank = false;  // the text so far ends with a blank: a line may break here
    int break_token = -1;      // last place where this line may break, and where it stands
    float break_x = 0, break_lead = 0;
};

void TokenLayout::setMetrics(const Metrics& metrics) {
    const bool fonts = metrics.font != metrics_.font || metrics.invisibles != metrics_.invisibles;
    if (metrics.width != metrics_.width || fonts) ordered_.clear();
    metrics_ = metrics;
    if (fonts || segments_.empty()) {
        segments_.clear();
        cell_ = static_cast<float>(QFontMetricsF(metrics_.font).horizontalAdvance(QLatin1Char('0')));
    }
}

void TokenLayout::clear() {
    segments_.clear();
    lines_.clear();
    sections_.clear();
    parts_.clear();
    ordered_.clear();
    right_to_left_ = false;
    laid_out_ = 0;
}

// Widths are multiples of 1/64 pixel: sums and differences of floats are then exact, and a line breaks at the same
// place whether it is laid out in one go or token by token.
static float exact(double width) { return static_cast<float>(std::ceil(width * 64) / 64); }

// How much taller than the font itself the line is that draws a text in it, with the fonts that stand in for missing
// letters.
static float riseOf(const QString& text, const QFont& font) {
    if (std::all_of(text.begin(), text.end(), [](QChar c) { return c.unicode() < 0x80; })) return 0;
    QTextLayout layout(text, font);
    layout.beginLayout();
    const QTextLine line = layout.createLine();
    layout.endLayout();
    return line.isValid() ? static_cast<float>(line.ascent() - QFontMetricsF(font).ascent()) : 0.0F;
}

static QString shownText(QStringView text, bool invisibles) {
    QString out;
    out.reserve(text.size());
    eachCharacter(text, [&](char32_t code, qsizetype) {
        if (code == U'\t')
            out += invisibles ? QStringLiteral("→   ") : QStringLiteral("    ");
        else if (code == U' ' && invisibles)
            out += QChar(0x00B7);
        else if (code < 0x20)
            out += QChar(0x2400 + static_cast<char16_t>(code));
        else if (code == 0x7F)
            out += QChar(0x2421);
        else if (code < 0x80)
            out += QChar(static_cast<char16_t>(code));
        else if (const QString mark = invisibleMark(code); !mark.isEmpty() && invisibles)
            out += mark;
        else if (isDirectionControl(code))
            return;  // would put the tokens around it into another order
        else if (code == 0x2028 || code == 0x2029)
            out += QLatin1Char(' ');  // would end the line that is drawn
        else
            out += QStringView(QChar::fromUcs4(code));
    });
    return out;
}

qsizetype TokenLayout::shownLength(QStringView text, qsizetype count) const {
    return shownText(text.left(count), metrics_.invisibles).size();
}

void TokenLayout::measure(const TokenPieces::Piece& piece, std::vector<Segment>& segments) const {
    const QStringView text(piece.text);
    const float least = exact(static_cast<double>(cell_) * 0.5);  // something to see, point at and colour
    qsizetype from = 0;
    while (true) {
        const qsizetype end = text.indexOf(QLatin1Char('\n'), from);
        const QStringView part = text.mid(from, end < 0 ? -1 : end - from);
        Segment segment;
        segment.shown = shownText(part, metrics_.invisibles);
        if (end >= 0 && metrics_.invisibles) segment.shown += QChar(0x21B5);
        segment.font = asItIs(metrics_.font, segment.shown);
        const QFontMetricsF metrics(segment.font);
        segment.rise = riseOf(segment.shown, segment.font);
        segment.width = exact(metrics.horizontalAdvance(segment.shown));
        if (segments.empty() && segment.width < least) segment.width = least;
        qsizetype blanks = 0;
        while (blanks < part.size() && part[blanks] == QLatin1Char(' ')) ++blanks;
        if (blanks > 0 && blanks < part.size()) {
            segment.lead_size = blanks;
            segment.lead = exact(metrics.horizontalAdvance(segment.shown.left(blanks)));
        }
        segment.direction = firstDirection(part);
        segment.right_to_left = hasRightToLeft(part);
        segment.drawn.setTextFormat(Qt::PlainText);
        segment.drawn.setText(segment.shown);
        segment.drawn.prepare({}, segment.font);
        segments.push_back(std::move(segment));
        if (end < 0) return;
        from = end + 1;
    }
}

const std::vector<TokenLayout::Segment>& TokenLayout::segmentsOf(const TokenPieces& pieces, int piece_index) {
    const auto at = static_cast<std::size_t>(piece_index);
    if (at >= segments_.size()) segments_.resize(static_cast<std::size_t>(pieces.pieceCount()));
    if (segments_[at].empty()) {
        measure(pieces.piece(piece_index), segments_[at]);
        for (const Segment& segment : segments_[at]) right_to_left_ = right_to_left_ || segment.right_to_left;
    }
    return segments_[at];
}

void TokenLayout::pushLine(Line line) {
    if (lines_.empty()) {
        line.top = 0;
    } else {
        const Line& last = lines_.back();
        line.top = last.top + (last.heading ? metrics_.heading_height : metrics_.line_height);
        if (last.heading || line.heading) line.top += metrics_.section_padding;
    }
    lines_.push_back(line);
}

int TokenLayout::height() const {
    if (lines_.empty()) return 0;
    return lines_.back().top + lineHeight(lineCount() - 1) + metrics_.section_padding;
}

void TokenLayout::startSection(Cursor& cursor, int token, bool thinking) {
    // A line that holds only the empty rest of "\n" would be a hole above the heading.
    if (cursor.x == 0 && lines_.size() > 1 && !lines_.back().heading && lines_.back().segment > 0) lines_.pop_back();
    pushLine({token, 0, 0, true, false});
    sections_.push_back({token, lineCount() - 1, thinking});
    pushLine({token, 0, 0, false, false});
    cursor = Cursor{};
}

// REQUIRES: the current line is lines_.back().
void TokenLayout::place(Cursor& cursor, int token, int segment, const Segment& content, bool may_break) {
    const auto width_limit = static_cast<float>(metrics_.width);
    if (may_break && cursor.x > 0) {
        cursor.break_token = token;
        cursor.break_x = cursor.x;
        cursor.break_lead = content.lead;
    }
    if (cursor.x > 0 && cursor.x + content.width > width_limit) {
        if (cursor.break_token >= 0) {
            pushLine({cursor.break_token, 0, 0, false, true});
            cursor.x =
                std::max(0.0F, cursor.x - cursor.break_x - (cursor.break_token == token ? 0.0F : cursor.break_lead));
            const bool first = cursor.break_token == token;
            cursor.break_token = -1;
            if (!first && cursor.x > 0 && cursor.x + content.width > width_limit) {
                pushLine({token, segment, 0, false, true});
                cursor.x = 0;
            }
        } else {
            pushLine({token, segment, 0, false, true});
            cursor.x = 0;
        }
    }
    const bool drops_lead = lines_.back().soft && cursor.x == 0;
    cursor.x += content.width - (drops_lead ? content.lead : 0.0F);
}

bool TokenLayout::belongsToThought(const TokenPieces& pieces, int token) const {
    const auto index = static_cast<std::size_t>(token);
    if (parts_.of(index) != ReplyPart::Answer) return true;
    if (sections_.empty() || !sections_.back().thinking) return false;
    const auto& piece = pieces.piece(pieces.pieceIndex(token));
    const bool only_blank = !piece.text.isEmpty() && QStringView(piece.text).trimmed().isEmpty();
    return only_blank && parts_.of(index - 1) != ReplyPart::Thought;
}

void TokenLayout::update(const TokenPieces& pieces, const RunTrace& trace, int first_changed) {
    if (first_changed == 0) parts_.clear();
    first_changed = std::min(first_changed, static_cast<int>(parts_.update(trace)));
    // Everything up to the start of the line that holds the token before the change is settled.
    int token = 0, segment = 0;
    bool resume = false;
    int keep = first_changed > 0 ? lineOfToken(first_changed - 1) : -1;
    // A text that changed afterwards may have become shorter: its word may fit where it did not before.
    for (int back = 0; first_changed < laid_out_ && keep > 0 && line(keep).soft && back < 4; ++back) --keep;
    laid_out_ = pieces.size();
    ordered_.erase(ordered_.lower_bound(keep), ordered_.end());
    if (keep >= 0) {
        token = line(keep).token;
        segment = line(keep).segment;
        lines_.resize(static_cast<std::size_t>(keep) + 1);
        while (!sections_.empty() && sections_.back().line > keep) sections_.pop_back();
        resume = true;
    } else {
        lines_.clear();
        sections_.clear();
    }
    const bool blank_before =
        resume && segment == 0 && token > 0 && pieces.textOf(token - 1).endsWith(QLatin1Char(' '));
    Cursor cursor;
    cursor.after_blank = blank_before;
    placed_ += pieces.size() - token;
    for (; token < pieces.size(); ++token) {
        const bool thinking = belongsToThought(pieces, token);
        if (sections_.empty() || (segment == 0 && sections_.back().thinking != thinking))
            startSection(cursor, token, thinking);
        const auto& segments = segmentsOf(pieces, pieces.pieceIndex(token));
        const QString& text = pieces.piece(pieces.pieceIndex(token)).text;
        const int count = static_cast<int>(segments.size());
        for (int s = segment; s < count; ++s) {
            const bool continues_line = s == segment && resume;
            if (s > 0 && !continues_line) {
                pushLine({token, s, 0, false, false});
                cursor = Cursor{};
            }
            resume = false;
            const bool may_break = s == 0 && (cursor.after_blank || text.startsWith(QLatin1Char(' ')));
            place(cursor, token, s, segments[static_cast<std::size_t>(s)], may_break);
        }
        cursor.after_blank = text.endsWith(QLatin1Char(' '));
        segment = 0;
    }
}

int TokenLayout::lineAtY(int y) const {
    if (lines_.empty()) return -1;
    const auto after =
        std::upper_bound(lines_.begin(), lines_.end(), y, [](int value, const Line& item) { return value < item.top; });
    return std::max(0, static_cast<int>(after - lines_.begin()) - 1);
}

int TokenLayout::lineOfToken(int token) const {
    if (token < 0 || lines_.empty()) return -1;
    const auto after = std::upper_bound(lines_.begin(), lines_.end(), token, [](int value, const Line& item) {
        return std::tuple(value, 0) < std::tuple(item.token, item.segment);
    });
    return std::max(0, static_cast<int>(after - lines_.begin()) - 1);
}

int TokenLayout::sectionOfToken(int token) const {
    const auto after = std::upper_bound(sections_.begin(), sections_.end(), token,
                                        [](int value, const Section& item) { return value < item.begin; });
    return static_cast<int>(after - sections_.begin()) - 1;
}

void TokenLayout::runsOfLine(const TokenPieces& pieces, int line_index, std::vector<Run>& runs) const {
    runs.clear();
    const Line& start = line(line_index);
    if (start.heading) return;
    const bool last_line = line_index + 1 == lineCount();
    const int end_token = last_line ? pieces.size() : line(line_index + 1).token;
    const int end_segment = last_line ? 0 : line(line_index + 1).segment;
    float x = 0;
    for (int token = start.token; token <= end_token && token < pieces.size(); ++token) {
        const auto& segments = segments_[static_cast<std::size_t>(pieces.pieceIndex(token))];
        const int from = token == start.token ? start.segment : 0;
        const int to = token == end_token ? end_segment : static_cast<int>(segments.size());
        for (int s = from; s < to; ++s) {
            const Segment& content = segments[static_cast<std::size_t>(s)];
            if (x == 0 && start.soft) x = -content.lead;
            runs.push_back({token, s, x, content.width, &content});
            x += content.width;
        }
    }
    if (right_to_left_) orderLine(pieces, line_index, runs);
}

// The direction of a paragraph is that of its first letter, up to the end of this line: what comes later cannot turn a
// line over.
bool TokenLayout::beginsAtRight(const TokenPieces& pieces, int line_index, const std::vector<Run>& runs) const {
    int first = line_index;
    while (first > 0 && line(first).soft) --first;
    for (int token = line(first).token; !runs.empty() && token <= runs.back().token; ++token) {
        const auto& segments = segments_[static_cast<std::size_t>(pieces.pieceIndex(token))];
        const int from = token == line(first).token ? line(first).segment : 0;
        const int to = token == runs.back().token ? runs.back().segment + 1 : static_cast<int>(segments.size());
        for (int s = from; s < to; ++s) {
            const Direction direction = segments[static_cast<std::size_t>(s)].direction;
            if (direction != Direction::None) return direction == Direction::RightToLeft;
        }
    }
    return false;
}

void TokenLayout::orderLine(const TokenPieces& pieces, int line_index, std::vector<Run>& runs) const {
    const bool from_right = beginsAtRight(pieces, line_index, runs);
    const bool mixed = std::any_of(runs.begin(), runs.end(), [](const Run& run) { return run.content->right_to_left; });
    if (runs.empty() || (!from_right && !mixed)) return;
    if (ordered_.size() > kMostOrdered) ordered_.clear();
    std::unique_ptr<BidiLine>& ordered = ordered_[line_index];
    if (ordered == nullptr) {
        std::vector<BidiLine::Part> parts;
        for (const Run& run : runs) {
            const bool drops_lead = &run == &runs.front() && line(line_index).soft;
            parts.push_back({run.token, run.segment, run.content->shown.mid(drops_lead ? run.content->lead_size : 0),
                             run.width > 0 ? cell_ * 0.5F : 0.0F});
        }
        ordered =
            std::make_unique<BidiLine>(metrics_.font, std::move(parts), from_right, static_cast<float>(metrics_.width));
    }
    std::vector<Run> seen;
    for (const BidiLine::Stretch& stretch : ordered->stretches()) {
        const Run& run = runs[static_cast<std::size_t>(stretch.part)];
        seen.push_back({run.token, run.segment, stretch.x, stretch.width, run.content, ordered.get(), stretch.part});
    }
    runs = std::move(seen);
}

}  // namespace quibble
