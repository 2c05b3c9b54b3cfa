#include "views/plots/scatter_view.h"

#include <QMenu>
#include <QTimer>
#include <QVBoxLayout>

#include "engine/metrics/divergence.h"
#include "views/plots/scatter_plot.h"
#include "views/tables/token_table_model.h"

namespace quibble {

ScatterView::ScatterView(RunDocument* document, QWidget* parent)
    : FigureView(tr("KL against entropy"), parent),
      document_(document),
      plot_(new ScatterPlot(document, this)),
      table_(new TokenTableModel(document, this)),
      timer_(new QTimer(this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(plot_);
    timer_->setSingleShot(true);
    connect(timer_, &QTimer::timeout, this, &ScatterView::updateFigures);
    connect(document_, &RunDocument::referenceAdvanced, this, [this] {
        // Ranks over the whole run: not at every frame.
        if (!timer_->isActive()) timer_->start(document_->size() > 20000 ? 2000 : 500);
    });
    connect(document_, &RunDocument::reset, this, &ScatterView::updateFigures);
    connect(document_, &RunDocument::finished, this, &ScatterView::updateFigures);
    connect(plot_, &ScatterPlot::menuRequested, this, [this](const QPoint& global) {
        QMenu menu(this);
        menu.addAction(tr("Copy picture"), this, &ScatterView::copyPicture);
        menu.addAction(tr("Copy numbers as CSV"), this, &ScatterView::copyCsv);
        menu.addAction(tr("Show as table"), this, [this] { emit tableRequested(true); });
        menu.addSeparator();
        menu.addAction(tr("Export figure…"), this, &ScatterView::exportRequested);
        menu.exec(global);
    });
    setFocusProxy(plot_);
    setToolTip(tr("ρ is Spearman's rank correlation of KL and the entropy of the reference over the sampled tokens."));
    updateFigures();
}

void ScatterView::updateFigures() {
    const std::optional<double> rho = klEntropyCorrelation(document_->trace());
    const bool none = document_->run() != kNoRun && document_->trace().request().reference.kind == ReferenceKind::None;
    setFigures(rho ? tr("ρ = %1").arg(formatNumber(*rho, 2)) : none ? tr("no reference") : QString());
}

Result<void> ScatterView::exportFigure(const QString& path, const FigureOptions& options) {
    return plot_->exportTo(path, options);
}
QAbstractItemModel* ScatterView::table() { return table_; }
QPixmap ScatterView::picture(double scale) { return plot_->picture(scale); }
QWidget* ScatterView::plotWidget() const { return plot_; }
QPoint ScatterView::pointOf(int token) const { return plot_->pixelOf(token).toPoint(); }

}  // namespace quibble
