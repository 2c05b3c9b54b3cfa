#include "views/plots/figure_view.h"

#include <QApplication>
#include <QClipboard>

#include "views/tables/token_table_model.h"

namespace quibble {

Result<FigureFormat> figureFormatOf(const QString& path) {
    const QString ending = path.section(QLatin1Char('.'), -1).toLower();
    if (path.contains(QLatin1Char('.'))) {
        if (ending == QLatin1String("png")) return FigureFormat::Png;
        if (ending == QLatin1String("svg")) return FigureFormat::Svg;
        if (ending == QLatin1String("pdf")) return FigureFormat::Pdf;
    }
    return fail(ErrorCode::InvalidArgument,
                FigureView::tr("%1 does not end in .png, .svg or .pdf").arg(path).toStdString(),
                FigureView::tr("Give the file one of these endings").toStdString());
}

void FigureView::copyCsv() { QApplication::clipboard()->setText(toCsv(*table())); }

void FigureView::copyPicture() { QApplication::clipboard()->setPixmap(picture(2)); }

}  // namespace quibble
