#include "app/setup_controller.h"

#include "views/markers/markers_panel.h"
#include "views/run_setup/decoding_panel.h"
#include "views/run_setup/model_bar.h"
#include "views/run_setup/run_setup_panel.h"
#include "views/run_setup/sampler_panel.h"

namespace quibble {

namespace {

constexpr std::uint64_t kFirstSeed = 7;

}  // namespace

SetupController::SetupController(const Panels& panels, QObject* parent) : QObject(parent), panels_(panels) {
    connect(panels_.prompt, &RunSetupPanel::promptChanged, this, &SetupController::changed);
    connect(panels_.prompt, &RunSetupPanel::newProblemRequested, this, &SetupController::newProblem);
    connect(panels_.sampler, &SamplerPanel::changed, this, [this] {
        panels_.model_bar->setSamplerSummary(panels_.sampler->summary());
        panels_.model_bar->setReference(panels_.sampler->reference());
        emit changed();
    });
    connect(panels_.sampler, &SamplerPanel::controlChanged, this, &SetupController::controlChanged);
    connect(panels_.markers, &MarkersPanel::controlChanged, this, [this](const QString& key, double value) {
        emit controlChanged(key, value);
        emit changed();
    });
    connect(panels_.markers, &MarkersPanel::setChosen, this, &SetupController::changed);
    connect(panels_.decoding, &DecodingPanel::changed, this, &SetupController::changed);
    connect(panels_.decoding, &DecodingPanel::controlChanged, this, &SetupController::controlChanged);
    connect(panels_.model_bar, &ModelBar::referenceChosen, this, &SetupController::setReference);
    panels_.prompt->setProblemsAvailable(false);
}

RunRequest SetupController::request() const {
    RunRequest request;
    panels_.prompt->fill(request);
    panels_.sampler->fill(request);
    request.penalty = panels_.markers->penalty();
    panels_.decoding->fill(request);
    return request;
}

void SetupController::show(const RunRequest& request) {
    panels_.prompt->show(request);
    panels_.sampler->setRequest(request);
    panels_.markers->setPenalty(request.penalty);
    panels_.decoding->setRequest(request);
    panels_.model_bar->setReference(request.reference);
    panels_.model_bar->setSamplerSummary(panels_.sampler->summary());
    emit changed();
}

void SetupController::showDefaults() {
    RunRequest request;
    request.seed = kFirstSeed;
    panels_.sampler->setRequest(request);
    panels_.markers->setPenalty(request.penalty);
    panels_.decoding->setRequest(request);
    panels_.model_bar->setReference(request.reference);
    panels_.model_bar->setSamplerSummary(panels_.sampler->summary());
    if (hasProblems()) newProblem();
    emit changed();
}

void SetupController::setProblems(ProblemSet problems) {
    problems_ = std::move(problems);
    panels_.prompt->setProblemsAvailable(hasProblems());
}

void SetupController::newProblem() {
    if (!hasProblems()) return;
    const auto& all = problems_->problems();
    // The first start shows the first problem, so that everybody's tutorial looks the same; then any other one.
    if (!std::exchange(first_problem_, false) && all.size() > 1) {
        const std::size_t shown = next_problem_;
        while (next_problem_ == shown) next_problem_ = std::uniform_int_distribution<std::size_t>(0, all.size() - 1)(random_);
    }
    const Problem& problem = all[next_problem_];
    panels_.prompt->showProblem(QString::fromStdString(problem.id), QString::fromStdString(problem.text), QString::fromStdString(problem.answer));
    emit changed();
}

void SetupController::setReference(const ReferenceSettings& reference) {
    ReferenceSettings now = panels_.sampler->reference();
    now.kind = reference.kind;
    if (reference.kind == ReferenceKind::File) now.path = reference.path;
    panels_.sampler->setReference(now);
    panels_.model_bar->setReference(now);
    emit changed();
}

void SetupController::adaptReference(bool quantized_in_place) {
    const ReferenceKind kind = panels_.sampler->reference().kind;
    if (quantized_in_place && kind == ReferenceKind::None) setReference({.kind = ReferenceKind::Unquantized, .path = {}});
    if (!quantized_in_place && kind == ReferenceKind::Unquantized) setReference({.kind = ReferenceKind::None, .path = {}});
}

}  // namespace quibble
