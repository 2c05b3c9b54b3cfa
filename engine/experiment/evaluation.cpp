#include "engine/experiment/evaluation.h"

#include "engine/grading/run_grade.h"
#include "engine/metrics/statistics.h"
#include "engine/metrics/summary.h"
#include "engine/values/check.h"
#include "engine/values/reference_text.h"

namespace quibble {

ProblemResult resultOf(const RunTrace& trace) {
    QUIBBLE_CHECK(trace.finished(), "a run that has ended has a result");
    const RunSummaryNumbers numbers = summarize(trace);
    ProblemResult result;
    const auto grade = gradeOf(trace);
    if (grade && grade->isRight())
        result.label = ProblemResult::Label::Correct;
    else if (grade && grade->verdict == Verdict::NotGradable)
        result.label = ProblemResult::Label::NotGradable;
    else if (isOverthinking(trace))
        result.label = ProblemResult::Label::Overthinking;
    result.cut_off = trace.finished()->reason != FinishReason::EndOfText;
    result.tokens = static_cast<double>(numbers.tokens);
    result.markers = static_cast<double>(numbers.markers);
    result.mean_kl = numbers.mean_kl;
    result.reused_positions = trace.provenance().reused_positions;
    result.reference = referenceText(trace.provenance());
    return result;
}

std::pair<std::string, Error> Evaluation::firstFailure() const {
    QUIBBLE_CHECK(!failures_.empty(), "a problem failed");
    const Failure& first = failures_.begin()->second;
    return {first.problem, first.why};
}

EvaluationFigures Evaluation::figures() const {
    using Label = ProblemResult::Label;
    EvaluationFigures figures;
    figures.wanted = wanted_;
    figures.done = done();
    figures.ran = std::ssize(results_);
    for (const auto& [index, failure] : failures_) figures.failed.push_back({failure.problem, failure.why.line()});
    if (results_.empty()) return figures;
    std::vector<double> tokens, markers, kl;
    for (const auto& [index, result] : results_) {
        tokens.push_back(result.tokens);
        markers.push_back(result.markers);
        if (result.mean_kl) kl.push_back(*result.mean_kl);
        figures.reused_positions += result.reused_positions;
        figures.correct += result.label == Label::Correct;
        figures.not_gradable += result.label == Label::NotGradable;
        figures.overthinking += result.label == Label::Overthinking;
        figures.cut_off += result.cut_off;
    }
    figures.reference = results_.begin()->second.reference;
    figures.graded = figures.ran - figures.not_gradable;
    figures.accuracy = static_cast<double>(figures.correct) / static_cast<double>(figures.ran);
    figures.accuracy_95 = wilsonInterval(figures.correct, figures.ran);
    figures.mean_tokens = mean(tokens);
    figures.mean_tokens_95 = bootstrapMeanInterval(tokens, 1);
    figures.mean_markers = mean(markers);
    figures.mean_kl = mean(kl);
    return figures;
}

void Evaluation::addTo(nlohmann::ordered_json& out, bool interrupted) const {
    const EvaluationFigures figures = this->figures();
    out["reference"] = figures.reference;
    out["problems"] = figures.done;
    out["problems_wanted"] = figures.wanted;
    out["interrupted"] = interrupted;
    out["failed"] = nlohmann::ordered_json::array();
    for (const EvaluationFigures::Failure& failure : figures.failed)
        out["failed"].push_back({{"id", failure.problem}, {"reason", failure.reason}});
    out["graded"] = figures.graded;
    out["not_gradable"] = figures.not_gradable;
    out["reused_positions"] = figures.reused_positions;
    out["correct"] = figures.correct;
    if (!figures.accuracy) return;
    out["accuracy"] = *figures.accuracy;
    out["accuracy_95"] = {figures.accuracy_95.low, figures.accuracy_95.high};
    out["overthinking_errors"] = figures.overthinking;
    out["cut_off"] = figures.cut_off;
    out["mean_tokens"] = figures.mean_tokens.value_or(0);
    if (const auto& spread = figures.mean_tokens_95) out["mean_tokens_95"] = {spread->low, spread->high};
    out["mean_markers"] = figures.mean_markers.value_or(0);
    out["mean_kl_nats"] = figures.mean_kl ? nlohmann::ordered_json(*figures.mean_kl) : nlohmann::ordered_json(nullptr);
}

}  // namespace quibble
