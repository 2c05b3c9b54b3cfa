// What came of a problem set: the accuracy large, the other figures below it, the problems that could not be run with
// their reasons, and a button that copies the report of quibble-cli eval.
#pragma once

#include <QDialog>

#include "app/set_facts.h"

class QPushButton;
class QScrollArea;

namespace quibble {

class SetSummaryDialog : public QDialog {
    Q_OBJECT
public:
    SetSummaryDialog(const SetSummary& summary, QWidget* parent);

    /// What Copy puts on the clipboard.
    [[nodiscard]] QString text() const;
    [[nodiscard]] QPushButton* copyButton() const { return copy_; }

private:
    [[nodiscard]] QScrollArea* makeFigures();
    [[nodiscard]] QWidget* makeFailures();

    SetSummary summary_;
    QPushButton* copy_ = nullptr;
};

}  // namespace quibble
