// The stages of one token as a table: a row a candidate, a column a stage, the score that decided at the end. Rows come
// in pages, so that a large vocabulary costs what is looked at.
#pragma once

#include <memory>

#include <QAbstractTableModel>

#include "engine/values/stage_table.h"

namespace quibble {

class RunDocument;

class StagesModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Role {
        IdRole = Qt::UserRole,  // kNoToken: the other tokens
        ProbabilityRole,        // the bar; invalid: none
        DroppedRole,            // this stage took the token out
        GoneRole,               // an earlier one did
        TouchedRole,            // the rule changed the logit
        MarkerRole,
        ChosenRole,  // stands in the text
        AmountRole,  // of a header: its second line
        RuleRole,    // of a header or cell: method of the rule; empty: no rule
    };
    explicit StagesModel(RunDocument* document, QObject* parent);

    /// nullptr: none.
    void setTable(std::shared_ptr<const StageTable> table);
    [[nodiscard]] const StageTable* table() const { return table_.get(); }
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    [[nodiscard]] bool canFetchMore(const QModelIndex& parent) const override;
    void fetchMore(const QModelIndex& parent) override;
    void fetchAll();
    [[nodiscard]] int rowOf(TokenId id) const;  // -1: not among the rows
    [[nodiscard]] TokenId idAt(int row) const;  // kNoToken: the other tokens

private:
    [[nodiscard]] int fullRows() const;
    [[nodiscard]] const StageColumn* stageAt(int section) const;
    [[nodiscard]] bool isMarker(TokenId id) const;
    [[nodiscard]] QString tokenText(int row, bool visible_spaces) const;
    /// ln p of a row behind a stage; -inf: none.
    [[nodiscard]] double logprob(int row, int section) const;
    [[nodiscard]] bool out(int row, int section) const;
    [[nodiscard]] QVariant stageData(int row, int section, int role) const;
    [[nodiscard]] QVariant tokenData(int row, int role) const;
    [[nodiscard]] QVariant scoreData(int row, int role) const;

    RunDocument* document_;
    std::shared_ptr<const StageTable> table_;
    int rows_ = 0;  // of the pages so far
};

/// "0.340", "<0.001"
[[nodiscard]] QString stageProbability(double p);

}  // namespace quibble
