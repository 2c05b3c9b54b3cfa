#include "views/plots/export_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QDir>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include "views/number_field.h"
#include "views/save_file.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

const char* const kEndings[] = {"png", "svg", "pdf"};

}  // namespace

ExportDialog::ExportDialog(std::vector<FigureView*> figures, QString provenance, QString folder, QWidget* parent)
    : QDialog(parent),
      figures_(std::move(figures)),
      provenance_(std::move(provenance)),
      folder_(std::move(folder)),
      figure_(new QComboBox(this)),
      format_(new QComboBox(this)),
      width_(new NumberField(tr("Width"), this)),
      height_(new NumberField(tr("Height"), this)),
      scale_(new NumberField(tr("Scale"), this)),
      dpi_(new NumberField(tr("Resolution"), this)),
      light_(new QCheckBox(tr("light colours"), this)),
      transparent_(new QCheckBox(tr("transparent background"), this)),
      footer_(new QCheckBox(tr("state where the numbers come from"), this)),
      message_(makeCaption({}, this)) {
    setWindowTitle(tr("Export figure"));
    for (const FigureView* figure : figures_) figure_->addItem(figure->title());
    format_->addItems({tr("PNG picture"), tr("SVG drawing"), tr("PDF page")});
    for (NumberField* side : {width_, height_}) {
        side->setRange(50, 10000);
        side->setGrid(1);
        side->setStep(50);
        side->setUnit(tr("px"));
    }
    scale_->setRange(0.5, 8);
    scale_->setStep(0.5);
    scale_->setValue(2);
    scale_->setUnit(tr("times"));
    dpi_->setRange(30, 2400);
    dpi_->setGrid(1);
    dpi_->setValue(192);
    dpi_->setUnit(tr("dpi"));
    light_->setChecked(true);
    footer_->setChecked(true);
    footer_->setToolTip(provenance_);
    auto* column = new QVBoxLayout(this);
    auto* form = new QFormLayout;
    form->addRow(tr("Figure"), figure_);
    form->addRow(tr("Format"), format_);
    form->addRow(tr("Width"), width_);
    form->addRow(tr("Height"), height_);
    form->addRow(tr("Scale"), scale_);
    form->addRow(tr("Resolution"), dpi_);
    form->addRow(QString(), light_);
    form->addRow(QString(), transparent_);
    form->addRow(QString(), footer_);
    column->addLayout(form);
    column->addWidget(makeFaultNote(this));
    column->addWidget(message_);
    useTextColour(message_, TextRole::Bad);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Save | QDialogButtonBox::Cancel, this);
    QPushButton* save = buttons->button(QDialogButtonBox::Save);
    makePrimary(save);
    for (const NumberField* field : {width_, height_, scale_, dpi_}) {
        connect(field, &NumberField::faultChanged, save,
                [this, save] { save->setEnabled(firstFault(this).isEmpty()); });
    }
    column->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::accepted, this, &ExportDialog::save);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(format_, &QComboBox::currentIndexChanged, this, &ExportDialog::updateForFormat);
    connect(figure_, &QComboBox::currentIndexChanged, this,
            [this](int index) { chooseFigure(figures_[static_cast<std::size_t>(index)]); });
    if (!figures_.empty()) chooseFigure(figures_.front());
    updateForFormat();
}

void ExportDialog::chooseFigure(FigureView* figure) {
    const auto found = std::find(figures_.begin(), figures_.end(), figure);
    if (found == figures_.end()) return;
    figure->bringUpToDate();
    figure_->setCurrentIndex(static_cast<int>(found - figures_.begin()));
    width_->setValue(figure->width());
    height_->setValue(figure->height());
}

void ExportDialog::updateForFormat() {
    const bool png = format_->currentIndex() == 0;
    scale_->setEnabled(png);
    dpi_->setEnabled(png);
    transparent_->setEnabled(format_->currentIndex() != 2);
}

FigureOptions ExportDialog::options() const {
    FigureOptions options;
    options.format = static_cast<FigureFormat>(format_->currentIndex());
    options.size = QSize(width_->whole(), height_->whole());
    options.scale = scale_->value();
    options.dpi = dpi_->whole();
    options.light = light_->isChecked();
    options.transparent = transparent_->isEnabled() && transparent_->isChecked();
    if (footer_->isChecked()) options.footer = provenance_;
    if (figure_->currentIndex() >= 0) {
        const FigureView* figure = figures_[static_cast<std::size_t>(figure_->currentIndex())];
        options.title =
            figure->figures().isEmpty() ? figure->title() : figure->title() + QStringLiteral("   ") + figure->figures();
    }
    return options;
}

void ExportDialog::save() {
    if (figure_->currentIndex() < 0) return;
    const FigureView* figure = figures_[static_cast<std::size_t>(figure_->currentIndex())];
    const QString ending = QLatin1String(kEndings[format_->currentIndex()]);
    askWhereToSave(this,
                   {.title = tr("Export figure"),
                    .filter = QStringLiteral("*.") + ending,
                    .start = QDir(folder_).filePath(figure->figureName()),
                    .ending = ending},
                   [this](const QString& path) { saveAs(path); });
}

void ExportDialog::saveAs(const QString& path) {
    FigureView* figure = figures_[static_cast<std::size_t>(figure_->currentIndex())];
    figure->bringUpToDate();  // of a panel that is hidden, while a run goes on
    if (const Result<void> result = figure->exportFigure(path, options()); !result) {
        message_->setText(QString::fromStdString(result.error().line()));
        return;
    }
    emit exported(path);
    accept();
}

}  // namespace quibble
