// The run that the window shows, and the one selection that all views share. Lives on the UI thread. Views hold a
// pointer to it, read trace() and listen; nobody else owns a copy of the data.
#pragma once

#include <array>
#include <memory>
#include <utility>

#include <QObject>

#include "engine/values/run_event.h"
#include "engine/values/run_request.h"
#include "engine/values/run_trace.h"
#include "views/measure.h"

namespace quibble {

/// Indices into RunTrace::points(), half open.
struct TokenRange {
    int begin = 0;
    int end = 0;
    [[nodiscard]] bool empty() const { return end <= begin; }
    [[nodiscard]] int size() const { return empty() ? 0 : end - begin; }
    [[nodiscard]] bool contains(int index) const { return index >= begin && index < end; }
    bool operator==(const TokenRange&) const = default;
};

class RunDocument : public QObject {
    Q_OBJECT
public:
    explicit RunDocument(QObject* parent = nullptr);

    /// A new, empty run: everything shown so far goes.
    void start(RunRequest request, RunId run = kNoRun);
    /// A finished or loaded run in one go.
    void setTrace(RunTrace trace, RunId run = kNoRun);
    void setTrace(std::shared_ptr<const RunTrace> trace, RunId run = kNoRun);
    /// Live: applies the events in order and emits each signal at most once.
    void apply(const EventBatch& batch);

    [[nodiscard]] const RunTrace& trace() const { return *trace_; }
    /// Gives the run away; another one is shown next.
    [[nodiscard]] RunTrace take();
    /// The run as it is now, for another thread. Nothing is copied, unless tokens arrive while somebody holds it.
    [[nodiscard]] std::shared_ptr<const RunTrace> snapshot();
    [[nodiscard]] RunId run() const { return run_; }
    [[nodiscard]] int size() const { return static_cast<int>(trace_->points().size()); }
    [[nodiscard]] bool live() const;  // tokens may still come
    /// Why no run can be started; empty: one can.
    void setRunBlocked(const QString& reason);
    /// What to do for a run: "Press Run", or what is missing before that.
    [[nodiscard]] QString runHint() const;
    /// How many tokens the reference is behind the text and will still score; 0 when there is no reference, or the run
    /// has ended.
    [[nodiscard]] int referenceLag() const;
    [[nodiscard]] bool hasReference() const { return !trace_->provenance().reference_name.empty(); }
    /// The token that stands at a position; -1: in the prompt, or not there yet.
    [[nodiscard]] int indexAt(Position pos) const;
    [[nodiscard]] Position positionOf(int index) const {
        return trace_->points()[static_cast<std::size_t>(index)].token.pos;
    }
    /// Text of a token for a label: quotes, visible controls, \xNN for bytes that are no character.
    [[nodiscard]] QString tokenLabel(TokenId id) const;

    // Selection: a range, and the token with the focus (-1: none).
    [[nodiscard]] TokenRange selection() const { return selection_; }
    [[nodiscard]] int current() const { return current_; }
    void setSelection(TokenRange range, int current);
    void selectToken(int index) { setSelection({index, index + 1}, index); }
    void clearSelection() { setSelection({}, -1); }
    [[nodiscard]] int hovered() const { return hovered_; }
    void setHovered(int index);  // -1: none

    // How numbers are shown, everywhere.
    [[nodiscard]] Unit unit() const { return unit_; }
    void setUnit(Unit unit);
    [[nodiscard]] Measure measure() const { return measure_; }
    void setMeasure(Measure measure);
    /// Upper end of the colour scale of a measurement in the current unit; 0 when nothing was measured.
    [[nodiscard]] double scaleUpper(Measure measure) const;
    /// Where a token stands on that scale, 0 .. 1; NaN when it has no value.
    [[nodiscard]] double scalePosition(int index, Measure measure) const;

signals:
    void reset();                                 // another run
    void applied(int first, int last);            // tokens [first, last) are new
    void referenceAdvanced(int first, int last);  // tokens [first, last) got their KL
    void draftsAdvanced();                        // rounds of drafting are new
    void expertsAdvanced();                       // passes or tokens with experts are new
    void stateChanged(quibble::RunState state);
    void provenanceChanged();
    void controlsChanged();
    void progressChanged(qint64 done, qint64 total);
    void runHintChanged();
    void finished();
    void selectionChanged();
    void hoveredChanged(int index);
    void unitChanged();
    void measureChanged();
    void scaleChanged();  // a colour scale grew

private:
    void addToScales(int first, int last, bool reference);
    void rebuildScales();

    void showTrace(RunId run);

    std::shared_ptr<const RunTrace> trace_;
    std::shared_ptr<RunTrace> own_;  // the same, where nobody else holds it
    RunId run_ = kNoRun;
    QString run_blocked_;
    TokenRange selection_;
    int current_ = -1;
    int hovered_ = -1;
    Unit unit_ = Unit::Nat;
    Measure measure_ = Measure::Entropy;
    std::array<ColourScale, kMeasures.size()> scales_;
};

}  // namespace quibble
