#include "views/plots/traces_view.h"

#include <QHBoxLayout>
#include <QMenu>
#include <QPushButton>
#include <QStackedWidget>
#include <QVBoxLayout>

#include "views/plots/traces_plot.h"
#include "views/tables/token_table.h"
#include "views/tables/token_table_model.h"
#include "views/widgets.h"

namespace quibble {

TracesView::TracesView(RunDocument* document, QWidget* parent)
    : FigureView(tr("Traces"), parent),
      document_(document),
      stack_(new QStackedWidget(this)),
      plot_(new TracesPlot(document, this)),
      twin_(new TokenTable(document, this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(stack_);
    stack_->addWidget(plot_);
    stack_->addWidget(twin_);

    header_ = new QWidget(this);
    auto* row = new QHBoxLayout(header_);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(2);
    live_button_ = makeFlatButton(QStringLiteral("live"), tr("Jump to live: follow the newest token"), header_);
    live_button_->setText(tr("live"));
    live_button_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    live_button_->setCheckable(true);
    live_button_->setChecked(true);
    useFont(live_button_, FontRole::Small);
    table_button_ = makeFlatButton(QStringLiteral("table"), tr("Show the numbers as a table"), header_);
    table_button_->setCheckable(true);
    reference_button_ = new QPushButton(tr("Choose a reference…"), header_);
    reference_button_->setToolTip(
        tr("This run has no reference, so it has no KL. The next run is compared with what you choose."));
    reference_button_->setVisible(false);
    useFont(reference_button_, FontRole::Small);
    row->addWidget(reference_button_);
    row->addWidget(live_button_);
    row->addWidget(table_button_);
    connect(reference_button_, &QPushButton::clicked, this, &TracesView::referenceRequested);

    connect(live_button_, &QToolButton::clicked, this, [this] {
        jumpToLive();
        live_button_->setChecked(plot_->follows());
    });
    connect(table_button_, &QToolButton::toggled, this, &TracesView::showTable);
    connect(plot_, &TracesPlot::followChanged, this, [this](bool follow) {
        live_button_->setChecked(follow);
        emit followTailChanged(follow);
    });
    connect(plot_, &TracesPlot::menuRequested, this, &TracesView::showMenu);
    for (const auto signal : {&RunDocument::selectionChanged, &RunDocument::unitChanged, &RunDocument::reset,
                              &RunDocument::provenanceChanged}) {
        connect(document_, signal, this, &TracesView::updateFigures);
    }
    connect(document_, &RunDocument::hoveredChanged, this, &TracesView::updateFigures);
    connect(document_, &RunDocument::applied, this, &TracesView::updateFigures);
    connect(document_, &RunDocument::referenceAdvanced, this, &TracesView::updateFigures);
    setFocusProxy(plot_);
    updateFigures();
}

void TracesView::updateReferenceButton() {
    reference_button_->setVisible(document_->size() > 0 && !document_->hasReference());
}

void TracesView::updateFigures() {
    updateReferenceButton();
    // What the mouse points at, else the token with the focus.
    const int token = document_->hovered() >= 0 ? document_->hovered() : document_->current();
    if (token < 0) {
        setFigures(tr("%n tokens", nullptr, document_->size()));
        return;
    }
    const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(token)];
    const Unit unit = document_->unit();
    const QString nat = measureUnit(Measure::Entropy, unit);
    QString text = tr("token %1 · entropy %2 %3").arg(token).arg(measureText(point, Measure::Entropy, unit), nat);
    if (point.hasReference())
        text += tr(" · KL %1 %2").arg(measureText(point, Measure::Kl, unit), nat);
    else if (document_->hasReference())
        text += tr(" · KL pending");
    text += tr(" · marker mass %1").arg(measureText(point, Measure::MarkerMass, unit));
    setFigures(text);
}

void TracesView::showMenu(const QPoint& global) {
    QMenu menu(this);
    menu.addAction(tr("Fit all"), this, &TracesView::fitAll)->setShortcut(QKeySequence(Qt::Key_F));
    menu.addAction(tr("Jump to live"), this, &TracesView::jumpToLive)->setShortcut(QKeySequence(Qt::Key_End));
    menu.addAction(tr("Zoom to selection"), this,
                   [this] {
                       const TokenRange range = document_->selection();
                       plot_->setRange(range.begin - 2, range.end + 1);
                   })
        ->setEnabled(document_->selection().size() > 1);
    menu.addSeparator();
    menu.addAction(tr("Copy picture"), this, &TracesView::copyPicture);
    menu.addAction(tr("Copy numbers as CSV"), this, &TracesView::copyCsv);
    menu.addAction(tr("Show as table"), this, [this] { showTable(true); });
    menu.addSeparator();
    menu.addAction(tr("Export figure…"), this, &TracesView::exportRequested);
    menu.exec(global);
}

void TracesView::showTable(bool on) {
    stack_->setCurrentIndex(on ? 1 : 0);
    table_button_->setChecked(on);
    setFocusProxy(on ? static_cast<QWidget*>(twin_) : plot_);
    emit tableRequested(on);
}

Result<void> TracesView::exportFigure(const QString& path, const FigureOptions& options) {
    return plot_->exportTo(path, options);
}
QAbstractItemModel* TracesView::table() { return twin_->model(); }
QPixmap TracesView::picture(double scale) { return plot_->picture(scale); }
QWidget* TracesView::headerWidget() { return header_; }
QWidget* TracesView::plotWidget() const { return plot_; }
bool TracesView::followsTail() const { return plot_->follows(); }
double TracesView::xLower() const { return plot_->range().lower; }
double TracesView::xUpper() const { return plot_->range().upper; }
double TracesView::lastReplotMs() const { return plot_->lastReplotMs(); }
std::int64_t TracesView::valuesRead() const { return plot_->valuesRead(); }
double TracesView::xPixel(int token) const { return plot_->pixelOf(token); }
void TracesView::replotNow() { plot_->replot(); }

void TracesView::jumpToLive() {
    plot_->setFollow(true);
    plot_->requestReplot();
}

void TracesView::fitAll() { plot_->fitAll(); }

void TracesView::zoom(double factor) {
    plot_->zoomAround(document_->current() >= 0 ? document_->current() : plot_->range().center(), factor);
}

void TracesView::setXRange(double lower, double upper) { plot_->setRange(lower, upper); }

}  // namespace quibble
