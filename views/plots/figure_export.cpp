#include "views/plots/figure_export.h"

#include <algorithm>
#include <cmath>

#include <qcustomplot.h>

#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>

#include "views/theme.h"

namespace quibble {

namespace {

constexpr int kLargestSide = 20000;  // pixels of an exported picture

Error writeError(const QString& path, const QString& reason) {
    return {ErrorCode::Io, FigureView::tr("The figure could not be written to %1: %2").arg(path, reason).toStdString(),
            FigureView::tr("Choose another folder or free some space").toStdString()};
}

// Title above, figure, footer below, in logical pixels of `size`.
void paintFigure(QCPPainter& painter, const QSize& size, const FigureOptions& options, const FigureSource& source) {
    const Theme& theme = Theme::instance();
    const ThemeColors& colors = *source.colors;
    const int side = theme.em(0.6);
    const int head = options.title.isEmpty() ? 0 : theme.em(1.9);
    const int foot = options.footer.isEmpty() ? 0 : QFontMetrics(theme.smallFont()).height() + theme.em(0.5);
    if (!options.transparent) painter.fillRect(QRect(QPoint(0, 0), size), colors.card);
    painter.setPen(colors.muted);
    if (head > 0) {
        painter.setFont(theme.titleFont());
        painter.drawText(QRectF(side, 0, size.width() - 2 * side, head), Qt::AlignVCenter | Qt::AlignLeft,
                         options.title);
    }
    if (foot > 0) {
        painter.setFont(theme.smallFont());
        const QString text =
            QFontMetrics(theme.smallFont()).elidedText(options.footer, Qt::ElideRight, size.width() - 2 * side);
        painter.drawText(QRectF(side, size.height() - foot, size.width() - 2 * side, foot),
                         Qt::AlignVCenter | Qt::AlignLeft, text);
    }
    painter.save();
    painter.translate(0, head);
    source.draw(painter, QSize(size.width(), size.height() - head - foot));
    painter.restore();
}

Result<void> writePng(const QString& path, const QSize& size, const FigureOptions& options,
                      const FigureSource& source) {
    QImage image((QSizeF(size) * options.scale).toSize(), QImage::Format_ARGB32_Premultiplied);
    if (image.isNull()) {
        return fail(ErrorCode::OutOfMemory,
                    FigureView::tr("There is no memory for a picture of this size").toStdString(),
                    FigureView::tr("Use a smaller scale").toStdString());
    }
    image.fill(Qt::transparent);
    {
        QCPPainter painter(&image);
        painter.setMode(QCPPainter::pmNoCaching);
        painter.scale(options.scale, options.scale);
        painter.setRenderHint(QPainter::Antialiasing);
        paintFigure(painter, size, options, source);
    }
    const int dots_per_meter = static_cast<int>(std::lround(options.dpi / 0.0254));
    image.setDotsPerMeterX(dots_per_meter);
    image.setDotsPerMeterY(dots_per_meter);
    QSaveFile file(path);  // the old picture stays until the new one is whole
    if (!file.open(QIODevice::WriteOnly) || !image.save(&file, "PNG") || !file.commit())
        return tl::unexpected(writeError(path, file.errorString()));
    return {};
}

Result<void> writeVector(const QString& path, const QSize& size, const FigureOptions& options,
                         const FigureSource& source) {
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly)) return tl::unexpected(writeError(path, file.errorString()));
    const auto draw = [&](QPaintDevice& device) {
        QCPPainter painter;
        if (!painter.begin(&device)) return false;
        painter.setMode(QCPPainter::pmVectorized);
        painter.setMode(QCPPainter::pmNoCaching);
        paintFigure(painter, size, options, source);
        return painter.end();
    };
    bool drawn = false;
    if (options.format == FigureFormat::Svg) {
        QSvgGenerator svg;
        svg.setOutputDevice(&file);
        svg.setSize(size);
        svg.setResolution(source.screen_dpi);
        svg.setViewBox(QRect(QPoint(0, 0), size));
        svg.setTitle(options.title.isEmpty() ? QStringLiteral("Quibble") : options.title);
        svg.setDescription(options.footer);
        drawn = draw(svg);
    } else {
        QPdfWriter pdf(&file);
        pdf.setCreator(QStringLiteral("Quibble"));
        pdf.setTitle(options.title);
        // One unit is one logical pixel of the screen: point sizes and lengths keep their proportion.
        pdf.setResolution(source.screen_dpi);
        pdf.setPageSize(
            QPageSize(QSizeF(size) * 72.0 / source.screen_dpi, QPageSize::Point, {}, QPageSize::ExactMatch));
        pdf.setPageMargins(QMarginsF(0, 0, 0, 0));
        drawn = draw(pdf);
    }
    if (!drawn || !file.commit()) return tl::unexpected(writeError(path, file.errorString()));
    return {};
}

}  // namespace

Result<void> writeFigure(const QString& path, const FigureOptions& options, const FigureSource& source) {
    const QSize wanted = options.size.isEmpty() ? source.screen_size.expandedTo(QSize(320, 200)) : options.size;
    const double largest =
        std::max(wanted.width(), wanted.height()) * (options.format == FigureFormat::Png ? options.scale : 1.0);
    if (wanted.width() < 50 || wanted.height() < 50 || !(options.scale >= 0.5 && options.scale <= 8) ||
        largest > kLargestSide || options.dpi < 30 || options.dpi > 2400) {
        return fail(ErrorCode::InvalidArgument,
                    FigureView::tr("A figure of %1 × %2 at scale %3 and %4 dpi cannot be made")
                        .arg(wanted.width())
                        .arg(wanted.height())
                        .arg(options.scale)
                        .arg(options.dpi)
                        .toStdString(),
                    FigureView::tr("Use 50 to %1 pixels a side, scale 0.5 to 8, 30 to 2400 dpi")
                        .arg(kLargestSide)
                        .toStdString());
    }
    return options.format == FigureFormat::Png ? writePng(path, wanted, options, source)
                                               : writeVector(path, wanted, options, source);
}

}  // namespace quibble
