// About and diagnostics: what the program knows about itself and this machine as one text, the check of its kernels,
// and a button that puts all of it on the clipboard.
#pragma once

#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include <QDialog>

#include "engine/diagnostics/diagnostics.h"

class QLabel;
class QPlainTextEdit;
class QProgressBar;
class QPushButton;

namespace quibble {

class DiagnosticsDialog : public QDialog {
    Q_OBJECT
public:
    /// `tables`: what the check goes through; they outlive the dialog.
    DiagnosticsDialog(const FrontEnd& front_end, std::span<const kernels::Ops* const> tables, QWidget* parent);
    ~DiagnosticsDialog() override;

    /// What Copy puts on the clipboard.
    [[nodiscard]] QString text() const;
    [[nodiscard]] QPushButton* testButton() const { return test_; }
    [[nodiscard]] QPushButton* copyButton() const { return copy_; }
    [[nodiscard]] QLabel* verdict() const { return verdict_; }
    [[nodiscard]] bool testing() const { return thread_.joinable(); }

private:
    void startTest();
    void showResults(const std::vector<kernels::OpCheck>& checks);
    void refresh();

    FrontEnd front_end_;
    std::span<const kernels::Ops* const> tables_;
    std::vector<DiagnosticSection> sections_;
    DiagnosticSection results_;
    QPlainTextEdit* shown_;
    QProgressBar* progress_;
    QLabel* verdict_;
    QPushButton* test_;
    QPushButton* copy_;
    std::uint64_t seed_ = 1;
    std::jthread thread_;
};

}  // namespace quibble
