// One token in full, on two pages. Alternatives: its numbers, and what the quantized model, the penalty and the
// reference would have said at its position. Stages: how it was chosen. A candidate that is chosen can start a branch.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/values/ids.h"
#include "engine/values/stage_table.h"
#include "views/view.h"

class QButtonGroup;
class QLabel;
class QPushButton;
class QScrollArea;

namespace quibble {

class AlternativesList;
class MoreRows;
class RunDocument;
class StagesPage;
struct TracePoint;

class TokenInspector : public View {
    Q_OBJECT
public:
    explicit TokenInspector(RunDocument* document, QWidget* parent = nullptr);

    /// The alternative that "Branch from" would take; kNoToken when none is chosen.
    [[nodiscard]] TokenId chosen() const { return chosen_; }
    void choose(TokenId id);
    /// Why branching is impossible right now ("The model of this run is not loaded"); empty: it is possible.
    void setBranchBlocked(const QString& reason);
    [[nodiscard]] QPushButton* branchButton() const { return branch_button_; }
    [[nodiscard]] AlternativesList* quantizedList() const { return quantized_; }
    [[nodiscard]] AlternativesList* penalizedList() const { return penalized_; }
    [[nodiscard]] AlternativesList* referenceList() const { return reference_; }

    [[nodiscard]] QWidget* headerWidget() override { return pages_; }

    enum class Page { Alternatives, Stages };
    [[nodiscard]] Page page() const { return page_; }
    void setPage(Page page);
    /// The answer to stagesWanted. Nothing happens when another token is shown by now.
    void setStages(std::shared_ptr<const StageTable> table);
    /// Why there is no answer.
    void refuseStages(Position pos, const QString& why);
    [[nodiscard]] StagesPage* stages() const { return stages_; }
    /// Below the alternatives.
    [[nodiscard]] MoreRows* moreAlternatives() const { return more_; }

signals:
    /// The shown page needs the stages of the token at `pos`, with so many rows, and as many alternatives of the
    /// reference. The last question holds.
    void stagesWanted(quibble::Position pos, int rows, bool with_reference);
    void pageChanged();
    /// Replace the token at `pos` by `id` and go on from there.
    void branchRequested(quibble::Position pos, quibble::TokenId id);

protected:
    void refreshContent() override;

private:
    void build();
    void buildPages();
    void buildAlternatives(QWidget* body);
    void refresh();
    void forgetAnswer();
    void ask();
    void showRows();
    /// The answer is of the shown token.
    [[nodiscard]] bool answered() const;
    [[nodiscard]] int vocabulary() const;
    [[nodiscard]] int rowsWanted() const;
    void showNumbers(const TracePoint& point);
    void showAlternatives(const TracePoint& point);
    void showOrigin(const TracePoint& point);
    void showExperts(const TracePoint& point);
    void updateBranchButton();

    RunDocument* document_;
    QScrollArea* scroll_;
    QLabel* hint_;
    QWidget* content_;
    QLabel* numbers_;
    QLabel* origin_;
    QLabel* experts_;
    QLabel* quantized_label_;
    QLabel* penalized_label_;
    QLabel* reference_label_;
    AlternativesList* quantized_;
    AlternativesList* penalized_;
    AlternativesList* reference_;
    QLabel* penalty_note_;
    MoreRows* more_;
    QPushButton* all_layers_;
    StagesPage* stages_;
    QWidget* pages_;
    QButtonGroup* page_buttons_;
    QPushButton* branch_button_;
    Page page_ = Page::Alternatives;
    std::shared_ptr<const StageTable> answer_;
    int alternatives_wanted_ = 0, stages_wanted_ = 0;  // rows
    std::pair<int, bool> asked_;  // of this token: rows, and whether of the reference too; 0: nothing was asked
    TokenId chosen_ = kNoToken;
    QString blocked_;
    int shown_ = -1;
};

}  // namespace quibble
