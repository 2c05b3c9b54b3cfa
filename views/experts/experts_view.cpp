#include "views/experts/experts_view.h"

#include <algorithm>
#include <utility>

#include <QComboBox>
#include <QTimer>

#include "engine/metrics/experts.h"
#include "views/experts/dropped_chart.h"
#include "views/experts/expert_charts.h"
#include "views/experts/expert_map.h"
#include "views/run_document.h"
#include "views/widgets.h"

namespace quibble {

namespace {

// The positions that the scope means; the whole run when nothing is selected.
std::pair<Position, Position> positionsOf(const RunDocument& document, ExpertsView::Scope scope) {
    const TokenRange range = document.selection();
    if (scope == ExpertsView::Scope::Token && document.current() >= 0)
        return {document.positionOf(document.current()), document.positionOf(document.current()) + 1};
    if (scope == ExpertsView::Scope::Range && !range.empty())
        return {document.positionOf(range.begin), document.positionOf(range.end - 1) + 1};
    return {0, kLastPosition};
}

}  // namespace

ExpertsView::ExpertsView(RunDocument* document, QWidget* parent)
    : FigureDeck(tr("Experts"), parent),
      document_(document),
      map_(new ExpertMap(document, this)),
      union_(new UnionChart(this)),
      coverage_(new CoverageChart(this)),
      load_(new LoadChart(this)),
      pairs_(new CoActivationMap(this)),
      dropped_(new DroppedChart(document, this)),
      scope_box_(new QComboBox(this)),
      timer_(new QTimer(this)) {
    scope_box_->addItems({tr("this run"), tr("selection"), tr("this token")});
    scope_box_->setAccessibleName(tr("Tokens that are counted"));
    useFont(scope_box_, FontRole::Small);
    addHeaderControl(scope_box_);
    setDeck({map_, coverage_, union_, dropped_, load_, pairs_}, MainShape::Wide);
    timer_->setSingleShot(true);
    connect(timer_, &QTimer::timeout, this, &ExpertsView::refresh);
    connect(scope_box_, &QComboBox::activated, this, [this](int index) { setScope(static_cast<Scope>(index)); });
    connect(map_, &ExpertMap::layerChanged, this, &ExpertsView::updatePairs);
    connect(document_, &RunDocument::expertsAdvanced, this, &ExpertsView::schedule);
    connect(document_, &RunDocument::selectionChanged, this, [this] {
        if (scope_ != Scope::Run) schedule();
    });
    for (const auto signal : {&RunDocument::reset, &RunDocument::finished, &RunDocument::provenanceChanged})
        connect(document_, signal, this, &ExpertsView::refresh);
    refresh();
}

void ExpertsView::setScope(Scope scope) {
    scope_ = scope;
    scope_box_->setCurrentIndex(static_cast<int>(scope));
    refresh();
}

void ExpertsView::setOfferedModel(const QString& name) {
    offered_ = name;
    refresh();
}

void ExpertsView::schedule() {
    // Over all tokens and layers: not at every frame.
    if (!timer_->isActive()) timer_->start(document_->size() > 20000 && scope_ == Scope::Run ? 2000 : 250);
}

bool ExpertsView::nothingRecorded() const {
    const RunProvenance& p = document_->trace().provenance();
    return document_->trace().tokenExperts().empty() || p.expert_layers == 0 || p.experts == 0;
}

void ExpertsView::refresh() {
    const RunProvenance& p = document_->trace().provenance();
    if (nothingRecorded()) {
        setFigures({});
        const bool dense = p.expert_layers == 0 && !p.model_name.empty();
        const QString name = QString::fromStdString(p.model_name);
        if (p.expert_layers > 0)
            return setEmptyState(
                tr("Nothing was recorded yet. The experts of each token show here. %1.").arg(document_->runHint()), {});
        setEmptyState(dense
                          ? tr("%1 is a dense model: it has no experts. A mixture-of-experts model shows here which of "
                               "them each token uses.")
                                .arg(name)
                          : tr("Nothing was recorded yet. Run a mixture-of-experts model, and its experts show here."),
                      offered_.isEmpty() ? tr("Open a model…") : tr("Open %1").arg(offered_));
        return;
    }
    setEmptyState({}, {});
    contentChanged();
}

void ExpertsView::refreshContent() {
    if (nothingRecorded()) return;
    const RunTrace& trace = document_->trace();
    const RunProvenance& p = trace.provenance();
    const auto [begin, end] = positionsOf(*document_, scope_);
    const ExpertCounts counts = countExperts(trace, begin, end);
    map_->setCounts(counts);
    load_->setCounts(counts);
    const int budget = trace.expertPasses().empty() ? 0 : trace.expertPasses().back().budget;
    union_->setSizes(unionByRows(trace, begin, end));
    coverage_->setCoverage(coverageByBudget(trace, begin, end), budget);
    dropped_->reload();
    updatePairs();
    QStringList parts{tr("%1 of %2 a token").arg(p.experts_used).arg(p.experts)};
    if (budget > 0) parts << tr("budget %1").arg(budget);
    if (dropped_->mean() > 0) parts << tr("%1 dropped").arg(formatPercent(dropped_->mean()));
    setFigures(parts.join(QStringLiteral(" · ")));
}

void ExpertsView::updatePairs() {
    const auto [begin, end] = positionsOf(*document_, scope_);
    const int layer = std::max(0, map_->layer());
    pairs_->setPairs(layer, document_->trace().provenance().experts,
                     coActivation(document_->trace(), layer, begin, end));
}

}  // namespace quibble
