// What ScatterPlot draws: the dots, and a ring around the chosen one.
#pragma once

#include "views/plots/scatter_plot.h"

namespace quibble {

class ScatterLayer : public QCPLayerable {
    Q_OBJECT
public:
    ScatterLayer(ScatterPlot* plot, const QString& layer) : QCPLayerable(plot, layer), plot_(plot) {}

protected:
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override { painter->setAntialiasing(true); }
    [[nodiscard]] QRect clipRect() const override { return plot_->viewport(); }
    ScatterPlot* plot_;
};

class ScatterDots : public ScatterLayer {
    Q_OBJECT
public:
    explicit ScatterDots(ScatterPlot* plot) : ScatterLayer(plot, QStringLiteral("main")) {}

protected:
    void draw(QCPPainter* painter) override;
};

class ScatterRing : public ScatterLayer {
    Q_OBJECT
public:
    explicit ScatterRing(ScatterPlot* plot) : ScatterLayer(plot, QStringLiteral("cursor")) {}

protected:
    void draw(QCPPainter* painter) override;
};

}  // namespace quibble
