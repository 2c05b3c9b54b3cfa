// The figures beside the expert map: union against rows, coverage of a budget, load and dropped mass of each layer,
// co-activation.
#pragma once

#include "engine/metrics/experts.h"
#include "views/plots/painted_view.h"

namespace quibble {

/// Distinct experts a layer against the rows of a pass: what the rows would choose, and what was read.
class UnionChart : public PaintedView {
    Q_OBJECT
public:
    explicit UnionChart(QWidget* parent = nullptr);
    void setSizes(std::vector<UnionSize> sizes);
    [[nodiscard]] QString tipAt(const QPoint& point) const override;

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;

private:
    std::vector<UnionSize> sizes_;
    QRectF area_;
};

/// C(B) with the budget in force marked.
class CoverageChart : public PaintedView {
    Q_OBJECT
public:
    explicit CoverageChart(QWidget* parent = nullptr);
    void setCoverage(std::vector<double> coverage, int budget);

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;

private:
    std::vector<double> coverage_;
    int budget_ = 0;
};

/// One column a layer: greatest load over the mean, and the router probability that the budget dropped.
class LoadChart : public PaintedView {
    Q_OBJECT
public:
    explicit LoadChart(QWidget* parent = nullptr);
    void setCounts(const ExpertCounts& counts);

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;

private:
    std::vector<double> imbalance_, dropped_;
};

/// How often two experts of one layer were chosen by the same token.
class CoActivationMap : public PaintedView {
    Q_OBJECT
public:
    explicit CoActivationMap(QWidget* parent = nullptr);
    void setPairs(int layer, int experts, std::vector<std::int64_t> pairs);
    [[nodiscard]] QString tipAt(const QPoint& point) const override;

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;

private:
    [[nodiscard]] QRectF squareFor(const QSize& size) const;

    int layer_ = 0, experts_ = 0;
    std::vector<std::int64_t> pairs_;
};

}  // namespace quibble
