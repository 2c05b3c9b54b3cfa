// KL against entropy, one dot a token, markers in the marker colour; Spearman's rho in the title.
#pragma once

#include "views/plots/figure_view.h"

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
    [[nodiscard]] QString figureName() const override { return QStringLiteral("kl-entropy"); }
    [[nodiscard]] QWidget* plotWidget() const;

private:
    void updateFigures();

    RunDocument* document_;
    ScatterPlot* plot_;
    TokenTableModel* table_;
};

}  // namespace quibble
