#include "views/token_stream/origin_mark.h"

#include <algorithm>

#include <QPainter>

#include "views/run_document.h"
#include "views/speculation/draft_text.h"
#include "views/theme.h"

namespace quibble {

void paintOriginMark(QPainter& painter, TokenOrigin origin, const QRectF& cell, const ThemeColors& colors) {
    const double top = cell.top() + 0.6, size = std::clamp(cell.height() * 0.17, 3.0, 5.0), left = cell.left() + 1.5;
    switch (origin) {
        case TokenOrigin::Decoded: return;
        case TokenOrigin::Accepted:
            painter.setPen(QPen(colors.good, 1.6));
            painter.drawLine(QPointF(cell.left() + 1, top), QPointF(cell.right() - 1, top));
            return;
        case TokenOrigin::Corrected: {
            painter.setPen(Qt::NoPen);
            painter.setBrush(colors.bad);
            const QPointF wedge[] = {{left, top - 1}, {left + 2 * size, top - 1}, {left + size, top + size}};
            painter.drawPolygon(wedge, 3);
            return;
        }
        case TokenOrigin::Bonus: {
            painter.setPen(Qt::NoPen);
            painter.setBrush(colors.accent);
            const QPointF diamond[] = {{left + size, top - 1},
                                       {left + 1.8 * size, top - 1 + 0.8 * size},
                                       {left + size, top - 1 + 1.6 * size},
                                       {left + 0.2 * size, top - 1 + 0.8 * size}};
            painter.drawPolygon(diamond, 4);
            return;
        }
    }
}

OriginLegend::OriginLegend(RunDocument* document, QWidget* parent) : QWidget(parent), document_(document) {
    setAccessibleName(
        tr("Marks of drafted tokens: a line over accepted ones, a wedge at corrections, a diamond at bonus tokens"));
    setToolTip(accessibleName());
    connect(document_, &RunDocument::reset, this, &OriginLegend::refresh);
    connect(document_, &RunDocument::draftsAdvanced, this, &OriginLegend::refresh);
    connect(&Theme::instance(), &Theme::changed, this, [this] {
        updateGeometry();
        update();
    });
    refresh();
}

void OriginLegend::setWanted(bool wanted) {
    wanted_ = wanted;
    refresh();
}

void OriginLegend::refresh() { setVisible(wanted_ && !document_->trace().draftRounds().empty()); }

QSize OriginLegend::sizeHint() const { return {0, Theme::instance().em(1.25)}; }

void OriginLegend::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::instance();
    const ThemeColors& colors = theme.colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(rect(), colors.card);
    painter.setFont(theme.smallFont());
    const QFontMetricsF metrics(theme.smallFont());
    double x = theme.em(0.6);
    for (const TokenOrigin origin : {TokenOrigin::Accepted, TokenOrigin::Corrected, TokenOrigin::Bonus}) {
        const QString text = tokenOriginLabel(origin);
        const double width = metrics.horizontalAdvance(text);
        paintOriginMark(painter, origin, QRectF(x, height() * 0.32, theme.em(1), height() * 0.9), colors);
        painter.setPen(colors.muted);
        painter.drawText(QRectF(x + theme.em(1.2), 0, width + 2, height()), Qt::AlignVCenter | Qt::AlignLeft, text);
        x += theme.em(2.2) + width;
    }
}

}  // namespace quibble
