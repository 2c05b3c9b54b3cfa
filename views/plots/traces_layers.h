// What TracesPlot draws beside the lines: marks behind them, names at the left, crosshair and selection in front.
#pragma once

#include "views/plots/traces_plot.h"

namespace quibble {

class TraceLayer : public QCPLayerable {
    Q_OBJECT
public:
    TraceLayer(TracesPlot* plot, const QString& layer) : QCPLayerable(plot, layer), plot_(plot) {}

protected:
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override { painter->setAntialiasing(false); }
    [[nodiscard]] QRect clipRect() const override { return plot_->viewport(); }
    TracesPlot* plot_;
};

/// Dashed lines at markers, interventions and control changes; ticks at the lower edge when there are too many.
class TraceMarks : public TraceLayer {
    Q_OBJECT
public:
    explicit TraceMarks(TracesPlot* plot) : TraceLayer(plot, QStringLiteral("marks")) {}

protected:
    void draw(QCPPainter* painter) override;

private:
    void drawControls(QCPPainter* painter, int first, int last) const;
    void drawMark(QCPPainter* painter, int token, const QColor& colour, bool dense) const;
};

/// "Entropy / nat", and the hairlines between the rows.
class TraceLabels : public TraceLayer {
    Q_OBJECT
public:
    explicit TraceLabels(TracesPlot* plot) : TraceLayer(plot, QStringLiteral("marks")) {}

protected:
    void draw(QCPPainter* painter) override;

private:
    void drawFoot(QCPPainter* painter) const;
    [[nodiscard]] QString nameOf(const TracesPlot::Row& row) const;
    [[nodiscard]] QString unitOf(const TracesPlot::Row& row) const;
};

/// Selected range, hovered token, current token.
class TraceOverlay : public TraceLayer {
    Q_OBJECT
public:
    explicit TraceOverlay(TracesPlot* plot) : TraceLayer(plot, QStringLiteral("cursor")) {}

protected:
    void draw(QCPPainter* painter) override;
};

}  // namespace quibble
