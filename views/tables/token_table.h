// The token table as a view: follows the selection both ways.
#pragma once

#include "views/view.h"

class QTableView;

namespace quibble {

class RunDocument;
class TokenTableModel;

class TokenTable : public View {
    Q_OBJECT
public:
    explicit TokenTable(RunDocument* document, QWidget* parent = nullptr);
    [[nodiscard]] TokenTableModel* model() const { return model_; }
    [[nodiscard]] QTableView* table() const { return table_; }

public slots:
    void copyCsv();  // selected rows, or all

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    RunDocument* document_;
    TokenTableModel* model_;
    QTableView* table_;
    bool syncing_ = false;
};

}  // namespace quibble
