// "Export figure": which figure, format, size, scale and DPI, footer. Writes the file itself through FigureView.
#pragma once

#include <vector>

#include <QDialog>

#include "views/plots/figure_view.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QPushButton;

namespace quibble {

class NumberField;

class ExportDialog : public QDialog {
    Q_OBJECT
public:
    /// `provenance` is the line offered as footer; `folder` is where the file dialog starts.
    ExportDialog(std::vector<FigureView*> figures, QString provenance, QString folder, QWidget* parent = nullptr);
    void chooseFigure(FigureView* figure);
    [[nodiscard]] FigureOptions options() const;

signals:
    void exported(const QString& path);

private:
    void updateForFormat();
    void save();
    void saveAs(const QString& path);

    std::vector<FigureView*> figures_;
    QString provenance_, folder_;
    QComboBox* figure_;
    QComboBox* format_;
    NumberField* width_;
    NumberField* height_;
    NumberField* scale_;
    NumberField* dpi_;
    QCheckBox* light_;
    QCheckBox* transparent_;
    QCheckBox* footer_;
    QLabel* message_;
};

}  // namespace quibble
