// One token in full: its numbers, and what the quantized model, the penalty and the reference would have said at its
// position. An alternative that is chosen can start a branch.
#pragma once

#include <vector>

#include "engine/values/ids.h"
#include "views/view.h"

class QLabel;
class QPushButton;
class QToolButton;

namespace quibble {

class AlternativesList;
class RunDocument;
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

    [[nodiscard]] QWidget* headerWidget() override;

signals:
    /// Replace the token at `pos` by `id` and go on from there.
    void branchRequested(quibble::Position pos, quibble::TokenId id);

private:
    void build();
    void refresh();
    void showNumbers(const TracePoint& point);
    void showAlternatives(const TracePoint& point);
    void showOrigin(const TracePoint& point);
    void showExperts(const TracePoint& point);
    void updateBranchButton();

    RunDocument* document_;
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
    QPushButton* branch_button_;
    QToolButton* more_;
    TokenId chosen_ = kNoToken;
    QString blocked_;
    int shown_ = -1;
};

}  // namespace quibble
