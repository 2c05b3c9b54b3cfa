// What the next run would be: keeps the panels (prompt, sampler, markers, drafts and experts, model bar) in step and
// reads them into a RunRequest.
#pragma once

#include <optional>
#include <random>

#include <QObject>

#include "data/problems/problem_set.h"
#include "engine/values/run_request.h"

namespace quibble {

class DecodingPanel;
class MarkersPanel;
class ModelBar;
class RulesPanel;
class RunSetupPanel;
class SamplerPanel;

class SetupController : public QObject {
    Q_OBJECT
public:
    struct Panels {
        RunSetupPanel* prompt = nullptr;
        SamplerPanel* sampler = nullptr;
        MarkersPanel* markers = nullptr;
        DecodingPanel* decoding = nullptr;
        RulesPanel* rules = nullptr;
        ModelBar* model_bar = nullptr;
    };
    explicit SetupController(const Panels& panels, QObject* parent = nullptr);

    /// Everything but model and quantization.
    [[nodiscard]] RunRequest request() const;
    /// What is wrong with a number that the user typed, in whatever panel; empty: nothing.
    [[nodiscard]] QString fault() const;
    /// Shows the settings of a run in the panels; the model bar's model is left alone.
    void show(const RunRequest& request);
    /// Settings of the first start: the panels' defaults.
    void showDefaults();

    void setProblems(ProblemSet problems);
    [[nodiscard]] bool hasProblems() const { return problems_ && !problems_->problems().empty(); }
    /// That problems are drawn from; nullptr: there is none.
    [[nodiscard]] const ProblemSet* problems() const { return hasProblems() ? &*problems_ : nullptr; }

    /// The reference that makes sense with these weights: the stored weights of the same file when they were quantized
    /// in memory, else none. A reference file stays.
    void adaptReference(bool quantized_in_place);
    void setReference(const ReferenceSettings& reference);

public slots:
    void newProblem();
    /// The first of the set.
    void firstProblem();

signals:
    void changed();
    void faultChanged();
    void controlChanged(const QString& key, const quibble::ParamValue& value);

private:
    void showProblem(const Problem& problem);

    Panels panels_;
    std::optional<ProblemSet> problems_;
    std::mt19937 random_{std::random_device{}()};
};

}  // namespace quibble
