#include "views/speculation/speculation_view.h"

#include <QTimer>
#include <QToolButton>

#include "views/run_document.h"
#include "views/speculation/draft_tree_view.h"
#include "views/speculation/speculation_charts.h"
#include "views/widgets.h"

namespace quibble {

SpeculationView::SpeculationView(RunDocument* document, QWidget* parent)
    : FigureDeck(tr("Speculation"), parent),
      document_(document),
      tree_(new DraftTreeView(document, this)),
      acceptance_(new AcceptanceChart(this)),
      lengths_(new LengthChart(this)),
      cost_(new CostChart(this)),
      timer_(new QTimer(this)) {
    QToolButton* previous = makeFlatButton(QStringLiteral("up"), tr("Previous round (Page Up)"), this);
    QToolButton* next = makeFlatButton(QStringLiteral("down"), tr("Next round (Page Down)"), this);
    connect(previous, &QToolButton::clicked, this, [this] { tree_->stepRound(-1); });
    connect(next, &QToolButton::clicked, this, [this] { tree_->stepRound(1); });
    addHeaderControl(previous);
    addHeaderControl(next);
    setDeck({tree_, acceptance_, lengths_, cost_}, MainShape::Wide);
    timer_->setSingleShot(true);
    connect(timer_, &QTimer::timeout, this, &SpeculationView::refresh);
    connect(document_, &RunDocument::draftsAdvanced, this, &SpeculationView::schedule);
    for (const auto signal : {&RunDocument::reset, &RunDocument::finished, &RunDocument::provenanceChanged}) {
        connect(document_, signal, this, &SpeculationView::refresh);
    }
    connect(document_, &RunDocument::selectionChanged, this, &SpeculationView::schedule);
    refresh();
}

void SpeculationView::schedule() {
    // Over all rounds: not at every frame.
    if (document_->trace().draftRounds().empty() == isEmpty() && !timer_->isActive())
        timer_->start(document_->size() > 20000 ? 1000 : 250);
    else if (document_->trace().draftRounds().empty() != isEmpty())
        refresh();
}

void SpeculationView::setDraftChosen(bool chosen) {
    if (chosen == draft_chosen_) return;
    draft_chosen_ = chosen;
    if (isEmpty()) refresh();
}

QString SpeculationView::nothingDrafted() const {
    if (draft_chosen_)
        return document_->size() > 0
                   ? tr("This run decodes without drafts; the next one drafts. %1.").arg(document_->runHint())
                   : tr("Nothing was drafted yet. %1.").arg(document_->runHint());
    return document_->size() > 0 ? tr("This run decodes without drafts. Choose who drafts, then run again.")
                                 : tr("Nothing was drafted yet. Choose who drafts, then run.");
}

void SpeculationView::refresh() {
    const RunTrace& trace = document_->trace();
    if (trace.draftRounds().empty()) {
        setFigures({});
        numbers_ = {};
        setEmptyState(nothingDrafted(), draft_chosen_ ? tr("Drafts and experts…") : tr("Choose a draft…"));
        return;
    }
    setEmptyState({}, {});
    contentChanged();
}

void SpeculationView::refreshContent() {
    const RunTrace& trace = document_->trace();
    if (trace.draftRounds().empty()) return;
    const TokenRange range = document_->selection();
    const bool part = range.size() > 1;
    numbers_ =
        part ? speculationNumbers(trace, document_->positionOf(range.begin), document_->positionOf(range.end - 1) + 1)
             : speculationNumbers(trace);
    acceptance_->setNumbers(numbers_);
    lengths_->setNumbers(numbers_);
    cost_->setNumbers(numbers_);
    QStringList parts;
    if (part) parts << tr("selection");
    if (const auto tokens = numbers_.tokensPerVerify())
        parts << tr("%1 tokens a verify step").arg(formatNumber(*tokens, 2));
    if (const auto gain = numbers_.speedUp()) parts << tr("speed-up %1×").arg(formatNumber(*gain, 2));
    if (const auto efficiency = numbers_.targetEfficiency())
        parts << tr("target efficiency %1").arg(formatNumber(*efficiency, 2));
    setFigures(parts.join(QStringLiteral(" · ")));
}

}  // namespace quibble
