// One line under the window: state, how far the run is and how long the rest may take, model and format, processor,
// speed, context, when it was saved.
#pragma once

#include <optional>

#include <QStatusBar>
#include <QTimer>

#include "engine/values/result.h"

class QToolButton;

namespace quibble {

class ElidingLabel;
class RunDocument;

/// Figures that only the controller knows.
struct StatusFigures {
    double tokens_per_second = 0;  // 0: not shown
    bool paced = false;            // the pace holds the run back: this is no speed of the engine
    bool with_reference = false;
    int context_size = 0;  // positions; 0: from the provenance
    std::optional<double> saved_seconds_ago;
    QString device;  // "CPU AVX-512, 2 threads"; empty: from the provenance
    QString model;   // shown while no run has told its provenance
};

/// Something that goes on beside the runs, with a button that ends it.
struct WorkLine {
    QString doing;    // "Exporting run.csv"; empty: nothing
    QString figures;  // how far it is; may be empty
    QString tip;      // more about it
    QString ending;   // what the button does
};

class RunStatusBar : public QStatusBar {
    Q_OBJECT
public:
    explicit RunStatusBar(RunDocument* document, QWidget* parent = nullptr);
    void setStatus(const StatusFigures& status);
    /// Cause and what to do, until dismissed or replaced; no modal box.
    void showError(const Error& error);
    void clearError();
    /// Shown when it takes longer than a moment.
    void setWork(const WorkLine& work);
    [[nodiscard]] QString stateText() const;
    /// "123 of 512, 2 min left" while the run may go on; else empty.
    [[nodiscard]] QString progressText() const;

signals:
    void detailsRequested();  // click on the state
    void workCancelRequested();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void refresh();

    RunDocument* document_;
    StatusFigures status_;
    ElidingLabel* state_ = nullptr;
    ElidingLabel* progress_ = nullptr;
    ElidingLabel* model_ = nullptr;
    ElidingLabel* device_ = nullptr;
    ElidingLabel* speed_ = nullptr;
    ElidingLabel* context_ = nullptr;
    ElidingLabel* saved_ = nullptr;
    ElidingLabel* error_ = nullptr;
    ElidingLabel* work_ = nullptr;
    QToolButton* cancel_work_ = nullptr;
    QTimer work_timer_;
};

}  // namespace quibble
