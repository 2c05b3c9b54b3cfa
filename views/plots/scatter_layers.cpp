#include "views/plots/scatter_layers.h"

#include <cmath>
#include <vector>

namespace quibble {

// A dot that falls on a drawn one is left out: a hundred thousand tokens are mostly one heap at the origin.
void ScatterDots::draw(QCPPainter* painter) {
    const RunDocument& document = *plot_->document();
    const ThemeColors& colors = plot_->shownColors();
    const QRect area = plot_->area();
    if (area.width() < 2 || area.height() < 2) return;
    constexpr int kCell = 2;  // pixels
    const int columns = area.width() / kCell + 1, rows = area.height() / kCell + 1;
    const double radius = (Theme::instance().em(0.16) + 0.4) * (document.size() > 5000 ? 0.6 : 1.0);
    painter->setClipRect(area.adjusted(-5, -5, 5, 5));
    const auto pass = [&](bool markers) {
        std::vector<bool> taken(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
        QColor fill = markers ? colors.entropy : colors.bar;
        if (!markers) fill.setAlphaF(0.85F);
        painter->setPen(markers ? QPen(colors.card, 0.8) : QPen(Qt::NoPen));
        painter->setBrush(fill);
        const auto& dots = plot_->dots();
        // On screen a dot is a small picture, drawn once: an ellipse costs ten times as much. Exports get true circles.
        const double size = markers ? radius * 1.45 : radius;
        const bool on_screen = !painter->modes().testFlag(QCPPainter::pmNoCaching);
        const double ratio = painter->device()->devicePixelRatioF();
        const double side = std::ceil(2 * size + 3);
        QPixmap sprite;
        if (on_screen) {
            sprite = QPixmap(QSizeF(side * ratio, side * ratio).toSize());
            sprite.setDevicePixelRatio(ratio);
            sprite.fill(Qt::transparent);
            QPainter dot(&sprite);
            dot.setRenderHint(QPainter::Antialiasing);
            dot.setPen(painter->pen());
            dot.setBrush(painter->brush());
            dot.drawEllipse(QPointF(side / 2, side / 2), size, size);
        }
        for (std::size_t i = 0; i < dots.size(); ++i) {
            if (dots[i].marker != markers) continue;
            const QPointF at = plot_->pixelOf(static_cast<int>(i));
            if (!std::isfinite(at.x()) || !std::isfinite(at.y())) continue;
            const int column = static_cast<int>(at.x() - area.left()) / kCell,
                      row = static_cast<int>(at.y() - area.top()) / kCell;
            if (column < 0 || row < 0 || column >= columns || row >= rows) continue;
            const auto cell =
                static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
            if (taken[cell]) continue;
            taken[cell] = true;
            if (on_screen)
                painter->drawPixmap(at - QPointF(side / 2, side / 2), sprite);
            else
                painter->drawEllipse(at, size, size);
        }
    };
    pass(false);
    pass(true);
}

void ScatterRing::draw(QCPPainter* painter) {
    const RunDocument& document = *plot_->document();
    const ThemeColors& colors = plot_->shownColors();
    painter->setClipRect(plot_->area().adjusted(-8, -8, 8, 8));
    const TokenRange range = document.selection();
    if (range.size() > 1 && range.size() <= 4000) {
        painter->setPen(Qt::NoPen);
        painter->setBrush(colors.accent);
        for (int i = range.begin; i < range.end; ++i) {
            const QPointF at = plot_->pixelOf(i);
            if (std::isfinite(at.x()) && std::isfinite(at.y())) painter->drawEllipse(at, 2.6, 2.6);
        }
    }
    painter->setBrush(Qt::NoBrush);
    const auto ring = [&](int token, const QPen& pen, double radius) {
        if (token < 0) return;
        const QPointF at = plot_->pixelOf(token);
        if (!std::isfinite(at.x()) || !std::isfinite(at.y())) return;
        painter->setPen(pen);
        painter->drawEllipse(at, radius, radius);
    };
    ring(document.hovered(), QPen(colors.muted, 1), 5.5);
    ring(document.current(), QPen(colors.accent, 2), 6.5);
}

}  // namespace quibble
