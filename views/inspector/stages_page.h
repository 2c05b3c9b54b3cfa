// The page of the token inspector that shows how the token was chosen, stage by stage, and says what happened.
#pragma once

#include <memory>

#include <QWidget>

#include "engine/values/stage_table.h"

class QLabel;

namespace quibble {

class MoreRows;
class RunDocument;
class StagesTable;

class StagesPage : public QWidget {
    Q_OBJECT
public:
    StagesPage(RunDocument* document, QWidget* parent);

    /// nullptr: nothing is known of the token.
    void setTable(const std::shared_ptr<const StageTable>& table);
    /// Instead of a table: why there is none.
    void setRefusal(const QString& why);
    /// What is shown is of another token, until the answer for this one has come.
    void setComputing();
    [[nodiscard]] StagesTable* table() const { return table_; }
    [[nodiscard]] MoreRows* more() const { return more_; }
    [[nodiscard]] QString sentence() const;
    [[nodiscard]] QString folded() const;
    [[nodiscard]] QString refusal() const;

private:
    StagesTable* table_;
    MoreRows* more_;
    QLabel* sentence_;
    QLabel* folded_;
    QLabel* refusal_;
};

/// "exact, recomputed: 0.6 ms"
[[nodiscard]] QString recomputedNote(const StageTable& table);

}  // namespace quibble
