// What an expert budget dropped, along the text: router probability of the experts that a token wanted and did not get,
// with the budget in force above it. Moving the budget while a run goes on shows here.
#pragma once

#include <utility>

#include "views/plots/painted_view.h"

namespace quibble {

class RunDocument;

class DroppedChart : public PaintedView {
    Q_OBJECT
public:
    explicit DroppedChart(RunDocument* document, QWidget* parent = nullptr);

    /// Reads the document again.
    void reload();
    [[nodiscard]] double mean() const { return mean_; }  // over the tokens that have a record; 0 for none
    [[nodiscard]] QString tipAt(const QPoint& point) const override;

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;
    void mousePressEvent(QMouseEvent* event) override;

private:
    [[nodiscard]] int tokenAt(double x) const;
    [[nodiscard]] double meanOfPrompt() const;
    void drawBudgets(QPainter& painter, const QRectF& area, const ThemeColors& colors) const;

    RunDocument* document_;
    std::vector<float> dropped_;                // of each token of the text, mean over the layers; NaN: not recorded
    std::vector<std::pair<int, int>> budgets_;  // from this token on: experts a layer, 0 for all
    double mean_ = 0, most_ = 0;
    QRectF area_;
};

}  // namespace quibble
