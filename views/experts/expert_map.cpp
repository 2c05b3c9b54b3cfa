#include "views/experts/expert_map.h"

#include <algorithm>
#include <cmath>

#include <QKeyEvent>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>

#include "views/run_document.h"
#include "views/tables/plain_table_model.h"
#include "views/theme.h"

namespace quibble {

namespace {

constexpr double kLargestCell = 1.7;  // in heights of a line

}  // namespace

ExpertMap::ExpertMap(RunDocument* document, QWidget* parent) : PaintedView(tr("Experts chosen"), QStringLiteral("experts"), parent), document_(document) {
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
            table.push_back({layer, expert, QVariant(static_cast<qlonglong>(count)), counts.tokens > 0 ? static_cast<double>(count) / static_cast<double>(counts.tokens) : 0.0});
        }
    }
    rows().setContent({tr("layer"), tr("expert"), tr("tokens"), tr("share of tokens")}, std::move(table));
    setFigures(tr("%1 layers × %2 experts · %Ln tokens", nullptr, static_cast<int>(counts.tokens)).arg(counts.layers).arg(counts.experts));
    setAccessibleDescription(figures());
    update();
}

ExpertMap::Geometry ExpertMap::geometryFor(const QSize& size) const {
    const Theme& theme = Theme::instance();
    Geometry g;
    g.left = theme.em(1.9);
    g.top = theme.em(0.4);
    const double foot = theme.em(1.3), largest = theme.em(kLargestCell);
    g.cell_w = std::clamp((size.width() - g.left - theme.em(0.6)) / std::max(1, counts_.experts), 1.0, largest);
    g.cell_h = std::clamp((size.height() - g.top - foot) / std::max(1, counts_.layers), 1.0, largest);
    return g;
}

void ExpertMap::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    if (counts_.layers == 0 || counts_.experts == 0) return;
    const Theme& theme = Theme::instance();
    const Geometry g = geometryFor(size);
    const double gap = std::min(g.cell_w, g.cell_h) > 9 ? 2.0 : std::min(g.cell_w, g.cell_h) > 5 ? 1.0 : 0.0;
    const auto cell = [&](int layer, int expert) { return QRectF(g.left + expert * g.cell_w, g.top + layer * g.cell_h, g.cell_w - gap, g.cell_h - gap); };
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, gap > 1);
    painter.setPen(Qt::NoPen);
    for (int layer = 0; layer < counts_.layers; ++layer) {
        for (int expert = 0; expert < counts_.experts; ++expert) {
            const double share = most_ > 0 ? static_cast<double>(counts_.at(layer, expert)) / static_cast<double>(most_) : 0.0;
            const QColor fill = share > 0 ? Theme::rampOf(colors, Ramp::Blue, 0.12 + 0.88 * std::sqrt(share)) : colors.bar_track;
            painter.setBrush(fill);
            if (gap > 1) painter.drawRoundedRect(cell(layer, expert), 2.5, 2.5);
            else painter.fillRect(cell(layer, expert), fill);
        }
    }
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setBrush(Qt::NoBrush);
    const int token = document_->hovered() >= 0 ? document_->hovered() : document_->current();
    const TokenExperts* own = token < 0 ? nullptr : document_->trace().expertsAt(document_->positionOf(token));
    if (own != nullptr && own->ids.size() >= static_cast<std::size_t>(own->layers) * static_cast<std::size_t>(own->per_token)) {
        painter.setPen(QPen(colors.marker, std::clamp(std::min(g.cell_w, g.cell_h) * 0.16, 1.0, 2.2)));
        for (int layer = 0; layer < std::min(own->layers, counts_.layers); ++layer) {
            for (int slot = 0; slot < own->per_token; ++slot) {
                const int expert = own->ids[static_cast<std::size_t>(layer) * static_cast<std::size_t>(own->per_token) + static_cast<std::size_t>(slot)];
                if (expert >= 0 && expert < counts_.experts) painter.drawRect(cell(layer, expert).adjusted(0.5, 0.5, -0.5, -0.5));
            }
        }
    }
    if (layer_ >= 0) {
        painter.setPen(QPen(colors.text, 1.6));
        painter.drawRect(cell(layer_, expert_).adjusted(-1.5, -1.5, 1.5, 1.5));
    }
    QFont font = theme.smallFont();
    font.setPointSizeF(font.pointSizeF() * 0.92);
    painter.setFont(font);
    painter.setPen(colors.muted);
    const double line = QFontMetricsF(font).height();
    const int row_step = std::max(1, static_cast<int>(std::ceil(line / g.cell_h))), column_step = std::max(1, static_cast<int>(std::ceil(line * 2.2 / g.cell_w)));
    for (int layer = 0; layer < counts_.layers; layer += row_step) {
        painter.drawText(QRectF(0, g.top + (layer + 0.5) * g.cell_h - line / 2, g.left - theme.em(0.35), line), Qt::AlignRight | Qt::AlignVCenter, QString::number(layer));
    }
    for (int expert = 0; expert < counts_.experts; expert += column_step) {
        painter.drawText(QRectF(g.left + (expert + 0.5) * g.cell_w - 2 * line, g.top + counts_.layers * g.cell_h + 1, 4 * line, line), Qt::AlignCenter, QString::number(expert));
    }
    painter.restore();
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
    return tr("Layer %1, expert %2: chosen by %L3 of %L4 tokens (%5 %)\nClick: the next token that used it").arg(layer).arg(expert).arg(count).arg(counts_.tokens)
        .arg(formatNumber(share * 100, 1));
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
        const auto first = static_cast<std::size_t>(layer_) * static_cast<std::size_t>(own->per_token), last = first + static_cast<std::size_t>(own->per_token);
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
