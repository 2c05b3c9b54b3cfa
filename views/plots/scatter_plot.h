// The plot inside ScatterView.
#pragma once

#include <vector>

#include "views/plots/plot_base.h"
#include "views/run_document.h"

namespace quibble {

class ScatterPlot : public PlotBase {
    Q_OBJECT
public:
    ScatterPlot(RunDocument* document, QWidget* parent);

    [[nodiscard]] RunDocument* document() const { return document_; }
    struct Dot {
        float x, y;  // NaN without a reference
        bool marker;
    };
    /// One for each token, in the unit shown. Kept apart from the trace, whose records are too large to walk at every
    /// frame.
    [[nodiscard]] const std::vector<Dot>& dots() const { return dots_; }
    [[nodiscard]] QPointF pixelOf(int token) const;  // NaN when it has no KL
    [[nodiscard]] int tokenAt(const QPointF& pixel) const;
    [[nodiscard]] const ThemeColors& shownColors() const { return activeColors(); }
    [[nodiscard]] QRect area() { return axisRect()->rect(); }

signals:
    void menuRequested(const QPoint& global);

protected:
    void applyColors(const ThemeColors& colors) override;
    void applyGeometry(const QSize& size) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    void refill();
    void take(int first, int last);
    void updateAxes();
    void updateLabels();
    void replotOverlay();

    RunDocument* document_;
    std::vector<Dot> dots_;
    QTimer* replot_timer_;
    double x_max_ = 0, y_max_ = 0;
};

}  // namespace quibble
