// The axes of a small chart: values upwards from 0 with round ticks, whole numbers below, both labelled; a second value
// axis when wanted.
#pragma once

#include <QRectF>
#include <QSize>
#include <QString>

class QPainter;

namespace quibble {

struct ThemeColors;

struct ChartSpec {
    double y_upper = 1;  // at least this much; rounded up to a tick
    QString y_label;
    bool y_percent = false;  // 1 is shown as 100 %
    double x_lower = 0, x_upper = 1;
    QString x_label;
    double right_upper = 0;  // 0: no axis at the right
    QString right_label;
};

class ChartArea {
public:
    /// Draws grid, tick labels and axis labels into [0, size).
    ChartArea(QPainter& painter, const QSize& size, const ThemeColors& colors, const ChartSpec& spec);

    [[nodiscard]] const QRectF& rect() const { return rect_; }
    [[nodiscard]] double x(double value) const {
        return rect_.left() + (value - spec_.x_lower) / (spec_.x_upper - spec_.x_lower) * rect_.width();
    }
    [[nodiscard]] double y(double value) const { return rect_.bottom() - value / spec_.y_upper * rect_.height(); }
    [[nodiscard]] double right(double value) const {
        return rect_.bottom() - value / spec_.right_upper * rect_.height();
    }
    /// The value of the x-axis under a point.
    [[nodiscard]] double valueAt(double pixel) const;

private:
    ChartSpec spec_;
    QRectF rect_;
};

/// 1, 2 or 5 times a power of ten: about `count` of them make `range`.
[[nodiscard]] double tickStep(double range, int count);

}  // namespace quibble
