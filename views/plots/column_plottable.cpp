#include "views/plots/column_plottable.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace quibble {

static constexpr int kChunk = 24;          // points of one polyline
static constexpr double kRoomyPixels = 4;  // pixels a point from which the line keeps its width

ColumnPlottable::ColumnPlottable(QCPAxis* key_axis, QCPAxis* value_axis) : QCPAbstractPlottable(key_axis, value_axis) {
    setSelectable(QCP::stNone);
    setAntialiased(true);
}

void ColumnPlottable::clear() {
    values_.clear();
    greatest_ = 0;
}

void ColumnPlottable::setValue(int at, float value) {
    const auto index = static_cast<std::size_t>(at);
    if (index == values_.size())
        values_.push_back(value);
    else
        values_[index] = value;
    if (value > greatest_ && std::isfinite(value)) greatest_ = value;
}

double ColumnPlottable::maximum(int first, int last) const {
    first = std::max(first, 0);
    last = std::min(last, static_cast<int>(values_.size()));
    read_ += std::max(0, last - first);
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
    return {0, greatest()};
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
    read_ += last - first;
    applyDefaultAntialiasingHint(painter);
    const double pixels = std::abs(mKeyAxis->coordToPixel(last) - mKeyAxis->coordToPixel(first));
    QPen pen = mPen;
    pen.setCapStyle(Qt::RoundCap);
    // Wider lines are stroked as paths. Where points are close that takes most of a frame, and nobody sees the width.
    if (last - first > pixels / kRoomyPixels) pen.setWidthF(1);
    painter->setPen(pen);
    if (last - first > pixels * 1.5)
        drawColumns(painter, first, last);
    else
        drawPoints(painter, first, last);
}

// Short polylines: one path over all points would be stroked as a whole, which takes seconds for dense noise.
void ColumnPlottable::drawPoints(QCPPainter* painter, int first, int last) const {
    QPolygonF chunk;
    const auto flush = [&](bool keep_last) {
        if (chunk.size() > 1)
            painter->drawPolyline(chunk);
        else if (chunk.size() == 1 && !keep_last)
            painter->drawLine(QLineF(chunk[0] - QPointF(0.5, 0), chunk[0] + QPointF(0.5, 0)));  // a point alone
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

// Each pixel column from its least to its greatest value, pale, and the mean of the column as a line over it. The axes
// are linear, so the points of a column are a range of indices: one tight loop over floats each.
void ColumnPlottable::drawColumns(QCPPainter* painter, int first, int last) const {
    const double origin = mKeyAxis->coordToPixel(0), per_point = mKeyAxis->coordToPixel(1) - origin;
    const double zero = mValueAxis->coordToPixel(0), per_unit = mValueAxis->coordToPixel(1) - zero;
    const int left = static_cast<int>(std::floor(origin + per_point * first)),
              right = static_cast<int>(std::ceil(origin + per_point * (last - 1)));
    QVector<QLineF> strokes;
    strokes.reserve(right - left + 1);
    QVector<QPolygonF> means(1);
    for (int column = left; column <= right; ++column) {
        const int from = std::clamp(static_cast<int>(std::ceil((column - 0.5 - origin) / per_point)), first, last);
        const int to = std::clamp(static_cast<int>(std::ceil((column + 0.5 - origin) / per_point)), first, last);
        float low = std::numeric_limits<float>::max(), high = std::numeric_limits<float>::lowest();
        double sum = 0;
        int count = 0;
        for (int i = from; i < to; ++i) {
            const float value = values_[static_cast<std::size_t>(i)];
            if (!(std::abs(value) <= std::numeric_limits<float>::max())) continue;
            low = std::min(low, value);
            high = std::max(high, value);
            sum += static_cast<double>(value);
            ++count;
        }
        if (count == 0) {
            // A column between two points is no gap; one of missing values is.
            if (from < to && !means.back().isEmpty()) means.append(QPolygonF());
            continue;
        }
        const double bottom = zero + per_unit * static_cast<double>(low),
                     top = zero + per_unit * static_cast<double>(high);
        strokes.append(QLineF(column, bottom, column, std::min(top, bottom - 0.75)));
        const QPointF mean(column, zero + per_unit * sum / count);
        means.back().append(mean);
        if (means.back().size() >= kChunk) means.append(QPolygonF({mean}));
    }
    const QPen line_pen = painter->pen();
    painter->setAntialiasing(false);  // sharp, and a fifth of the time
    painter->setPen(QPen(pale_, 1, Qt::SolidLine, Qt::FlatCap));
    painter->drawLines(strokes);
    painter->setAntialiasing(true);
    painter->setPen(line_pen);
    for (const QPolygonF& chunk : means) painter->drawPolyline(chunk);
}

}  // namespace quibble
