#include "app/data_export.h"

#include <fstream>
#include <system_error>

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QPushButton>
#include <QRegularExpression>
#include <QVBoxLayout>

#include "engine/values/move_into_place.h"
#include "views/run_document.h"
#include "views/widgets.h"

namespace quibble {

Result<void> exportTrace(const RunTrace& trace, const std::filesystem::path& path, DataFormat format, ExportRange range,
                         const std::stop_token& stop) {
    if (auto allowed = checkReplaceable(path); !allowed) return allowed;
    std::filesystem::path temporary = path;
    temporary += ".part";
    std::error_code ignored;
    {
        std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
        if (format == DataFormat::Csv)
            exportCsv(out, trace, range, stop);
        else
            exportJsonLines(out, trace, range, stop);
        out.close();
        if (stop.stop_requested()) {
            std::filesystem::remove(temporary, ignored);
            return fail(ErrorCode::Cancelled, "the export to " + path.string() + " was cancelled");
        }
        if (!out) {
            std::filesystem::remove(temporary, ignored);
            return fail(ErrorCode::Io, "cannot write " + path.string(),
                        "Check the folder, who may write there, and the free space");
        }
    }
    return moveIntoPlace(temporary, path);
}

QString exportName(const RunDocument& document, const QString& what) {
    const RunProvenance& p = document.trace().provenance();
    QString name = QString::fromStdString(p.model_name + " " + p.weight_format);
    if (document.run() != kNoRun) name += QStringLiteral(" run%1").arg(raw(document.run()));
    if (!what.isEmpty()) name += QLatin1Char(' ') + what;
    return name.trimmed().toLower().replace(QRegularExpression(QStringLiteral("[^a-z0-9]+")), QStringLiteral("-"));
}

DataExportDialog::DataExportDialog(const RunDocument& document, QWidget* parent)
    : QDialog(parent), document_(document), format_(new QComboBox(this)), range_(new QComboBox(this)) {
    setWindowTitle(tr("Export data"));
    setObjectName(QStringLiteral("dataExportDialog"));
    format_->addItem(tr("CSV, one row a token"), static_cast<int>(DataFormat::Csv));
    format_->addItem(tr("JSON Lines, with all alternatives"), static_cast<int>(DataFormat::JsonLines));
    format_->setAccessibleName(tr("Form of the data"));
    range_->addItem(tr("All tokens (%L1)").arg(document.size()));
    const TokenRange chosen = document.selection();
    if (chosen.size() > 1) range_->addItem(tr("Selected tokens %1 to %2").arg(chosen.begin).arg(chosen.end - 1));
    range_->setAccessibleName(tr("Range of tokens"));
    auto* form = new QFormLayout;
    form->addRow(tr("&Form"), format_);
    form->addRow(tr("&Range"), range_);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Save | QDialogButtonBox::Cancel, this);
    buttons->button(QDialogButtonBox::Save)->setText(tr("&Save as…"));
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* column = new QVBoxLayout(this);
    column->addLayout(form);
    column->addWidget(makeCaption(
        tr("In nats, in the C locale, with the model's hash, formats, seed and every control change."), this));
    column->addWidget(buttons);
}

DataFormat DataExportDialog::format() const { return static_cast<DataFormat>(format_->currentData().toInt()); }

ExportRange DataExportDialog::range() const {
    if (range_->currentIndex() < 1) return {};
    const auto& points = document_.trace().points();
    const TokenRange chosen = document_.selection();
    return {points[static_cast<std::size_t>(chosen.begin)].token.pos,
            points[static_cast<std::size_t>(chosen.end - 1)].token.pos + 1};
}

}  // namespace quibble
