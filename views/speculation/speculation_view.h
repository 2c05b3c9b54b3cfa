// Speculative decoding of a run: the tree of the selected round, acceptance by position, accepted lengths, cost, and
// the figures that sum it up.
#pragma once

#include "engine/metrics/speculation.h"
#include "views/plots/figure_deck.h"

class QTimer;

namespace quibble {

class AcceptanceChart;
class CostChart;
class DraftTreeView;
class LengthChart;
class RunDocument;

class SpeculationView : public FigureDeck {
    Q_OBJECT
public:
    explicit SpeculationView(RunDocument* document, QWidget* parent = nullptr);
    [[nodiscard]] DraftTreeView* tree() const { return tree_; }
    [[nodiscard]] const SpeculationNumbers& numbers() const { return numbers_; }
    /// A draft is chosen for the next run: the empty panel asks to run, not to choose.
    void setDraftChosen(bool chosen);

protected:
    void refreshContent() override;

private:
    void schedule();
    void refresh();
    [[nodiscard]] QString nothingDrafted() const;

    RunDocument* document_;
    DraftTreeView* tree_;
    AcceptanceChart* acceptance_;
    LengthChart* lengths_;
    CostChart* cost_;
    QTimer* timer_;
    SpeculationNumbers numbers_;
    bool draft_chosen_ = false;
};

}  // namespace quibble
