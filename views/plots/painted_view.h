// A figure that one function draws: the same on screen, in a picture and in an export. Shows a tip for what the mouse
// points at and has the context menu of every figure.
#pragma once

#include "views/plots/figure_view.h"

class QPainter;

namespace quibble {

struct ThemeColors;
class PlainTableModel;

class PaintedView : public FigureView {
    Q_OBJECT
public:
    /// `name` is the stem of exported files.
    PaintedView(const QString& title, const QString& name, QWidget* parent);

    [[nodiscard]] Result<void> exportFigure(const QString& path, const FigureOptions& options) override;
    [[nodiscard]] QAbstractItemModel* table() override;
    [[nodiscard]] QPixmap picture(double scale) override;
    [[nodiscard]] QString figureName() const override { return name_; }
    /// What the mouse would be told at a point of the widget; empty: nothing.
    [[nodiscard]] virtual QString tipAt(const QPoint& point) const;

protected:
    /// Draws into [0, size). The background is there already.
    virtual void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) = 0;
    [[nodiscard]] PlainTableModel& rows() { return *table_; }

    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void showMenu(const QPoint& global);

private:
    QString name_;
    PlainTableModel* table_;
};

}  // namespace quibble
