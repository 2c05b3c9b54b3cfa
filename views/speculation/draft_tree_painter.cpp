#include "views/speculation/draft_tree_painter.h"

#include <algorithm>
#include <cmath>

#include <QPainter>
#include <QPainterPath>

#include "views/run_document.h"
#include "views/speculation/draft_text.h"
#include "views/text_shaping.h"
#include "views/token_stream/token_pieces.h"

namespace quibble {

namespace {

// In heights of a line.
constexpr double kBoxWidth = 5.6, kBoxHeight = 2.75, kCompactHeight = 1.6, kGapX = 1.1, kGapY = 0.45, kMargin = 0.7;
constexpr int kBandRows = 3;  // a tree with more rows is no chain: it scrolls sideways instead of going on below

QColor blend(const QColor& under, const QColor& over, double share) {
    const auto channel = [share](int a, int b) { return static_cast<int>(std::lround(a + (b - a) * share)); };
    return {channel(under.red(), over.red()), channel(under.green(), over.green()), channel(under.blue(), over.blue())};
}

enum class Look { Text, Accepted, Rejected, Ignored, Added };

Look lookOf(const DraftTreeScene& scene, const DraftTreeLayout::Place& place) {
    if (place.node == DraftTreeLayout::kText) return Look::Text;
    if (place.node >= static_cast<int>(scene.round.nodes.size())) return Look::Added;
    switch (scene.round.nodes[static_cast<std::size_t>(place.node)].fate) {
        case DraftFate::Accepted: return Look::Accepted;
        case DraftFate::Rejected: return Look::Rejected;
        case DraftFate::Ignored: return Look::Ignored;
    }
    return Look::Ignored;
}

QPen edgePen(Look look, const ThemeColors& colors) {
    switch (look) {
        case Look::Accepted:
        case Look::Text: return QPen(colors.good, 2.4);
        case Look::Added: return QPen(colors.accent, 2);
        case Look::Rejected: return QPen(blend(colors.card, colors.bad, 0.7), 1.3);
        case Look::Ignored: return QPen(colors.faint, 1, Qt::DashLine);
    }
    return {};
}

void drawEdge(QPainter& painter, const DraftTreeScene& scene, const DraftTreeLayout::Place& place) {
    const auto& parent = scene.layout.places[static_cast<std::size_t>(place.parent)];
    const QRectF from = scene.geometry.box(parent), to = scene.geometry.box(place);
    const QPointF start(from.right(), from.center().y()), end(to.left(), to.center().y());
    painter.setPen(edgePen(lookOf(scene, place), scene.colors));
    painter.setBrush(Qt::NoBrush);
    const double half = scene.geometry.gap() / 2;
    if (!scene.geometry.sameBand(parent, place)) {  // goes on below: a stub at both ends
        painter.drawLine(start, start + QPointF(half, 0));
        painter.drawLine(end - QPointF(half, 0), end);
        return;
    }
    if (std::fabs(start.y() - end.y()) < 0.5) return painter.drawLine(start, end);
    const double x = start.x() + half, corner = std::min(half, 6.0);
    QPainterPath path(start);
    path.lineTo(x - corner, start.y());
    path.quadTo(x, start.y(), x, start.y() + corner);
    path.lineTo(x, end.y() - corner);
    path.quadTo(x, end.y(), x + corner, end.y());
    path.lineTo(end);
    painter.drawPath(path);
}

void drawMark(QPainter& painter, Look look, const QRectF& cell, const ThemeColors& colors) {
    const QPointF at = cell.center();
    const double r = cell.width() * 0.32;
    painter.setBrush(Qt::NoBrush);
    if (look == Look::Accepted) {
        painter.setPen(QPen(colors.good, 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        const QPointF check[] = {at + QPointF(-r, 0), at + QPointF(-r * 0.25, r * 0.75), at + QPointF(r, -r * 0.8)};
        painter.drawPolyline(check, 3);
    } else if (look == Look::Rejected) {
        painter.setPen(QPen(colors.bad, 1.8, Qt::SolidLine, Qt::RoundCap));
        painter.drawLine(at + QPointF(-r, -r) * 0.8, at + QPointF(r, r) * 0.8);
        painter.drawLine(at + QPointF(-r, r) * 0.8, at + QPointF(r, -r) * 0.8);
    } else if (look == Look::Added) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(colors.accent);
        const QPointF diamond[] = {at + QPointF(0, -r), at + QPointF(r, 0), at + QPointF(0, r), at + QPointF(-r, 0)};
        painter.drawPolygon(diamond, 4);
    }
}

void drawBars(QPainter& painter, const DraftNode& node, const QRectF& track, const ThemeColors& colors) {
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.bar_track);
    painter.drawRoundedRect(track, track.height() / 2, track.height() / 2);
    if (!std::isnan(node.draft_prob)) {
        const double share = std::clamp(static_cast<double>(node.draft_prob), 0.0, 1.0);
        painter.setBrush(colors.bar);
        painter.drawRoundedRect(
            QRectF(track.left(), track.top(), std::max(track.height(), track.width() * share), track.height()),
            track.height() / 2, track.height() / 2);
    }
    if (!std::isnan(node.target_prob)) {
        const double x = track.left() + track.width() * std::clamp(static_cast<double>(node.target_prob), 0.0, 1.0);
        painter.setPen(QPen(colors.text, 2));
        painter.drawLine(QPointF(x, track.top() - track.height() * 0.6),
                         QPointF(x, track.bottom() + track.height() * 0.6));
    }
}

QString tokenOf(const DraftTreeScene& scene, const DraftTreeLayout::Place& place, Look look) {
    TokenId id = kNoToken;
    if (look == Look::Added)
        id = scene.round.added;
    else if (look != Look::Text)
        id = scene.round.nodes[static_cast<std::size_t>(place.node)].id;
    else if (const int before = scene.document.indexAt(scene.round.pos - 1); before >= 0)
        id = scene.document.trace().points()[static_cast<std::size_t>(before)].token.id;
    else if (const auto& prompt = scene.document.trace().provenance().prompt_tokens; !prompt.empty())
        id = prompt.back();
    const std::string_view bytes = scene.document.trace().text(id);
    return bytes.empty() ? id == kNoToken ? QStringLiteral("…") : QStringLiteral("⟨%1⟩").arg(id)
                         : tokenLabelOf(bytes, true);
}

QString verdictOf(const DraftTreeScene& scene, const DraftTreeLayout::Place& place, Look look) {
    if (look == Look::Text) return QObject::tr("the text");
    if (look == Look::Added)
        return scene.round.corrected       ? QObject::tr("correction")
               : scene.round.nodes.empty() ? QObject::tr("decoded")
                                           : QObject::tr("bonus");
    return draftNodeVerdict(scene.document, scene.round, place.node);
}

void drawBox(QPainter& painter, const DraftTreeScene& scene, int index) {
    const DraftTreeLayout::Place& place = scene.layout.places[static_cast<std::size_t>(index)];
    const ThemeColors& colors = scene.colors;
    const Theme& theme = Theme::instance();
    const Look look = lookOf(scene, place);
    const QRectF box = scene.geometry.box(place);
    const double zoom = scene.geometry.zoom(), em = theme.em(1) * zoom;
    switch (look) {
        case Look::Text:
            painter.setPen(QPen(colors.card_border, 1));
            painter.setBrush(colors.window);
            break;
        case Look::Accepted:
            painter.setPen(QPen(colors.good, 1.6));
            painter.setBrush(blend(colors.card, colors.good, 0.13));
            break;
        case Look::Rejected:
            painter.setPen(QPen(blend(colors.card, colors.bad, 0.75), 1.2));
            painter.setBrush(blend(colors.card, colors.bad, 0.07));
            break;
        case Look::Ignored:
            painter.setPen(QPen(colors.faint, 1, Qt::DashLine));
            painter.setBrush(colors.card);
            break;
        case Look::Added:
            painter.setPen(QPen(colors.accent, 1.6));
            painter.setBrush(colors.accent_soft);
            break;
    }
    painter.drawRoundedRect(box, 4, 4);
    if (index == scene.cursor || index == scene.hovered) {
        painter.setBrush(Qt::NoBrush);
        painter.setPen(index == scene.cursor ? QPen(colors.accent, scene.focused ? 2.4 : 1.6) : QPen(colors.muted, 1));
        painter.drawRoundedRect(box.adjusted(-2.5, -2.5, 2.5, 2.5), 6, 6);
    }
    const QRectF inside = box.adjusted(em * 0.32, em * 0.12, -em * 0.32, -em * 0.14);
    const bool marked = look != Look::Text && look != Look::Ignored;
    const double mark = marked ? em * 0.75 : 0.0,
                 line = scene.geometry.compact() ? inside.height() * 0.72 : inside.height() * 0.44;
    const QString label = tokenOf(scene, place, look);
    QFont token_font = asItIs(theme.monoSmallFont(), label);
    token_font.setPointSizeF(token_font.pointSizeF() * zoom);
    token_font.setBold(look == Look::Accepted || look == Look::Added);
    painter.setFont(token_font);
    painter.setPen(look == Look::Ignored || look == Look::Text ? colors.muted : colors.text);
    const QRectF token(inside.left(), inside.top(), inside.width() - mark, line);
    painter.drawText(token, Qt::AlignVCenter | Qt::AlignLeft,
                     QFontMetricsF(token_font).elidedText(label, Qt::ElideRight, token.width()));
    if (marked)
        drawMark(painter, look, QRectF(inside.right() - mark + em * 0.1, token.center().y() - mark / 2, mark, mark),
                 colors);
    const double bar = std::max(2.0, em * 0.17);
    if (look != Look::Text && look != Look::Added) {
        drawBars(painter, scene.round.nodes[static_cast<std::size_t>(place.node)],
                 QRectF(inside.left(), token.bottom() + em * 0.08, inside.width(), bar), colors);
    }
    if (scene.geometry.compact()) return;
    QFont small = theme.smallFont();
    small.setPointSizeF(small.pointSizeF() * 0.95 * zoom);
    painter.setFont(small);
    painter.setPen(look == Look::Rejected ? colors.bad : look == Look::Accepted ? colors.good : colors.muted);
    const QRectF verdict(inside.left(), token.bottom() + em * 0.08 + bar, inside.width(),
                         inside.bottom() - token.bottom() - em * 0.08 - bar);
    painter.drawText(verdict, Qt::AlignVCenter | Qt::AlignLeft,
                     QFontMetricsF(small).elidedText(verdictOf(scene, place, look), Qt::ElideRight, verdict.width()));
}

}  // namespace

DraftTreeGeometry::DraftTreeGeometry(const DraftTreeLayout& layout, const QSizeF& room, double zoom)
    : zoom_(zoom), rows_(layout.rows) {
    const double em = Theme::instance().em(1) * zoom;
    box_width_ = kBoxWidth * em;
    gap_x_ = kGapX * em;
    gap_y_ = kGapY * em;
    margin_ = kMargin * em;
    const auto heightOf = [&](double box) { return 2 * margin_ + layout.rows * (box + gap_y_) - gap_y_; };
    compact_ = layout.rows > kBandRows && heightOf(kBoxHeight * em) > room.height();
    box_height_ = (compact_ ? kCompactHeight : kBoxHeight) * em;
    band_ = layout.columns;
    if (layout.rows <= kBandRows) {
        band_ = std::clamp(static_cast<int>((room.width() - 2 * margin_ + gap_x_) / (box_width_ + gap_x_)), 2,
                           layout.columns + 1);
    }
    const int bands = (layout.columns + band_ - 1) / band_;
    const double band_height = layout.rows * (box_height_ + gap_y_);
    size_ = QSizeF(2 * margin_ + std::min(band_, layout.columns) * (box_width_ + gap_x_) - gap_x_,
                   2 * margin_ + bands * (band_height + gap_y_ * 1.5) - 2.5 * gap_y_);
}

QRectF DraftTreeGeometry::box(const DraftTreeLayout::Place& place) const {
    const int band = place.column / band_, column = place.column % band_;
    const double band_height = rows_ * (box_height_ + gap_y_) + gap_y_ * 1.5;
    return {margin_ + column * (box_width_ + gap_x_), margin_ + band * band_height + place.row * (box_height_ + gap_y_),
            box_width_, box_height_};
}

void drawDraftTree(QPainter& painter, const DraftTreeScene& scene, const QRectF& visible) {
    painter.setRenderHint(QPainter::Antialiasing);
    const auto& places = scene.layout.places;
    // What was not tested lies under what was.
    for (const bool lit : {false, true}) {
        for (const DraftTreeLayout::Place& place : places) {
            if (place.parent >= 0 && place.on_path == lit) drawEdge(painter, scene, place);
        }
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (scene.geometry.box(places[i]).adjusted(-4, -4, 4, 4).intersects(visible))
            drawBox(painter, scene, static_cast<int>(i));
    }
}

}  // namespace quibble
