// A line of values over 0, 1, 2, ... that stays fast with a hundred thousand points: when there are more points than
// pixel columns, each column is one vertical stroke from the least to the greatest value with the mean over it. Drawn
// as separate lines, never as one stroked path (QCustomPlot needs seconds for that with pens wider than a pixel). NaN
// is a gap.
#pragma once

#include <cstdint>

#include "views/plots/plot_base.h"

namespace quibble {

class ColumnPlottable : public QCPAbstractPlottable {
    Q_OBJECT
public:
    ColumnPlottable(QCPAxis* key_axis, QCPAxis* value_axis);

    [[nodiscard]] const std::vector<float>& values() const { return values_; }
    void clear();
    /// REQUIRES: at <= values().size(). A value that was finite is not made smaller (greatest() would not notice).
    void setValue(int at, float value);
    /// Greatest finite value of all; 0 when there is none. Kept, not looked for: it is asked for with every batch.
    [[nodiscard]] double greatest() const { return static_cast<double>(greatest_); }
    /// How many values were looked at so far, to draw them or to find a maximum; what a test counts instead of a time.
    [[nodiscard]] std::int64_t valuesRead() const { return read_; }
    /// The opaque colour of the strokes that show the spread of a pixel column.
    void setPale(const QColor& colour) { pale_ = colour; }
    /// Greatest finite value in [first, last); 0 when there is none.
    [[nodiscard]] double maximum(int first, int last) const;

    [[nodiscard]] double selectTest(const QPointF& pos, bool only_selectable, QVariant* details) const override;
    [[nodiscard]] QCPRange getKeyRange(bool& found, QCP::SignDomain domain) const override;
    [[nodiscard]] QCPRange getValueRange(bool& found, QCP::SignDomain domain, const QCPRange& key_range) const override;

protected:
    void draw(QCPPainter* painter) override;
    void drawLegendIcon(QCPPainter* painter, const QRectF& rect) const override;

private:
    void drawPoints(QCPPainter* painter, int first, int last) const;
    void drawColumns(QCPPainter* painter, int first, int last) const;

    std::vector<float> values_;
    float greatest_ = 0;
    mutable std::int64_t read_ = 0;
    QColor pale_;
};

}  // namespace quibble
