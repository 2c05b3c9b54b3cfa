// Speculative decoding of a run: the tree of the selected round, acceptance by position, accepted lengths, cost, and the figures that sum
// it up.
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

protected:
    void showEvent(QShowEvent* event) override;

private:
    void schedule();
    void refresh();

    RunDocument* document_;
    DraftTreeView* tree_;
    AcceptanceChart* acceptance_;
    LengthChart* lengths_;
    CostChart* cost_;
    QTimer* timer_;
    SpeculationNumbers numbers_;
    bool stale_ = true;
};

}  // namespace quibble
