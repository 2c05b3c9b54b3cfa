// The experts of a mixture-of-experts run: which were chosen, where, and what a budget keeps and drops.
#pragma once

#include "views/plots/figure_deck.h"

class QComboBox;
class QTimer;

namespace quibble {

class CoActivationMap;
class CoverageChart;
class DroppedChart;
class ExpertMap;
class LoadChart;
class RunDocument;
class UnionChart;

class ExpertsView : public FigureDeck {
    Q_OBJECT
public:
    enum class Scope { Run, Range, Token };

    explicit ExpertsView(RunDocument* document, QWidget* parent = nullptr);
    [[nodiscard]] ExpertMap* map() const { return map_; }
    void setScope(Scope scope);
    [[nodiscard]] Scope scope() const { return scope_; }
    /// Name of a mixture-of-experts model that the empty panel can offer; empty: it offers to open a file.
    void setOfferedModel(const QString& name);

protected:
    void refreshContent() override;

private:
    void schedule();
    [[nodiscard]] bool nothingRecorded() const;
    void refresh();
    void updatePairs();

    RunDocument* document_;
    ExpertMap* map_;
    UnionChart* union_;
    CoverageChart* coverage_;
    LoadChart* load_;
    CoActivationMap* pairs_;
    DroppedChart* dropped_;
    QComboBox* scope_box_;
    QTimer* timer_;
    QString offered_;
    Scope scope_ = Scope::Run;
};

}  // namespace quibble
