#include "views/run_document.h"

#include <algorithm>
#include <cmath>

#include "views/token_stream/token_pieces.h"

namespace quibble {

RunDocument::RunDocument(QObject* parent) : QObject(parent), trace_(std::make_shared<const RunTrace>()) {}

void RunDocument::start(RunRequest request, RunId run) { setTrace(RunTrace(std::move(request)), run); }

void RunDocument::setTrace(RunTrace trace, RunId run) {
    own_ = std::make_shared<RunTrace>(std::move(trace));
    trace_ = own_;
    showTrace(run);
}

void RunDocument::setTrace(std::shared_ptr<const RunTrace> trace, RunId run) {
    own_.reset();
    trace_ = std::move(trace);
    showTrace(run);
}

std::shared_ptr<const RunTrace> RunDocument::snapshot() {
    own_.reset();
    return trace_;
}

RunTrace RunDocument::take() {
    RunTrace taken;
    if (own_ != nullptr)
        taken = std::move(*own_);
    else
        taken = *trace_;
    own_ = std::make_shared<RunTrace>();
    trace_ = own_;
    return taken;
}

void RunDocument::showTrace(RunId run) {
    run_ = run;
    selection_ = {};
    current_ = -1;
    hovered_ = -1;
    rebuildScales();
    emit reset();
    emit stateChanged(trace_->state());
    emit provenanceChanged();
    emit controlsChanged();
    emit selectionChanged();
    emit hoveredChanged(-1);
    emit scaleChanged();
}

void RunDocument::setRunBlocked(const QString& reason) {
    if (reason == run_blocked_) return;
    run_blocked_ = reason;
    emit runHintChanged();
}

QString RunDocument::runHint() const { return run_blocked_.isEmpty() ? tr("Press Run") : run_blocked_; }

void RunDocument::apply(const EventBatch& batch) {
    if (own_ == nullptr) {
        own_ = std::make_shared<RunTrace>(*trace_);
        trace_ = own_;
    }
    const int first = size();
    const RunState state_before = trace_->state();
    const std::size_t controls_before = trace_->controls().size();
    const bool finished_before = trace_->finished().has_value();
    int reference_first = first, reference_last = 0;
    bool provenance = false, progress = false, drafts = false, experts = false, taken_back = false;
    for (const RunEvent& event : batch.events) {
        own_->apply(event);
        taken_back = taken_back || std::holds_alternative<TakenBack>(event);
        provenance = provenance || std::holds_alternative<RunProvenance>(event);
        progress = progress || std::holds_alternative<Progress>(event);
        drafts = drafts || std::holds_alternative<DraftRound>(event);
        experts = experts || std::holds_alternative<ExpertPass>(event) || std::holds_alternative<TokenExperts>(event);
        if (const auto* record = std::get_if<ReferenceRecord>(&event); record != nullptr && size() > 0) {
            const int index = indexAt(record->pos);
            if (index < 0) continue;
            reference_first = reference_last == 0 ? index : std::min(reference_first, index);
            reference_last = std::max(reference_last, index + 1);
        }
    }
    if (taken_back) {
        // Views follow a text that grows. This one is another text from some token on.
        const auto [range, current] = std::pair(selection_, current_);
        showTrace(run_);
        if (range.end <= size()) setSelection(range, current);
        if (trace_->finished().has_value() && !finished_before) emit finished();
        return;
    }
    const auto upper_before = scaleUpper(measure_);
    addToScales(first, size(), false);
    addToScales(reference_first, reference_last, true);
    if (provenance) emit provenanceChanged();
    if (size() > first) emit applied(first, size());
    if (reference_last > reference_first) emit referenceAdvanced(reference_first, reference_last);
    if (drafts) emit draftsAdvanced();
    if (experts) emit expertsAdvanced();
    if (trace_->controls().size() != controls_before) emit controlsChanged();
    if (progress) emit progressChanged(trace_->progress().done, trace_->progress().total);
    if (scaleUpper(measure_) != upper_before) emit scaleChanged();
    if (trace_->state() != state_before) emit stateChanged(trace_->state());
    if (trace_->finished().has_value() && !finished_before) emit finished();
}

bool RunDocument::live() const {
    switch (trace_->state()) {
        case RunState::Loading:
        case RunState::Prefilling:
        case RunState::Running:
        case RunState::Paused: return true;
        case RunState::Idle:
        case RunState::Finished: return false;
    }
    return false;
}

int RunDocument::referenceLag() const {
    return hasReference() && live() ? size() - static_cast<int>(trace_->referenced()) : 0;
}

int RunDocument::indexAt(Position pos) const {
    if (size() == 0) return -1;
    const std::int64_t index = std::int64_t{pos} - positionOf(0);
    return index < 0 || index >= size() ? -1 : static_cast<int>(index);
}

QString RunDocument::tokenLabel(TokenId id) const {
    const std::string_view bytes = trace_->text(id);
    return bytes.empty() ? tr("⟨%1⟩").arg(id) : tokenLabelOf(bytes);
}

void RunDocument::setSelection(TokenRange range, int current) {
    range.begin = std::clamp(range.begin, 0, size());
    range.end = std::clamp(range.end, range.begin, size());
    if (range.empty()) range = {};
    current = range.empty() ? -1 : std::clamp(current, range.begin, range.end - 1);
    if (range == selection_ && current == current_) return;
    selection_ = range;
    current_ = current;
    emit selectionChanged();
}

void RunDocument::setHovered(int index) {
    if (index < 0 || index >= size()) index = -1;
    if (index == hovered_) return;
    hovered_ = index;
    emit hoveredChanged(index);
}

void RunDocument::setUnit(Unit unit) {
    if (unit == unit_) return;
    unit_ = unit;
    rebuildScales();
    emit unitChanged();
    emit scaleChanged();
}

void RunDocument::setMeasure(Measure measure) {
    if (measure == measure_) return;
    measure_ = measure;
    emit measureChanged();
    emit scaleChanged();
}

double RunDocument::scaleUpper(Measure measure) const { return scales_[static_cast<std::size_t>(measure)].upper(); }

double RunDocument::scalePosition(int index, Measure measure) const {
    if (index < 0 || index >= size()) return std::nan("");
    const double value = measureValue(trace_->points()[static_cast<std::size_t>(index)], measure, unit_);
    return rampPosition(value, measure == Measure::Rank ? 1.0 : 0.0, scaleUpper(measure));
}

void RunDocument::addToScales(int first, int last, bool reference) {
    for (int i = first; i < last; ++i) {
        const TracePoint& point = trace_->points()[static_cast<std::size_t>(i)];
        for (const Measure measure : kMeasures) {
            if (measure == Measure::None || (measure == Measure::Kl) != reference) continue;
            scales_[static_cast<std::size_t>(measure)].add(measureValue(point, measure, unit_));
        }
    }
}

void RunDocument::rebuildScales() {
    for (const Measure measure : kMeasures)
        scales_[static_cast<std::size_t>(measure)].clear(measureFloor(measure, unit_));
    addToScales(0, size(), false);
    addToScales(0, size(), true);
}

}  // namespace quibble
