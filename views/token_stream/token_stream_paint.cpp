// Painting of the stream: only the lines in sight, backgrounds first, then text.
#include <algorithm>
#include <array>
#include <cmath>

#include <QPaintEvent>
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>

#include "views/token_stream/origin_mark.h"
#include "views/token_stream/token_layout.h"
#include "views/token_stream/token_pieces.h"
#include "views/token_stream/token_stream_view.h"

namespace quibble {

namespace {

constexpr int kShades = 48;  // steps of the colour map; finer cannot be told apart

QColor blend(const QColor& under, const QColor& over, double share) {
    const auto channel = [share](int a, int b) { return static_cast<int>(std::lround(a + (b - a) * share)); };
    return {channel(under.red(), over.red()), channel(under.green(), over.green()), channel(under.blue(), over.blue())};
}

}  // namespace

struct TokenStreamView::Paint {
    QPainter painter;
    const ThemeColors& colors = Theme::instance().colors();
    std::array<QColor, kShades + 1> fill, ink;
    int scroll = 0;
    int text_top = 0;                              // of the glyphs in a line
    std::array<bool, kShades + 1> marker_reads{};  // the marker colour can be read on this shade
    QRect clip;
    TokenRange selection;
    int current = -1, hovered = -1;
    bool origins = false;
    std::vector<TokenLayout::Run> runs;

    [[nodiscard]] QColor inkOf(const TokenStreamView& view, int token) const;
};

void TokenStreamView::paintEvent(QPaintEvent* event) {
    const Theme& theme = Theme::instance();
    Paint paint;
    paint.painter.begin(viewport());
    paint.painter.fillRect(event->rect(), paint.colors.card);
    if (layout_->lineCount() == 0) return;
    const Ramp ramp = measureRamp(document_->measure());
    for (int i = 0; i <= kShades; ++i) {
        const auto at = static_cast<std::size_t>(i);
        paint.fill[at] = theme.ramp(ramp, static_cast<double>(i) / kShades);
        paint.ink[at] = theme.textOn(paint.fill[at]);
        paint.marker_reads[at] = Theme::contrast(paint.colors.marker, paint.fill[at]) >= 4.5;
    }
    const QFont font = layout_->metrics().font;
    const QFontMetrics metrics(font);
    paint.text_top = (layout_->metrics().line_height - metrics.height()) / 2;
    paint.scroll = verticalScrollBar()->value();
    paint.clip = event->rect();
    paint.selection = document_->selection();
    paint.current = document_->current();
    paint.hovered = document_->hovered();
    paint.origins = show_origins_ && !document_->trace().draftRounds().empty();
    paint.painter.setRenderHint(QPainter::Antialiasing);
    paint.painter.setFont(font);
    const int first = layout_->lineAtY(paint.scroll + paint.clip.top());
    const int last = layout_->lineAtY(paint.scroll + paint.clip.bottom());
    for (int line = first; line <= last; ++line) {
        if (!layout_->line(line).heading) paintLine(paint, line);
    }
    // Headings last: the one of the section at the top stays in sight until the next one pushes it out.
    const auto& sections = layout_->sections();
    const int top_section = layout_->sectionOfToken(layout_->line(layout_->lineAtY(paint.scroll)).token);
    for (int section = std::max(0, top_section); section < static_cast<int>(sections.size()); ++section) {
        int top = layout_->line(sections[static_cast<std::size_t>(section)].line).top - paint.scroll;
        if (top > paint.clip.bottom()) break;
        if (section == top_section && top < 0) {
            const bool has_next = section + 1 < static_cast<int>(sections.size());
            const int next =
                has_next ? layout_->line(sections[static_cast<std::size_t>(section) + 1].line).top - paint.scroll
                         : INT_MAX;
            top = std::min(0, next - layout_->metrics().heading_height);
        }
        paintHeading(paint, section, top);
    }
}

void TokenStreamView::paintLine(Paint& paint, int line) {
    const double top = layout_->line(line).top - paint.scroll;
    const double pad = layout_->metrics().line_height * 0.08;
    layout_->runsOfLine(*pieces_, line, paint.runs);
    painted_ += static_cast<std::int64_t>(paint.runs.size());
    const auto cellOf = [&](const TokenLayout::Run& run) {
        QRectF cell(static_cast<double>(run.x) + margin_, top + pad, static_cast<double>(run.width),
                    layout_->metrics().line_height - 2 * pad);
        if (cell.left() < margin_) cell.setLeft(margin_);  // blanks that a soft wrap hides
        return cell;
    };
    for (const TokenLayout::Run& run : paint.runs) paintRunBack(paint, run.token, cellOf(run));
    if (!hits_.empty())
        paintFindHits(paint, QRectF(0, top + pad, viewport()->width(), layout_->metrics().line_height - 2 * pad));
    if (!paint.runs.empty() && paint.runs.front().line != nullptr) paintOrderedText(paint, top);
    for (const TokenLayout::Run& run : paint.runs) {
        if (run.line == nullptr)
            paintRunText(paint, run, cellOf(run),
                         QPointF(static_cast<double>(run.x) + margin_,
                                 top + paint.text_top - static_cast<double>(run.content->rise)));
        paintRunMarks(paint, run.token, cellOf(run));
    }
}

void TokenStreamView::paintRunBack(Paint& paint, int token, const QRectF& cell) const {
    const double position = document_->scalePosition(token, document_->measure());
    QColor fill = paint.fill[static_cast<std::size_t>(std::isnan(position) ? 0 : std::lround(position * kShades))];
    const bool selected = paint.selection.size() > 1 && paint.selection.contains(token);
    if (selected) fill = blend(fill, paint.colors.accent, 0.24);
    if (fill == paint.colors.card) return;
    paint.painter.setPen(Qt::NoPen);
    paint.painter.setBrush(fill);
    if (selected)
        paint.painter.fillRect(cell, fill);
    else
        paint.painter.drawRoundedRect(cell.adjusted(0.4, 0, -0.4, 0), 2.5, 2.5);
}

void TokenStreamView::paintFindHits(Paint& paint, const QRectF& row) const {
    if (paint.runs.empty()) return;
    const auto [first, last] = std::minmax_element(paint.runs.begin(), paint.runs.end(),
                                                   [](const auto& a, const auto& b) { return a.token < b.token; });
    const qsizetype from = pieces_->begin(first->token), to = pieces_->begin(last->token + 1);
    auto hit = std::upper_bound(hits_.begin(), hits_.end(), from,
                                [](qsizetype at, const FindHit& item) { return at < item.end; });
    for (; hit != hits_.end() && hit->begin < to; ++hit) {
        const QColor colour = hit - hits_.begin() == find_current_ ? paint.colors.find_current : paint.colors.find;
        for (const TokenLayout::Run& run : paint.runs) {
            const qsizetype start = pieces_->begin(run.token), end = pieces_->begin(run.token + 1);
            if (hit->end <= start || hit->begin >= end) continue;
            const QStringView text = pieces_->textOf(run.token);
            // Segments of one token: only its first one has a known place in the text, the rest is highlighted whole.
            const bool whole = run.segment > 0 || text.contains(QLatin1Char('\n'));
            const qsizetype shown_begin =
                whole || hit->begin <= start ? 0 : layout_->shownLength(text, hit->begin - start);
            const qsizetype shown_end =
                whole || hit->end >= end ? run.content->shown.size() : layout_->shownLength(text, hit->end - start);
            if (run.line != nullptr) {
                for (const BidiLine::Stretch& place : run.line->placesOf(run.part, shown_begin, shown_end)) {
                    paint.painter.fillRect(QRectF(static_cast<double>(place.x) + margin_, row.top(),
                                                  static_cast<double>(place.width), row.height()),
                                           colour);
                }
                continue;
            }
            const QFontMetricsF metrics(run.content->font);
            const auto upTo = [&](qsizetype count) {
                return metrics.horizontalAdvance(run.content->shown.left(count));
            };
            const double left = static_cast<double>(run.x) + (shown_begin > 0 ? upTo(shown_begin) : 0.0);
            const double right =
                static_cast<double>(run.x) +
                (shown_end < run.content->shown.size() ? upTo(shown_end) : static_cast<double>(run.width));
            paint.painter.fillRect(QRectF(left + margin_, row.top(), right - left, row.height()), colour);
        }
    }
}

QColor TokenStreamView::Paint::inkOf(const TokenStreamView& view, int token) const {
    const RunDocument& document = *view.document_;
    const double position = document.scalePosition(token, document.measure());
    const auto shade = static_cast<std::size_t>(std::isnan(position) ? 0 : std::lround(position * kShades));
    if (selection.size() > 1 && selection.contains(token))
        return Theme::instance().textOn(blend(fill[shade], colors.accent, 0.24));
    if (document.trace().points()[static_cast<std::size_t>(token)].token.sampledMarker() && marker_reads[shade])
        return colors.marker;
    if (view.isPending(token) || view.pieces_->piece(view.pieces_->pieceIndex(token)).special) return colors.muted;
    return ink[shade];
}

bool TokenStreamView::isPending(int token) const {
    return document_->measure() == Measure::Kl && document_->hasReference() &&
           !document_->trace().points()[static_cast<std::size_t>(token)].hasReference();
}

void TokenStreamView::paintRunText(Paint& paint, const TokenLayout::Run& run, const QRectF& cell,
                                   const QPointF& at) const {
    QPainter& painter = paint.painter;
    painter.setPen(paint.inkOf(*this, run.token));
    if (painter.font() != run.content->font) painter.setFont(run.content->font);
    if (cell.left() > static_cast<double>(at.x())) {
        painter.save();
        painter.setClipRect(cell);
        painter.drawStaticText(at, run.content->drawn);
        painter.restore();
    } else {
        painter.drawStaticText(at, run.content->drawn);
    }
}

// The line as a whole, once for each colour, each time where its tokens are.
void TokenStreamView::paintOrderedText(Paint& paint, double top) const {
    std::vector<std::pair<QColor, QRegion>> inks;
    for (const TokenLayout::Run& run : paint.runs) {
        const QColor ink = paint.inkOf(*this, run.token);
        const QRect cell = QRectF(static_cast<double>(run.x) + margin_, top, static_cast<double>(run.width),
                                  layout_->metrics().line_height)
                               .toRect();
        auto found = std::find_if(inks.begin(), inks.end(), [&ink](const auto& entry) { return entry.first == ink; });
        if (found == inks.end()) found = inks.insert(inks.end(), {ink, QRegion()});
        found->second += cell;
    }
    for (const auto& [ink, region] : inks) {
        paint.painter.save();
        if (inks.size() > 1) paint.painter.setClipRegion(region, Qt::IntersectClip);
        paint.painter.setPen(ink);
        paint.runs.front().line->draw(paint.painter, QPointF(margin_, top + paint.text_top));
        paint.painter.restore();
    }
}

void TokenStreamView::paintRunMarks(Paint& paint, int token, const QRectF& cell) const {
    QPainter& painter = paint.painter;
    const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(token)];
    const double below = cell.bottom() - 1.2;
    if (point.token.sampledMarker()) {
        painter.setPen(QPen(paint.colors.marker, 2));
        painter.drawLine(QPointF(cell.left() + 1, below), QPointF(cell.right() - 1, below));
    } else if (isPending(token)) {
        painter.setPen(QPen(paint.colors.faint, 1, Qt::DotLine));
        painter.drawLine(QPointF(cell.left() + 1, below), QPointF(cell.right() - 1, below));
    }
    if (paint.origins) paintOriginMark(painter, document_->trace().originAt(point.token.pos), cell, paint.colors);
    if (point.token.injected) {  // put there, not sampled: a bracket at its left
        painter.setPen(QPen(paint.colors.accent, 1.6));
        const QPointF bracket[] = {{cell.left() + 3.5, cell.top() + 1},
                                   {cell.left() + 0.8, cell.top() + 1},
                                   {cell.left() + 0.8, cell.bottom() - 1},
                                   {cell.left() + 3.5, cell.bottom() - 1}};
        painter.drawPolyline(bracket, 4);
    } else if (point.token.intervened()) {  // the penalty changed the outcome: a folded corner
        const double size = std::max(5.0, cell.height() * 0.28);
        painter.setPen(Qt::NoPen);
        painter.setBrush(paint.colors.mass);
        const QPointF corner[] = {
            {cell.right() - size, cell.top()}, {cell.right(), cell.top()}, {cell.right(), cell.top() + size}};
        painter.drawPolygon(corner, 3);
    }
    if (token == paint.current) {
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(paint.colors.accent, hasFocus() ? 2.0 : 1.4));
        painter.drawRoundedRect(cell.adjusted(-0.6, -0.6, 0.6, 0.6), 3, 3);
    } else if (token == paint.hovered) {
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(paint.colors.muted, 1));
        painter.drawRoundedRect(cell.adjusted(0.2, 0.2, -0.2, -0.2), 2.5, 2.5);
    }
}

void TokenStreamView::paintHeading(Paint& paint, int section_index, int top) const {
    QPainter& painter = paint.painter;
    const Theme& theme = Theme::instance();
    const auto& sections = layout_->sections();
    const TokenLayout::Section& section = sections[static_cast<std::size_t>(section_index)];
    const bool last = section_index + 1 == static_cast<int>(sections.size());
    const int tokens =
        (last ? pieces_->size() : sections[static_cast<std::size_t>(section_index) + 1].begin) - section.begin;
    const bool only_text = sections.size() == 1 && !section.thinking;
    const QString title = section.thinking ? tr("Thinking") : only_text ? tr("Text") : tr("Answer");
    // Notes speak about the run as a whole: the first thought and the last answer carry them.
    QString note = tr("%n tokens", nullptr, tokens);
    if (section.thinking && section_index == 0 && !thinking_note_.isEmpty())
        note += QStringLiteral(" · ") + thinking_note_;
    if (!section.thinking && last && !answer_note_.isEmpty()) note = answer_note_;

    const QRect band(0, top, viewport()->width(), layout_->metrics().heading_height);
    painter.fillRect(band, paint.colors.card);
    painter.setPen(QPen(paint.colors.card_border, 1));
    if (top > 0) painter.drawLine(QPointF(0, band.top() + 0.5), QPointF(band.width(), band.top() + 0.5));
    painter.drawLine(QPointF(0, band.bottom() + 0.5), QPointF(band.width(), band.bottom() + 0.5));
    painter.setFont(theme.titleFont());
    painter.setPen(paint.colors.muted);
    const QRect inside = band.adjusted(theme.em(0.6), 0, -theme.em(0.6), 0);
    painter.drawText(inside, Qt::AlignVCenter | Qt::AlignLeft, title);
    const int room = inside.width() - painter.fontMetrics().horizontalAdvance(title) - theme.em(1);
    painter.drawText(inside, Qt::AlignVCenter | Qt::AlignRight,
                     painter.fontMetrics().elidedText(note, Qt::ElideRight, room));
    painter.setFont(layout_->metrics().font);
}

}  // namespace quibble
