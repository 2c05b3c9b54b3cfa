// The table of stages as it is painted: a number with a thin bar below it, what a stage took out struck through.
#pragma once

#include <QTableView>

#include "engine/values/ids.h"

namespace quibble {

class RunDocument;
class StagesModel;

class StagesTable : public QTableView {
    Q_OBJECT
public:
    explicit StagesTable(RunDocument* document, QWidget* parent);
    [[nodiscard]] StagesModel* stages() const { return stages_; }
    /// Highlights the row of a token without telling anybody.
    void showChosen(TokenId id);
    /// As comma separated values, or with tabs between aligned columns as they are shown: the selected rows where there
    /// are several, else all.
    void copyCsv();
    void copyText();
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

signals:
    void chosen(quibble::TokenId id);     // click, or the cursor keys
    void confirmed(quibble::TokenId id);  // Enter or double click

protected:
    void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;
    void focusInEvent(QFocusEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    /// The tokens stay at the left when the columns are scrolled.
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void fitColumns();
    void fitHeight();
    void fit();
    void addCopyActions();
    [[nodiscard]] int rowsHeight(int rows) const;
    /// The rows that are copied, [first, last).
    [[nodiscard]] std::pair<int, int> copied() const;

    StagesModel* stages_;
    bool wide_ = false;  // the columns need more room than there is
    bool silent_ = false;
};

}  // namespace quibble
