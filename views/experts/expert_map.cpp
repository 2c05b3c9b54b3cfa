#include "views/experts/expert_map.h"

#include <algorithm>
#include <cmath>

#include <QKeyEvent>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>

#include "views/run_document.h"
#include "views/tables/plain_table_model.h"
#include "views/text_shaping.h"
#include "views/theme.h"

namespace quibble {

namespace {

// In heights of a line.
constexpr double kLargestWidth = 4.2, kLargestHeight = 2.6, kLeft = 3.3, kDetailWidth = 15, kNumberWidth = 2,
                 kNumberHeight = 1.05;

// The colour of a cell that `share` of the most used one's tokens chose.
QColor fillFor(const ThemeColors& colors, double share) {
    return share > 0 ? Theme::rampOf(colors, Ramp::Blue, 0.06 + 0.94 * share) : colors.bar_track;
}

QFont axisFont() {
    QFont font = Theme::instance().smallFont();
    font.setPointSizeF(font.pointSizeF() * 0.95);
    return font;
}

}  // namespace

ExpertMap::ExpertMap(RunDocument* document, QWidget* parent)
    : PaintedView(tr("Experts chosen"), QStringLiteral("experts"), parent), document_(document) {
    setFocusPolicy(Qt::StrongFocus);
    connect(document_, &RunDocument::selectionChanged, this, [this] { update(); });
    connect(document_, &RunDocument::hoveredChanged, this, [this] { update(); });
}

void ExpertMap::setCounts(const ExpertCounts& counts) {
    if (counts.layers != counts_.layers || counts.experts != counts_.experts) layer_ = expert_ = -1;
    counts_ = counts;
    most_ = counts_.counts.empty() ? 0 : *std::max_element(counts_.counts.begin(), counts_.counts.end());
    std::vector<PlainTableModel::Row> table;
    for (int layer = 0; layer < counts.layers; ++layer) {
        for (int expert = 0; expert < counts.experts; ++expert) {
            const auto count = counts.at(layer, expert);
            table.push_back(
                {layer, expert, QVariant(static_cast<qlonglong>(count)),
                 counts.tokens > 0 ? static_cast<double>(count) / static_cast<double>(counts.tokens) : 0.0});
        }
    }
    rows().setContent({tr("layer"), tr("expert"), tr("tokens"), tr("share of tokens")}, std::move(table));
    setFigures(tr("%1 layers × %2 experts · %Ln tokens", nullptr, static_cast<int>(counts.tokens))
                   .arg(counts.layers)
                   .arg(counts.experts));
    setAccessibleDescription(figures());
    update();
}

double ExpertMap::Geometry::gap() const {
    return std::min(cell_w, cell_h) > 9 ? 2.0 : std::min(cell_w, cell_h) > 5 ? 1.0 : 0.0;
}

ExpertMap::Geometry ExpertMap::geometryFor(const QSize& size) const {
    const Theme& theme = Theme::instance();
    const double experts = std::max(1, counts_.experts), layers = std::max(1, counts_.layers), pad = theme.em(0.6);
    Geometry g;
    g.left = theme.em(kLeft);
    g.top = theme.em(0.4);
    const double foot = theme.em(2.7), room = size.width() - g.left - pad, detail = theme.em(kDetailWidth);
    const bool beside = room - detail > experts * theme.em(1.3);
    g.cell_w = std::clamp((beside ? room - detail : room) / experts, 1.0, static_cast<double>(theme.em(kLargestWidth)));
    g.cell_h = std::clamp((size.height() - g.top - foot) / layers, 1.0, static_cast<double>(theme.em(kLargestHeight)));
    if (beside) g.detail = g.left + experts * g.cell_w + theme.em(1.5);
    return g;
}

int ExpertMap::focusToken() const { return document_->hovered() >= 0 ? document_->hovered() : document_->current(); }

const TokenExperts* ExpertMap::expertsOf(int token) const {
    const TokenExperts* own = token < 0 ? nullptr : document_->trace().expertsAt(document_->positionOf(token));
    const auto cells =
        own == nullptr ? 0 : static_cast<std::size_t>(own->layers) * static_cast<std::size_t>(own->per_token);
    return own != nullptr && own->ids.size() >= cells && own->weights.size() >= cells ? own : nullptr;
}

void ExpertMap::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    if (counts_.layers == 0 || counts_.experts == 0) return;
    const Geometry g = geometryFor(size);
    painter.save();
    painter.setFont(axisFont());
    drawCells(painter, g, colors);
    drawFrames(painter, g, colors);
    drawAxes(painter, g, colors);
    drawLegend(painter, g, colors);
    if (g.detail > 0)
        drawToken(painter,
                  QRectF(g.detail, g.top, size.width() - g.detail - Theme::instance().em(0.6), size.height() - g.top),
                  colors);
    painter.restore();
}

void ExpertMap::drawCells(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
    const Theme& theme = Theme::instance();
    const double gap = g.gap();
    const bool numbers =
        g.cell_w >= theme.em(kNumberWidth) && g.cell_h >= theme.em(kNumberHeight) && counts_.tokens > 0;
    painter.setRenderHint(QPainter::Antialiasing, gap > 1);
    for (int layer = 0; layer < counts_.layers; ++layer) {
        for (int expert = 0; expert < counts_.experts; ++expert) {
            const auto count = static_cast<double>(counts_.at(layer, expert));
            const QColor fill = fillFor(colors, most_ > 0 ? count / static_cast<double>(most_) : 0.0);
            const QRectF cell = g.cell(layer, expert, gap);
            painter.setPen(Qt::NoPen);
            painter.setBrush(fill);
            if (gap > 1)
                painter.drawRoundedRect(cell, 2.5, 2.5);
            else
                painter.fillRect(cell, fill);
            if (!numbers) continue;
            painter.setPen(theme.textOn(fill));
            painter.drawText(cell, Qt::AlignCenter, formatNumber(100 * count / static_cast<double>(counts_.tokens), 0));
        }
    }
}

// The experts of the token with the focus, and the cell cursor.
void ExpertMap::drawFrames(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
    const double gap = g.gap();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setBrush(Qt::NoBrush);
    if (const TokenExperts* own = expertsOf(focusToken())) {
        painter.setPen(QPen(colors.marker, std::clamp(std::min(g.cell_w, g.cell_h) * 0.16, 1.0, 2.2)));
        for (int layer = 0; layer < std::min(own->layers, counts_.layers); ++layer) {
            for (int slot = 0; slot < own->per_token; ++slot) {
                const int expert = own->ids[static_cast<std::size_t>(layer) * static_cast<std::size_t>(own->per_token) +
                                            static_cast<std::size_t>(slot)];
                if (expert >= 0 && expert < counts_.experts)
                    painter.drawRoundedRect(g.cell(layer, expert, gap).adjusted(0.5, 0.5, -0.5, -0.5), gap, gap);
            }
        }
    }
    if (layer_ < 0) return;
    painter.setPen(QPen(colors.text, 1.6));
    painter.drawRoundedRect(g.cell(layer_, expert_, gap).adjusted(-1.5, -1.5, 1.5, 1.5), 3, 3);
}

void ExpertMap::drawAxes(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
    const Theme& theme = Theme::instance();
    painter.setPen(colors.muted);
    const double line = QFontMetricsF(painter.font()).height(), pad = theme.em(0.4),
                 bottom = g.top + counts_.layers * g.cell_h + 1;
    const int row_step = std::max(1, static_cast<int>(std::ceil(line / g.cell_h))),
              column_step = std::max(1, static_cast<int>(std::ceil(line * 1.7 / g.cell_w)));
    for (int layer = 0; layer < counts_.layers; layer += row_step) {
        const QString name = layer == 0 || row_step == 1 ? tr("layer %1").arg(layer) : QString::number(layer);
        painter.drawText(QRectF(0, g.top + (layer + 0.5) * g.cell_h - line / 2, g.left - pad, line),
                         Qt::AlignRight | Qt::AlignVCenter, name);
    }
    painter.drawText(QRectF(0, bottom, g.left - pad, line), Qt::AlignRight | Qt::AlignVCenter, tr("expert"));
    for (int expert = 0; expert < counts_.experts; expert += column_step) {
        painter.drawText(QRectF(g.left + (expert + 0.5) * g.cell_w - 2 * line, bottom, 4 * line, line), Qt::AlignCenter,
                         QString::number(expert));
    }
}

// What the colours and the frames mean.
void ExpertMap::drawLegend(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
    const Theme& theme = Theme::instance();
    const QFontMetricsF metrics(painter.font());
    const double line = metrics.height(), y = g.top + counts_.layers * g.cell_h + line * 1.35, width = theme.em(5);
    double x = g.left;
    const auto say = [&](const QString& text) {
        painter.setPen(colors.muted);
        painter.drawText(QRectF(x, y, metrics.horizontalAdvance(text) + 1, line), Qt::AlignLeft | Qt::AlignVCenter,
                         text);
        x += metrics.horizontalAdvance(text) + theme.em(0.4);
    };
    say(QStringLiteral("0"));
    constexpr int kSteps = 24;
    for (int i = 0; i < kSteps; ++i) {
        painter.fillRect(QRectF(x + width * i / kSteps, y + line * 0.2, width / kSteps + 0.5, line * 0.6),
                         fillFor(colors, i / (kSteps - 1.0)));
    }
    x += width + theme.em(0.4);
    say(counts_.tokens > 0 ? tr("%1 of the tokens")
                                 .arg(formatPercent(static_cast<double>(most_) / static_cast<double>(counts_.tokens)))
                           : tr("of the tokens"));
    const int token = focusToken();
    if (expertsOf(token) == nullptr) return;
    x += theme.em(0.6);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(colors.marker, 1.6));
    painter.drawRoundedRect(QRectF(x, y + line * 0.15, line * 0.7, line * 0.7), 2, 2);
    x += line * 0.7 + theme.em(0.4);
    say(tr("token %1").arg(token));
}

// The experts of the token with the focus, layer by layer, with their weights in the sum and what a budget took away.
void ExpertMap::drawToken(QPainter& painter, const QRectF& box, const ThemeColors& colors) const {
    const Theme& theme = Theme::instance();
    const QFontMetricsF metrics(painter.font());
    const double line = metrics.height() * 1.25;
    const int token = focusToken();
    const TokenExperts* own = expertsOf(token);
    painter.setPen(colors.muted);
    if (own == nullptr) {
        painter.drawText(box, static_cast<int>(Qt::AlignLeft | Qt::AlignTop) | Qt::TextWordWrap,
                         token < 0 ? tr("Point at a token, or select one, to see its experts and their weights.")
                                   : tr("No experts were recorded for this token yet."));
        return;
    }
    const auto& point = document_->trace().points()[static_cast<std::size_t>(token)];
    painter.setPen(colors.text);
    const QString title = tr("token %1 “%2”").arg(token).arg(document_->tokenLabel(point.token.id));
    const QFont plain = painter.font();
    painter.setFont(asItIs(plain, title));
    painter.drawText(QRectF(box.left(), box.top(), box.width(), line), Qt::AlignLeft | Qt::AlignVCenter, title);
    painter.setFont(plain);
    const int room = static_cast<int>((box.height() - line) / line),
              shown = own->layers <= room ? own->layers : std::max(0, room - 1);
    double y = box.top() + line;
    for (int layer = 0; layer < shown; ++layer, y += line) {
        QStringList parts;
        for (int slot = 0; slot < own->per_token; ++slot) {
            const std::size_t at = static_cast<std::size_t>(layer) * static_cast<std::size_t>(own->per_token) +
                                   static_cast<std::size_t>(slot);
            parts << (own->ids[at] < 0 ? tr("cut")
                                       : QStringLiteral("%1 (%2)")
                                             .arg(own->ids[at])
                                             .arg(formatSignificant(static_cast<double>(own->weights[at]), 2)));
        }
        const float lost = static_cast<std::size_t>(layer) < own->dropped_mass.size()
                               ? own->dropped_mass[static_cast<std::size_t>(layer)]
                               : 0.0F;
        painter.setPen(colors.muted);
        painter.drawText(QRectF(box.left(), y, theme.em(3.2), line), Qt::AlignLeft | Qt::AlignVCenter,
                         tr("layer %1").arg(layer));
        painter.setPen(colors.text);
        const double left = box.left() + theme.em(3.4), width = box.right() - left;
        const QString dropped = lost > 0 ? tr("dropped %1").arg(formatPercent(static_cast<double>(lost))) : QString();
        const double needed = dropped.isEmpty() ? 0.0 : metrics.horizontalAdvance(dropped) + theme.em(1);
        const QString experts = metrics.elidedText(parts.join(QStringLiteral("  ")), Qt::ElideRight, width - needed);
        painter.drawText(QRectF(left, y, width - needed, line), Qt::AlignLeft | Qt::AlignVCenter, experts);
        painter.setPen(colors.bad);
        painter.drawText(QRectF(left + metrics.horizontalAdvance(experts) + theme.em(1), y, width, line),
                         Qt::AlignLeft | Qt::AlignVCenter, dropped);
    }
    painter.setPen(colors.muted);
    if (shown < own->layers)
        painter.drawText(QRectF(box.left(), y, box.width(), line), Qt::AlignLeft | Qt::AlignVCenter,
                         tr("… and %n layers more", nullptr, own->layers - shown));
}

QRectF ExpertMap::cellRect(int layer, int expert) const {
    const Geometry g = geometryFor(size());
    return {g.left + expert * g.cell_w, g.top + layer * g.cell_h, g.cell_w, g.cell_h};
}

bool ExpertMap::cellAt(const QPointF& point, int& layer, int& expert) const {
    const Geometry g = geometryFor(size());
    layer = static_cast<int>(std::floor((point.y() - g.top) / g.cell_h));
    expert = static_cast<int>(std::floor((point.x() - g.left) / g.cell_w));
    return layer >= 0 && layer < counts_.layers && expert >= 0 && expert < counts_.experts;
}

QString ExpertMap::describe(int layer, int expert) const {
    const auto count = counts_.at(layer, expert);
    const double share = counts_.tokens > 0 ? static_cast<double>(count) / static_cast<double>(counts_.tokens) : 0.0;
    return tr("Layer %1, expert %2: chosen by %L3 of %Ln tokens (%4)\nClick: the next token that used it", nullptr,
              static_cast<int>(counts_.tokens))
        .arg(layer)
        .arg(expert)
        .arg(count)
        .arg(formatPercent(share));
}

QString ExpertMap::tipAt(const QPoint& point) const {
    int layer = 0, expert = 0;
    return cellAt(point, layer, expert) ? describe(layer, expert) : QString();
}

void ExpertMap::setCell(int layer, int expert) {
    if (counts_.layers == 0 || counts_.experts == 0) return;
    layer = std::clamp(layer, 0, counts_.layers - 1);
    const bool other_layer = layer != layer_;
    layer_ = layer;
    expert_ = std::clamp(expert, 0, counts_.experts - 1);
    setAccessibleDescription(describe(layer_, expert_));
    update();
    if (other_layer) emit layerChanged(layer_);
}

void ExpertMap::selectNextUser() {
    const int count = document_->size();
    if (layer_ < 0 || count == 0) return;
    for (int step = 1; step <= count; ++step) {
        const int token = (std::max(document_->current(), -1) + step) % count;
        const TokenExperts* own = document_->trace().expertsAt(document_->positionOf(token));
        if (own == nullptr || layer_ >= own->layers) continue;
        const auto first = static_cast<std::size_t>(layer_) * static_cast<std::size_t>(own->per_token),
                   last = first + static_cast<std::size_t>(own->per_token);
        for (std::size_t i = first; i < std::min(last, own->ids.size()); ++i) {
            if (own->ids[i] == expert_) return document_->selectToken(token);
        }
    }
}

void ExpertMap::mousePressEvent(QMouseEvent* event) {
    int layer = 0, expert = 0;
    if (event->button() != Qt::LeftButton || !cellAt(event->position(), layer, expert)) return;
    setCell(layer, expert);
    selectNextUser();
}

void ExpertMap::keyPressEvent(QKeyEvent* event) {
    const int layer = std::max(0, layer_), expert = std::max(0, expert_);
    switch (event->key()) {
        case Qt::Key_Left: return setCell(layer, expert - 1);
        case Qt::Key_Right: return setCell(layer, expert + 1);
        case Qt::Key_Up: return setCell(layer - 1, expert);
        case Qt::Key_Down: return setCell(layer + 1, expert);
        case Qt::Key_Return:
        case Qt::Key_Enter: return selectNextUser();
        default: PaintedView::keyPressEvent(event);
    }
}

}  // namespace quibble
