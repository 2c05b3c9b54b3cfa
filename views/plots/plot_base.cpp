#include "views/plots/plot_base.h"

#include <cmath>

#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>

namespace quibble {

namespace {

constexpr int kLargestSide = 20000;  // pixels of an exported picture

Error writeError(const QString& path, const QString& reason) {
    return {ErrorCode::Io, PlotBase::tr("The figure could not be written to %1: %2").arg(path, reason).toStdString(),
            PlotBase::tr("Choose another folder or free some space").toStdString()};
}

}  // namespace

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
    if (!isVisible() || visibleRegion().isEmpty()) {
        stale_ = true;
        return;
    }
    if (queued_) return;
    queued_ = true;
    QMetaObject::invokeMethod(
        this,
        [this] {
            queued_ = false;
            if (isVisible()) replot(QCustomPlot::rpImmediateRefresh);
            else stale_ = true;
        },
        Qt::QueuedConnection);
}

void PlotBase::showEvent(QShowEvent* event) {
    QCustomPlot::showEvent(event);
    if (stale_) {
        stale_ = false;
        applyGeometry(size());
        replot(QCustomPlot::rpQueuedReplot);
    }
    emit shown();
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
    const QSize wanted = options.size.isEmpty() ? size().expandedTo(QSize(320, 200)) : options.size;
    const double largest = std::max(wanted.width(), wanted.height()) * (options.format == FigureFormat::Png ? options.scale : 1.0);
    if (wanted.width() < 50 || wanted.height() < 50 || !(options.scale >= 0.5 && options.scale <= 8) || largest > kLargestSide ||
        options.dpi < 30 || options.dpi > 2400) {
        return fail(ErrorCode::InvalidArgument,
                    tr("A figure of %1 × %2 at scale %3 and %4 dpi cannot be made").arg(wanted.width()).arg(wanted.height()).arg(options.scale).arg(options.dpi).toStdString(),
                    tr("Use 50 to %1 pixels a side, scale 0.5 to 8, 30 to 2400 dpi").arg(kLargestSide).toStdString());
    }
    if (options.light) {
        active_ = &Theme::light();
        applyColors(*active_);
    }
    const Result<void> result = options.format == FigureFormat::Png ? writePng(path, wanted, options) : writeVector(path, wanted, options);
    active_ = &Theme::instance().colors();
    applyColors(*active_);
    applyGeometry(size());
    requestReplot();
    return result;
}

// Title above, plot, footer below, in logical pixels of `size`.
void PlotBase::paintFigure(QCPPainter& painter, const QSize& size, const FigureOptions& options) {
    const Theme& theme = Theme::instance();
    const ThemeColors& colors = *active_;
    const int side = theme.em(0.6);
    const int head = options.title.isEmpty() ? 0 : theme.em(1.9);
    const int foot = options.footer.isEmpty() ? 0 : QFontMetrics(theme.smallFont()).height() + theme.em(0.5);
    if (!options.transparent) painter.fillRect(QRect(QPoint(0, 0), size), colors.card);
    painter.setPen(colors.muted);
    if (head > 0) {
        painter.setFont(theme.titleFont());
        painter.drawText(QRectF(side, 0, size.width() - 2 * side, head), Qt::AlignVCenter | Qt::AlignLeft, options.title);
    }
    if (foot > 0) {
        painter.setFont(theme.smallFont());
        const QString text = QFontMetrics(theme.smallFont()).elidedText(options.footer, Qt::ElideRight, size.width() - 2 * side);
        painter.drawText(QRectF(side, size.height() - foot, size.width() - 2 * side, foot), Qt::AlignVCenter | Qt::AlignLeft, text);
    }
    const QSize inner(size.width(), size.height() - head - foot);
    painter.save();
    painter.translate(0, head);
    const QBrush background = mBackgroundBrush;
    setBackground(options.transparent ? QBrush(Qt::NoBrush) : QBrush(colors.card));
    applyGeometry(inner);
    toPainter(&painter, inner.width(), inner.height());
    setBackground(background);
    painter.restore();
}

Result<void> PlotBase::writePng(const QString& path, const QSize& size, const FigureOptions& options) {
    QImage image((QSizeF(size) * options.scale).toSize(), QImage::Format_ARGB32_Premultiplied);
    if (image.isNull()) {
        return fail(ErrorCode::OutOfMemory, tr("There is no memory for a picture of this size").toStdString(), tr("Use a smaller scale").toStdString());
    }
    image.fill(Qt::transparent);
    {
        QCPPainter painter(&image);
        painter.setMode(QCPPainter::pmNoCaching);
        painter.scale(options.scale, options.scale);
        painter.setRenderHint(QPainter::Antialiasing);
        paintFigure(painter, size, options);
    }
    const int dots_per_meter = static_cast<int>(std::lround(options.dpi / 0.0254));
    image.setDotsPerMeterX(dots_per_meter);
    image.setDotsPerMeterY(dots_per_meter);
    QSaveFile file(path);  // the old picture stays until the new one is whole
    if (!file.open(QIODevice::WriteOnly) || !image.save(&file, "PNG") || !file.commit()) return tl::unexpected(writeError(path, file.errorString()));
    return {};
}

Result<void> PlotBase::writeVector(const QString& path, const QSize& size, const FigureOptions& options) {
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly)) return tl::unexpected(writeError(path, file.errorString()));
    const auto draw = [&](QPaintDevice& device) {
        QCPPainter painter;
        if (!painter.begin(&device)) return false;
        painter.setMode(QCPPainter::pmVectorized);
        painter.setMode(QCPPainter::pmNoCaching);
        paintFigure(painter, size, options);
        return painter.end();
    };
    bool drawn = false;
    if (options.format == FigureFormat::Svg) {
        QSvgGenerator svg;
        svg.setOutputDevice(&file);
        svg.setSize(size);
        svg.setResolution(logicalDpiX());  // so that point sizes come out as on screen
        svg.setViewBox(QRect(QPoint(0, 0), size));
        svg.setTitle(options.title.isEmpty() ? QStringLiteral("Quibble") : options.title);
        svg.setDescription(options.footer);
        drawn = draw(svg);
    } else {
        QPdfWriter pdf(&file);
        pdf.setCreator(QStringLiteral("Quibble"));
        pdf.setTitle(options.title);
        // One unit is one logical pixel of the screen: point sizes and lengths keep their proportion.
        pdf.setResolution(logicalDpiX());
        pdf.setPageSize(QPageSize(QSizeF(size) * 72.0 / logicalDpiX(), QPageSize::Point, {}, QPageSize::ExactMatch));
        pdf.setPageMargins(QMarginsF(0, 0, 0, 0));
        drawn = draw(pdf);
    }
    if (!drawn || !file.commit()) return tl::unexpected(writeError(path, file.errorString()));
    return {};
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
