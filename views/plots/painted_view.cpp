#include "views/plots/painted_view.h"

#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QMenu>
#include <QPainter>
#include <QToolTip>

#include "views/plots/figure_export.h"
#include "views/tables/plain_table_model.h"
#include "views/theme.h"

namespace quibble {

PaintedView::PaintedView(const QString& title, const QString& name, QWidget* parent)
    : FigureView(title, parent), name_(name), table_(new PlainTableModel(this)) {
    connect(&Theme::instance(), &Theme::changed, this, [this] { update(); });
}

Result<void> PaintedView::exportFigure(const QString& path, const FigureOptions& options) {
    const ThemeColors& colors = options.light ? Theme::light() : Theme::instance().colors();
    return writeFigure(path, options,
                       {.screen_size = size(),
                        .screen_dpi = logicalDpiX(),
                        .colors = &colors,
                        .draw = [&](QPainter& painter, const QSize& inner) { drawFigure(painter, inner, colors); }});
}

QAbstractItemModel* PaintedView::table() { return table_; }

QPixmap PaintedView::picture(double scale) {
    QPixmap pixmap((QSizeF(size()) * scale).toSize());
    const ThemeColors& colors = Theme::instance().colors();
    pixmap.fill(colors.card);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.scale(scale, scale);
    drawFigure(painter, size(), colors);
    return pixmap;
}

QString PaintedView::tipAt(const QPoint&) const { return {}; }

bool PaintedView::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const QString tip = tipAt(help->pos());
        if (tip.isEmpty())
            QToolTip::hideText();
        else
            QToolTip::showText(help->globalPos(), tip, this);
        return true;
    }
    return FigureView::event(event);
}

void PaintedView::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::instance().colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(rect(), colors.card);
    drawFigure(painter, size(), colors);
}

void PaintedView::contextMenuEvent(QContextMenuEvent* event) { showMenu(event->globalPos()); }

void PaintedView::showMenu(const QPoint& global) {
    QMenu menu(this);
    menu.addAction(tr("Copy picture"), this, &PaintedView::copyPicture);
    menu.addAction(tr("Copy numbers as CSV"), this, &PaintedView::copyCsv);
    menu.addAction(tr("Show as table"), this, [this] { emit tableRequested(true); });
    menu.addSeparator();
    menu.addAction(tr("Export figure…"), this, &PaintedView::exportRequested);
    menu.exec(global);
}

}  // namespace quibble
