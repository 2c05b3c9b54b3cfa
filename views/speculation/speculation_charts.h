// The figures beside the draft tree: acceptance by position, accepted lengths, cost of a verify step.
#pragma once

#include <span>

#include <QBrush>

#include "engine/metrics/speculation.h"
#include "views/plots/painted_view.h"

namespace quibble {

class ChartArea;

/// Stacked columns by position: accepted, rejected, ignored (never tested); and the share of verify steps that accepted
/// there as dots.
class AcceptanceChart : public PaintedView {
    Q_OBJECT
public:
    explicit AcceptanceChart(QWidget* parent = nullptr);
    void setNumbers(const SpeculationNumbers& numbers);
    [[nodiscard]] QString tipAt(const QPoint& point) const override;

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;

private:
    void drawColumns(QPainter& painter, const ChartArea& area, const ThemeColors& colors) const;
    void drawSums(QPainter& painter, const QRectF& box, const ThemeColors& colors) const;

    SpeculationNumbers numbers_;
    QRectF area_;
};

/// How many verify steps accepted 0, 1, 2 ... drafted tokens.
class LengthChart : public PaintedView {
    Q_OBJECT
public:
    explicit LengthChart(QWidget* parent = nullptr);
    void setNumbers(const SpeculationNumbers& numbers);
    [[nodiscard]] QString tipAt(const QPoint& point) const override;

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;

private:
    std::vector<std::int64_t> lengths_;
    std::optional<double> mean_;
    QRectF area_;
};

/// Time of a verify step, split into draft, verify and the rest; under it what its tokens cost in plain decoding, when
/// that is known.
class CostChart : public PaintedView {
    Q_OBJECT
public:
    explicit CostChart(QWidget* parent = nullptr);
    void setNumbers(const SpeculationNumbers& numbers);
    [[nodiscard]] QString tipAt(const QPoint& point) const override;

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;

private:
    struct CostPart {
        double ms;
        QBrush fill;
        QString name;
    };
    double drawLegend(QPainter& painter, std::span<const CostPart> parts, const QRectF& row,
                      const ThemeColors& colors) const;

    SpeculationNumbers numbers_;
};

}  // namespace quibble
