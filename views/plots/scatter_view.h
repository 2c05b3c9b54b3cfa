// KL against entropy, one dot a token, markers in the marker colour; Spearman's rho in the title.
#pragma once

#include "views/plots/figure_view.h"

class QTimer;

namespace quibble {

class RunDocument;
class ScatterPlot;
class TokenTableModel;

class ScatterView : public FigureView {
    Q_OBJECT
public:
    explicit ScatterView(RunDocument* document, QWidget* parent = nullptr);

    [[nodiscard]] Result<void> exportFigure(const QString& path, const FigureOptions& options) override;
    [[nodiscard]] QAbstractItemModel* table() override;
    [[nodiscard]] QPixmap picture(double scale) override;
    [[nodiscard]] QString figureName() const override { return QStringLiteral("kl-entropy"); }
    [[nodiscard]] QWidget* plotWidget() const;
    [[nodiscard]] QPoint pointOf(int token) const;  // in plotWidget()

private:
    void updateFigures();

    RunDocument* document_;
    ScatterPlot* plot_;
    TokenTableModel* table_;
    QTimer* timer_;
};

}  // namespace quibble
