#include "app/setup_controller.h"

#include <vector>

#include "views/markers/markers_panel.h"
#include "views/number_field.h"
#include "views/run_setup/decoding_panel.h"
#include "views/run_setup/model_bar.h"
#include "views/run_setup/rules_panel.h"
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
    connect(panels_.rules, &RulesPanel::changed, this, &SetupController::changed);
    connect(panels_.rules, &RulesPanel::controlChanged, this, &SetupController::controlChanged);
    connect(panels_.rules, &RulesPanel::faultChanged, this, &SetupController::faultChanged);
    connect(panels_.model_bar, &ModelBar::referenceChosen, this, &SetupController::setReference);
    connect(panels_.sampler, &SamplerPanel::faultChanged, this, &SetupController::faultChanged);
    connect(panels_.markers, &MarkersPanel::faultChanged, this, &SetupController::faultChanged);
    connect(panels_.decoding, &DecodingPanel::faultChanged, this, &SetupController::faultChanged);
    panels_.prompt->setProblemsAvailable(false);
}

QString SetupController::fault() const {
    for (const QWidget* panel : {static_cast<QWidget*>(panels_.sampler), static_cast<QWidget*>(panels_.markers),
                                 static_cast<QWidget*>(panels_.decoding), static_cast<QWidget*>(panels_.rules)}) {
        if (const QString fault = firstFault(panel); !fault.isEmpty()) return fault;
    }
    return {};
}

RunRequest SetupController::request() const {
    RunRequest request;
    panels_.prompt->fill(request);
    panels_.sampler->fill(request);
    request.penalty = panels_.markers->penalty();
    panels_.decoding->fill(request);
    panels_.rules->fill(request);
    return request;
}

void SetupController::show(const RunRequest& request) {
    panels_.prompt->show(request);
    panels_.sampler->setRequest(request);
    panels_.markers->setPenalty(request.penalty);
    panels_.decoding->setRequest(request);
    panels_.rules->setRequest(request);
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
    panels_.rules->setRequest(request);
    panels_.model_bar->setReference(request.reference);
    panels_.model_bar->setSamplerSummary(panels_.sampler->summary());
    // The first start shows the first problem, so that everybody's tutorial looks the same.
    if (hasProblems()) showProblem(problems_->problems().front());
    emit changed();
}

void SetupController::setProblems(ProblemSet problems) {
    problems_ = std::move(problems);
    panels_.prompt->setProblemsAvailable(hasProblems());
}

void SetupController::newProblem() {
    if (!hasProblems()) return;
    // Any but the one that stands there, wherever it came from.
    const std::string shown = panels_.prompt->prompt().toStdString();
    std::vector<const Problem*> others;
    for (const Problem& problem : problems_->problems()) {
        if (problem.text != shown) others.push_back(&problem);
    }
    if (others.empty()) return;
    showProblem(*others[std::uniform_int_distribution<std::size_t>(0, others.size() - 1)(random_)]);
    emit changed();
}

void SetupController::firstProblem() {
    if (!hasProblems()) return;
    showProblem(problems_->problems().front());
    emit changed();
}

void SetupController::showProblem(const Problem& problem) {
    panels_.prompt->showProblem(QString::fromStdString(problem.id), QString::fromStdString(problem.text),
                                QString::fromStdString(problem.answer));
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
    if (quantized_in_place && kind == ReferenceKind::None)
        setReference({.kind = ReferenceKind::Unquantized, .path = {}});
    if (!quantized_in_place && kind == ReferenceKind::Unquantized)
        setReference({.kind = ReferenceKind::None, .path = {}});
}

}  // namespace quibble
