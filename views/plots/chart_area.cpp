#include "views/plots/chart_area.h"

#include <algorithm>
#include <cmath>

#include <QLocale>
#include <QPainter>

#include "views/measure.h"
#include "views/theme.h"

namespace quibble {

namespace {

QString tickText(double value, double step, bool percent) {
    if (percent)
        return QStringLiteral("%1 %").arg(
            formatNumber(value * 100, std::max(0, static_cast<int>(std::ceil(-std::log10(step * 100) - 1e-9)))));
    if (std::fabs(value) >= 10000) return QLocale().toString(value, 'g', 3);
    const int decimals = step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
    return formatNumber(value, decimals);
}

}  // namespace

double tickStep(double range, int count) {
    if (!(range > 0) || count < 1) return 1;
    const double rough = range / count, power = std::pow(10.0, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (rough <= factor * power * 1.0000001) return factor * power;
    }
    return 10 * power;
}

ChartArea::ChartArea(QPainter& painter, const QSize& size, const ThemeColors& colors, const ChartSpec& spec)
    : spec_(spec) {
    const Theme& theme = Theme::instance();
    QFont font = theme.smallFont();
    font.setPointSizeF(font.pointSizeF() * 0.95);
    painter.setFont(font);
    const QFontMetricsF metrics(font, painter.device());
    const double line = metrics.height(), pad = theme.em(0.35);
    const bool tall = size.height() > 6 * line;
    // Half a line above the topmost grid line belongs to its tick label.
    const double top = (spec.y_label.isEmpty() ? 0.5 * line : 1.5 * line) + pad,
                 bottom = line + (spec.x_label.isEmpty() || !tall ? 0.0 : line) + pad;
    const int ticks = std::clamp(static_cast<int>((size.height() - top - bottom) / (2.4 * line)), 1, 5);
    double step = tickStep(spec_.y_upper, ticks);
    if (!spec.y_percent) spec_.y_upper = std::ceil(spec_.y_upper / step - 1e-9) * step;
    if (!(spec_.y_upper > 0)) spec_.y_upper = step = 1;
    if (!(spec_.x_upper > spec_.x_lower)) spec_.x_upper = spec_.x_lower + 1;

    double left = 0;
    for (double value = 0; value <= spec_.y_upper * 1.0001; value += step)
        left = std::max(left, metrics.horizontalAdvance(tickText(value, step, spec.y_percent)));
    const double right = spec.right_upper > 0
                             ? std::max(metrics.horizontalAdvance(formatPercent(spec.right_upper)),
                                        metrics.horizontalAdvance(formatPercent(spec.right_upper / 2))) +
                                   pad
                             : 0.0;
    rect_ = QRectF(left + 2 * pad, top, std::max(10.0, size.width() - left - right - 3.5 * pad),
                   std::max(10.0, size.height() - top - bottom));

    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    for (double value = 0; value <= spec_.y_upper * 1.0001; value += step) {
        painter.setPen(QPen(value == 0 ? colors.card_border : colors.grid, 1));
        painter.drawLine(QPointF(rect_.left(), y(value)), QPointF(rect_.right(), y(value)));
        painter.setPen(colors.muted);
        painter.drawText(QRectF(0, y(value) - line, rect_.left() - pad, 2 * line), Qt::AlignVCenter | Qt::AlignRight,
                         tickText(value, step, spec.y_percent));
    }
    if (spec.right_upper > 0) {
        for (const double part : {0.0, 0.5, 1.0}) {
            const double value = part * spec.right_upper;
            painter.drawText(QRectF(rect_.right() + pad, this->right(value) - line, right + pad, 2 * line),
                             Qt::AlignVCenter | Qt::AlignLeft, formatPercent(value));
        }
        painter.drawText(QRectF(rect_.center().x(), 0, rect_.width() / 2 + right + pad, line + pad),
                         Qt::AlignVCenter | Qt::AlignRight, spec.right_label);
    }
    if (!spec.y_label.isEmpty()) {
        const double room = size.width() - 2 * pad -
                            (spec.right_upper > 0 ? metrics.horizontalAdvance(spec.right_label) + 2 * pad : 0.0);
        painter.drawText(QRectF(pad, 0, room, line + pad), Qt::AlignVCenter | Qt::AlignLeft,
                         metrics.elidedText(spec.y_label, Qt::ElideRight, room));
    }
    const double widest = metrics.horizontalAdvance(tickText(spec_.x_upper, 1, false)) + 2 * pad;
    const double x_step =
        std::max(1.0, tickStep(spec_.x_upper - spec_.x_lower, std::max(1, static_cast<int>(rect_.width() / widest))));
    for (double value = std::ceil(spec_.x_lower / x_step) * x_step; value <= spec_.x_upper + 1e-9; value += x_step) {
        painter.drawText(QRectF(x(value) - widest, rect_.bottom() + pad / 3, 2 * widest, line), Qt::AlignCenter,
                         tickText(value, x_step, false));
    }
    if (tall && !spec.x_label.isEmpty()) {
        painter.drawText(QRectF(rect_.left(), size.height() - line - pad / 2, rect_.width(), line), Qt::AlignCenter,
                         metrics.elidedText(spec.x_label, Qt::ElideRight, rect_.width()));
    }
    painter.restore();
}

double ChartArea::valueAt(double pixel) const {
    return rect_.width() > 0 ? spec_.x_lower + (pixel - rect_.left()) / rect_.width() * (spec_.x_upper - spec_.x_lower)
                             : spec_.x_lower;
}

}  // namespace quibble
