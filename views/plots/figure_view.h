// A view that can be saved as a picture with the look it has on screen, and that has a table twin.
#pragma once

#include <QPixmap>
#include <QSize>
#include <QString>

#include "engine/values/result.h"
#include "views/view.h"

class QAbstractItemModel;

namespace quibble {

enum class FigureFormat { Png, Svg, Pdf };

struct FigureOptions {
    FigureFormat format = FigureFormat::Png;
    QSize size;                // logical pixels; empty: as on screen
    double scale = 2;          // PNG: device pixels per logical pixel, 0.5 .. 8
    int dpi = 192;             // PNG: stored in the file
    bool light = true;         // light colours even when the window is dark
    bool transparent = false;  // PNG and SVG: no background
    QString title;             // above the figure; empty: none
    QString footer;            // below it: provenance; empty: none
};

/// ".png" -> Png and so on; an error for any other ending.
[[nodiscard]] Result<FigureFormat> figureFormatOf(const QString& path);

class FigureView : public View {
    Q_OBJECT
public:
    using View::View;
    /// Errors: nothing to draw, absurd size or scale, the file cannot be written.
    [[nodiscard]] virtual Result<void> exportFigure(const QString& path, const FigureOptions& options) = 0;
    /// The same data as a table; owned by the view.
    [[nodiscard]] virtual QAbstractItemModel* table() = 0;
    /// As on screen, at `scale` device pixels per pixel.
    [[nodiscard]] virtual QPixmap picture(double scale) = 0;
    /// "traces", for file names.
    [[nodiscard]] virtual QString figureName() const = 0;

public slots:
    void copyPicture();  // to the clipboard, as on screen
    void copyCsv();      // the table, C locale

signals:
    void exportRequested();  // "Export..." in the context menu
    void tableRequested(bool on);
};

}  // namespace quibble
