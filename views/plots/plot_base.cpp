#include "views/plots/plot_base.h"

#include "views/plots/figure_export.h"

namespace quibble {

PlotBase::PlotBase(QWidget* parent) : QCustomPlot(parent) {
    setPlottingHint(QCP::phCacheLabels, true);
    setLocale(QLocale());  // with group separators
    setNoAntialiasingOnDrag(true);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_OpaquePaintEvent);
    active_ = &Theme::instance().colors();
}

void PlotBase::ready() {
    const auto restyle = [this] {
        active_ = &Theme::instance().colors();
        applyColors(*active_);
        applyGeometry(size());
        requestReplot();
    };
    connect(&Theme::instance(), &Theme::changed, this, restyle);
    restyle();
}

void PlotBase::requestReplot() {
    stale_ = true;
    if (queued_ || !canBeSeen()) return;
    queued_ = true;
    QMetaObject::invokeMethod(
        this,
        [this] {
            queued_ = false;
            if (!stale_ || !canBeSeen()) return;
            stale_ = false;
            replot(QCustomPlot::rpImmediateRefresh);
        },
        Qt::QueuedConnection);
}

void PlotBase::replotLayer(const QString& name) {
    if (stale_ || !canBeSeen())
        requestReplot();
    else
        layer(name)->replot();
}

void PlotBase::paintEvent(QPaintEvent* event) {
    if (stale_) {
        stale_ = false;
        applyGeometry(size());
        replot(QCustomPlot::rpQueuedRefresh);
    }
    QCustomPlot::paintEvent(event);
}

void PlotBase::resizeEvent(QResizeEvent* event) {
    applyGeometry(event->size());
    QCustomPlot::resizeEvent(event);
}

void PlotBase::styleAxis(QCPAxis* axis, const ThemeColors& colors) const {
    axis->setBasePen(Qt::NoPen);
    axis->setTickPen(Qt::NoPen);
    axis->setSubTickPen(Qt::NoPen);
    axis->setTickLabelColor(colors.muted);
    axis->setLabelColor(colors.muted);
    QFont font = Theme::instance().smallFont();
    font.setPointSizeF(font.pointSizeF() * 0.95);
    axis->setTickLabelFont(font);
    axis->setLabelFont(font);
    axis->grid()->setPen(QPen(colors.grid, 1));
    axis->grid()->setZeroLinePen(QPen(colors.grid, 1));
    axis->grid()->setSubGridVisible(false);
}

Result<void> PlotBase::exportTo(const QString& path, const FigureOptions& options) {
    if (options.light) {
        active_ = &Theme::light();
        applyColors(*active_);
    }
    const auto draw = [&](QPainter& painter, const QSize& inner) {
        const QBrush background = mBackgroundBrush;
        setBackground(options.transparent ? QBrush(Qt::NoBrush) : QBrush(active_->card));
        applyGeometry(inner);
        toPainter(static_cast<QCPPainter*>(&painter), inner.width(), inner.height());
        setBackground(background);
    };
    const Result<void> result = writeFigure(
        path, options, {.screen_size = size(), .screen_dpi = logicalDpiX(), .colors = active_, .draw = draw});
    active_ = &Theme::instance().colors();
    applyColors(*active_);
    applyGeometry(size());
    requestReplot();
    return result;
}

QPixmap PlotBase::picture(double scale) {
    QPixmap pixmap((QSizeF(size()) * scale).toSize());
    pixmap.fill(activeColors().card);
    QCPPainter painter(&pixmap);
    painter.setMode(QCPPainter::pmNoCaching);
    painter.scale(scale, scale);
    toPainter(&painter, width(), height());
    return pixmap;
}

}  // namespace quibble
