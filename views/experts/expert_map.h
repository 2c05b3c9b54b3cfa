// Layers by experts: how often each expert was chosen by this token, the selected range or the whole run. The experts
// of the token with the focus are framed, and listed with their weights where there is room; choosing a cell goes to
// the next token that used it. With the keyboard: arrows move, Enter goes on.
#pragma once

#include "engine/metrics/experts.h"
#include "views/plots/painted_view.h"

namespace quibble {

class RunDocument;

class ExpertMap : public PaintedView {
    Q_OBJECT
public:
    explicit ExpertMap(RunDocument* document, QWidget* parent = nullptr);

    void setCounts(const ExpertCounts& counts);
    [[nodiscard]] int layer() const { return layer_; }  // of the cell cursor; -1: none
    [[nodiscard]] int expert() const { return expert_; }
    void setCell(int layer, int expert);
    /// Selects the next token behind the current one that used the expert of the cell, from the beginning again at the
    /// end.
    void selectNextUser();
    [[nodiscard]] QRectF cellRect(int layer, int expert) const;
    [[nodiscard]] QString tipAt(const QPoint& point) const override;

signals:
    void layerChanged(int layer);

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    struct Geometry {
        double left = 0, top = 0, cell_w = 0, cell_h = 0,
               detail = 0;  // detail: left edge of the list of the token's experts; 0: no room
        [[nodiscard]] QRectF cell(int layer, int expert, double gap) const {
            return {left + expert * cell_w, top + layer * cell_h, cell_w - gap, cell_h - gap};
        }
        [[nodiscard]] double gap() const;
    };
    [[nodiscard]] Geometry geometryFor(const QSize& size) const;
    [[nodiscard]] bool cellAt(const QPointF& point, int& layer, int& expert) const;
    [[nodiscard]] QString describe(int layer, int expert) const;
    [[nodiscard]] int focusToken() const;                          // hovered, else current; -1: none
    [[nodiscard]] const TokenExperts* expertsOf(int token) const;  // nullptr: none, or not as many as it says
    void drawCells(QPainter& painter, const Geometry& g, const ThemeColors& colors) const;
    void drawFrames(QPainter& painter, const Geometry& g, const ThemeColors& colors) const;
    void drawAxes(QPainter& painter, const Geometry& g, const ThemeColors& colors) const;
    void drawLegend(QPainter& painter, const Geometry& g, const ThemeColors& colors) const;
    void drawToken(QPainter& painter, const QRectF& box, const ThemeColors& colors) const;

    RunDocument* document_;
    ExpertCounts counts_;
    std::int64_t most_ = 0;
    int layer_ = -1, expert_ = -1;
};

}  // namespace quibble
