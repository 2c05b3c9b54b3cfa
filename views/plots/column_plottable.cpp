#include "views/plots/column_plottable.h"

#include <algorithm>
#include <cmath>

namespace quibble {

ColumnPlottable::ColumnPlottable(QCPAxis* key_axis, QCPAxis* value_axis) : QCPAbstractPlottable(key_axis, value_axis) {
    setSelectable(QCP::stNone);
    setAntialiased(true);
}

double ColumnPlottable::maximum(int first, int last) const {
    first = std::max(first, 0);
    last = std::min(last, static_cast<int>(values_.size()));
    float best = 0;
    for (int i = first; i < last; ++i) {
        const float value = values_[static_cast<std::size_t>(i)];
        if (value > best && std::isfinite(value)) best = value;
    }
    return static_cast<double>(best);
}

double ColumnPlottable::selectTest(const QPointF&, bool, QVariant*) const { return -1; }

QCPRange ColumnPlottable::getKeyRange(bool& found, QCP::SignDomain) const {
    found = !values_.empty();
    return {0, static_cast<double>(values_.size()) - 1};
}

QCPRange ColumnPlottable::getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const {
    found = !values_.empty();
    return {0, maximum(0, static_cast<int>(values_.size()))};
}

void ColumnPlottable::drawLegendIcon(QCPPainter* painter, const QRectF& rect) const {
    painter->setPen(mPen);
    painter->drawLine(QLineF(rect.left(), rect.center().y(), rect.right(), rect.center().y()));
}

void ColumnPlottable::draw(QCPPainter* painter) {
    const QCPRange range = mKeyAxis->range();
    const int count = static_cast<int>(values_.size());
    const int first = std::clamp(static_cast<int>(std::floor(range.lower)) - 1, 0, count);
    const int last = std::clamp(static_cast<int>(std::ceil(range.upper)) + 2, 0, count);
    if (last - first < 1) return;
    applyDefaultAntialiasingHint(painter);
    QPen pen = mPen;
    pen.setCapStyle(Qt::RoundCap);
    painter->setPen(pen);
    const double pixels = std::abs(mKeyAxis->coordToPixel(last) - mKeyAxis->coordToPixel(first));
    if (last - first > pixels * 1.5) drawColumns(painter, first, last);
    else drawPoints(painter, first, last);
}

// Short polylines: one path over all points would be stroked as a whole, which takes seconds for dense noise.
void ColumnPlottable::drawPoints(QCPPainter* painter, int first, int last) const {
    constexpr int kChunk = 24;
    QPolygonF chunk;
    const auto flush = [&](bool keep_last) {
        if (chunk.size() > 1) painter->drawPolyline(chunk);
        else if (chunk.size() == 1 && !keep_last) painter->drawLine(QLineF(chunk[0] - QPointF(0.5, 0), chunk[0] + QPointF(0.5, 0)));  // a point alone
        const QPointF end = chunk.isEmpty() ? QPointF() : chunk.back();
        const bool joined = keep_last && !chunk.isEmpty();
        chunk.clear();
        if (joined) chunk.append(end);
    };
    for (int i = first; i < last; ++i) {
        const auto value = static_cast<double>(values_[static_cast<std::size_t>(i)]);
        if (!std::isfinite(value)) {
            flush(false);
            continue;
        }
        chunk.append(QPointF(mKeyAxis->coordToPixel(i), mValueAxis->coordToPixel(value)));
        if (chunk.size() >= kChunk) flush(true);
    }
    if (chunk.size() > 1 || first + 1 == last) flush(false);
}

// Each pixel column from its least to its greatest value, pale, and the mean of the column as a line over it.
void ColumnPlottable::drawColumns(QCPPainter* painter, int first, int last) const {
    // Lines on half pixels without antialiasing: sharp, and a fifth of the time.
    painter->setAntialiasing(false);
    QVector<QLineF> lines, means;
    float low = 0, high = 0, before = 0;
    double sum = 0;
    int column = 0, count = 0;
    bool open = false, has_before = false;
    QPointF mean_before;
    const auto close = [&] {
        if (!open) return;
        const QPointF mean(column, mValueAxis->coordToPixel(sum / count));
        if (!means.isEmpty() || !mean_before.isNull()) means.append(QLineF(mean_before, mean));
        mean_before = mean;
        // Reach the value where the last column ended, so that the line has no holes.
        const float from = has_before ? std::min(low, before) : low, to = has_before ? std::max(high, before) : high;
        const double y0 = mValueAxis->coordToPixel(static_cast<double>(from)), y1 = mValueAxis->coordToPixel(static_cast<double>(to));
        lines.append(QLineF(column, y0, column, std::min(y1, y0 - 0.75)));
    };
    for (int i = first; i < last; ++i) {
        const float value = values_[static_cast<std::size_t>(i)];
        if (!std::isfinite(value)) continue;
        const int x = static_cast<int>(std::lround(mKeyAxis->coordToPixel(i)));
        if (!open || x != column) {
            close();
            if (open) {
                before = values_[static_cast<std::size_t>(i) - 1];
                has_before = std::isfinite(before);
            }
            column = x;
            low = high = value;
            sum = static_cast<double>(value);
            count = 1;
            open = true;
        } else {
            sum += static_cast<double>(value);
            ++count;
            low = std::min(low, value);
            high = std::max(high, value);
        }
    }
    close();
    const QPen line_pen = painter->pen();
    QPen pale = line_pen;
    QColor colour = pale.color();
    colour.setAlphaF(0.42F);
    pale.setColor(colour);
    pale.setWidthF(1);
    pale.setCapStyle(Qt::FlatCap);
    painter->setPen(pale);
    painter->drawLines(lines);
    painter->setAntialiasing(true);
    painter->setPen(line_pen);
    painter->drawLines(means);
}

}  // namespace quibble
