#include "engine/experiment/evaluation.h"

#include <algorithm>

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

void Evaluation::addTo(nlohmann::ordered_json& out, bool interrupted) const {
    using Label = ProblemResult::Label;
    const auto count = [&](auto&& counts) {
        return std::count_if(results_.begin(), results_.end(), [&](const auto& entry) { return counts(entry.second); });
    };
    const auto labelled = [&](Label label) {
        return count([label](const ProblemResult& result) { return result.label == label; });
    };
    std::vector<double> tokens, markers, kl;
    std::int64_t reused = 0;
    for (const auto& [index, result] : results_) {
        tokens.push_back(result.tokens);
        markers.push_back(result.markers);
        if (result.mean_kl) kl.push_back(*result.mean_kl);
        reused += result.reused_positions;
    }
    const auto run = std::ssize(results_);
    out["reference"] = results_.empty() ? std::string() : results_.begin()->second.reference;
    out["problems"] = done();
    out["problems_wanted"] = wanted_;
    out["interrupted"] = interrupted;
    out["failed"] = nlohmann::ordered_json::array();
    for (const auto& [index, failure] : failures_)
        out["failed"].push_back({{"id", failure.problem}, {"reason", failure.why.line()}});
    out["graded"] = run - labelled(Label::NotGradable);
    out["not_gradable"] = labelled(Label::NotGradable);
    out["reused_positions"] = reused;
    out["correct"] = labelled(Label::Correct);
    if (run == 0) return;
    // Of the problems that were run: what could not be run says nothing about the model's answers.
    const Interval interval = wilsonInterval(labelled(Label::Correct), run);
    out["accuracy"] = static_cast<double>(labelled(Label::Correct)) / static_cast<double>(run);
    out["accuracy_95"] = {interval.low, interval.high};
    out["overthinking_errors"] = labelled(Label::Overthinking);
    out["cut_off"] = count([](const ProblemResult& result) { return result.cut_off; });
    out["mean_tokens"] = mean(tokens).value_or(0);
    if (const auto spread = bootstrapMeanInterval(tokens, 1)) out["mean_tokens_95"] = {spread->low, spread->high};
    out["mean_markers"] = mean(markers).value_or(0);
    out["mean_kl_nats"] = kl.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(*mean(kl));
}

}  // namespace quibble
